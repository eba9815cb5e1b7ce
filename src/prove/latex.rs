//! A text of the language set in LaTeX.

use super::parser::statements;
use super::tree::{Comparison, Condition, Kind, Node, Over, Statement, Total};
use super::unusable::Unusable;
use num_rational::BigRational;
use num_traits::Signed;

/// An equation of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation {
    /// Its line in the text, from 1.
    pub line: usize,
    /// Whether it defines its left side. Otherwise it is a claim, or declares a name by its bounds.
    pub is_definition: bool,
    /// The equation in LaTeX.
    pub latex: String,
}

/// Every definition and claim of a text in LaTeX, in the order of the text.
///
/// # Errors
/// If the text cannot be read.
pub fn latex(text: &str) -> Result<Vec<Equation>, Unusable> {
    let line = |start: usize| text.get(..start).unwrap_or(text).matches('\n').count() + 1;
    let mut equations = Vec::new();
    for statement in statements(text)? {
        match statement {
            Statement::Defined { name, at, indices, body } => {
                let indices: Vec<String> = indices.iter().map(|(index, _)| symbol(index)).collect();
                let left = if indices.is_empty() { symbol(&name) } else { subscript(&symbol(&name), &indices) };
                let latex = format!("{left} = {}", sum(&body));
                equations.push(Equation { line: line(at.start), is_definition: true, latex });
            }
            Statement::Compared { sides, signs, at } => {
                let mut latex = sides.first().map(sum).unwrap_or_default();
                for (sign, side) in signs.iter().zip(sides.iter().skip(1)) {
                    latex.push_str(&format!(" {} {}", relation(*sign), sum(side)));
                }
                equations.push(Equation { line: line(at.start), is_definition: false, latex });
            }
            Statement::Declared { .. } | Statement::Sized { .. } | Statement::Assumed { .. } => {}
        }
    }
    Ok(equations)
}

/// How tightly an expression holds together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Power,
    Atom,
}

fn binding(node: &Node) -> Binding {
    match &node.kind {
        Kind::Number(n) if n.is_negative() => Binding::Sum,
        Kind::Number(n) if !n.is_integer() => Binding::Product,
        Kind::Sum(_) | Kind::Negation(_) => Binding::Sum,
        // a minus in front is one of the whole product
        Kind::Product(factors) if factors.first().is_some_and(|(divided, x)| !divided && begins_with_a_minus(x)) => {
            Binding::Sum
        }
        Kind::Over(_) | Kind::Expect { .. } | Kind::Product(_) | Kind::Derivative { .. } => Binding::Product,
        Kind::Call(name, _) if name == "dot" => Binding::Product,
        Kind::Call(name, _) if name == "exp" => Binding::Power,
        Kind::Power(..) => Binding::Power,
        _ => Binding::Atom,
    }
}

fn begins_with_a_minus(node: &Node) -> bool {
    matches!(&node.kind, Kind::Negation(_)) || matches!(&node.kind, Kind::Number(n) if n.is_negative())
}

/// Between brackets that grow with what is taller than a line.
fn between(open: &str, inside: &str, close: &str) -> String {
    let tall = ["\\frac", "\\sum", "\\prod", "\\left"].iter().any(|tall| inside.contains(tall));
    if tall { format!("\\left{open}{inside}\\right{close}") } else { format!("{open}{inside}{close}") }
}

/// In parentheses where it holds less tightly than its place needs.
fn within(node: &Node, place: Binding) -> String {
    if binding(node) < place { between("(", &sum(node), ")") } else { sum(node) }
}

/// An expression.
fn sum(node: &Node) -> String {
    match &node.kind {
        Kind::Number(n) => number(n),
        Kind::Name(name) => symbol(name),
        Kind::Entry(base, at) => {
            let at: Vec<String> = at.iter().map(sum).collect();
            subscript(&within(base, Binding::Atom), &at)
        }
        Kind::Call(name, arguments) => call(name, arguments),
        Kind::Applied(formula) => {
            let result = if formula.result.is_empty() { String::new() } else { format!(".{}", formula.result) };
            let name = format!("{}{result}", formula.name).replace('_', "\\_");
            let given: Vec<String> = formula.expressions().map(sum).collect();
            format!("\\operatorname{{{name}}}{}", between("(", &given.join(", "), ")"))
        }
        Kind::Over(over) => total(over),
        Kind::Expect { index, over, body } => {
            format!("\\operatorname{{E}}_{{{} \\sim {}}}{}", symbol(index), sum(over), between("[", &sum(body), "]"))
        }
        Kind::Sum(terms) => {
            let mut text = String::new();
            for (i, (subtracted, term)) in terms.iter().enumerate() {
                // what is subtracted, or begins with a minus itself, must hold together
                let place = if i == 0 && !subtracted { Binding::Sum } else { Binding::Product };
                let sign = match (i, subtracted) {
                    (_, true) => " - ",
                    (0, false) => "",
                    (_, false) => " + ",
                };
                text.push_str(sign);
                text.push_str(&within(term, place));
            }
            text.trim_start().to_string()
        }
        Kind::Product(factors) => product(factors),
        Kind::Negation(x) => format!("-{}", within(x, Binding::Product)),
        Kind::Power(base, exponent) => format!("{}^{{{}}}", within(base, Binding::Atom), sum(exponent)),
        Kind::Bracket(of) => between("[", &condition(of), "]"),
        Kind::Derivative { of, by } => {
            let order = if by.len() == 1 { String::new() } else { format!("^{}", by.len()) };
            let by: Vec<String> = by.iter().map(|x| format!("\\partial {}", within(x, Binding::Atom))).collect();
            let by = by.join("\\,");
            match binding(of) {
                Binding::Atom => format!("\\frac{{\\partial{order} {}}}{{{by}}}", sum(of)),
                _ => format!("\\frac{{\\partial{order}}}{{{by}}}{}", between("(", &sum(of), ")")),
            }
        }
    }
}

fn number(n: &BigRational) -> String {
    if n.is_integer() {
        return n.numer().to_string();
    }
    let sign = if n.is_negative() { "-" } else { "" };
    format!("{sign}\\frac{{{}}}{{{}}}", n.numer().abs(), n.denom())
}

/// Fractions of what is divided, each with the factors before it; factors after a division stand beside it.
fn product(factors: &[(bool, Node)]) -> String {
    let mut parts: Vec<(Vec<&Node>, Vec<&Node>)> = vec![(Vec::new(), Vec::new())];
    for (divided, factor) in factors {
        if !divided && parts.last().is_some_and(|(_, below)| !below.is_empty()) {
            parts.push((Vec::new(), Vec::new()));
        }
        if let Some((above, below)) = parts.last_mut() {
            if *divided { below } else { above }.push(factor);
        }
    }
    let line = |factors: &[&Node]| -> String {
        if let [one] = factors {
            return sum(one);
        }
        let mut text = String::new();
        for (i, factor) in factors.iter().enumerate() {
            let shown = in_product(factor, i == 0);
            let digit = shown.starts_with(|c: char| c.is_ascii_digit());
            text.push_str(if i == 0 {
                ""
            } else if digit {
                " \\cdot "
            } else {
                "\\, "
            });
            text.push_str(&shown);
        }
        text
    };
    let shown = |(above, below): &(Vec<&Node>, Vec<&Node>)| match (above.is_empty(), below.is_empty()) {
        (_, true) if parts.len() > 1 => above.iter().map(|x| in_product(x, false)).collect::<Vec<_>>().join("\\, "),
        (_, true) => line(above),
        (true, _) => format!("\\frac{{1}}{{{}}}", line(below)),
        _ => format!("\\frac{{{}}}{{{}}}", line(above), line(below)),
    };
    parts.iter().map(shown).collect::<Vec<_>>().join("\\, ")
}

/// A factor; only the first may begin with a minus.
fn in_product(factor: &Node, is_first: bool) -> String {
    match &factor.kind {
        Kind::Negation(x) if is_first => format!("-{}", within(x, Binding::Power)),
        Kind::Number(n) if is_first && n.is_integer() => number(n),
        _ => within(factor, Binding::Power),
    }
}

fn call(name: &str, arguments: &[Node]) -> String {
    let all = || between("(", &arguments.iter().map(sum).collect::<Vec<_>>().join(", "), ")");
    match (name, arguments) {
        ("exp", [x]) => format!("e^{{{}}}", sum(x)),
        ("sqrt", [x]) => format!("\\sqrt{{{}}}", sum(x)),
        ("abs", [x]) => between("|", &sum(x), "|"),
        ("norm", [x]) => format!("\\lVert {} \\rVert", sum(x)),
        ("dot", [x, y]) => format!("{} \\cdot {}", within(x, Binding::Power), within(y, Binding::Power)),
        ("log", _) => format!("\\ln{}", all()),
        ("sigmoid", _) => format!("\\sigma{}", all()),
        ("sin" | "cos" | "tanh" | "max" | "min", _) => format!("\\{name}{}", all()),
        _ => format!("\\operatorname{{{}}}{}", word(name), all()),
    }
}

fn total(Over { total, index, below, body }: &Over) -> String {
    let under = match below {
        Some(below) => format!("{} < {}", symbol(index), sum(below)),
        None => symbol(index),
    };
    let sign = match total {
        Total::Sum => "\\sum",
        Total::Mean => "\\operatorname{mean}",
        Total::Product => "\\prod",
    };
    format!("{sign}_{{{under}}} {}", within(body, Binding::Product))
}

fn condition(of: &Condition) -> String {
    match of {
        Condition::Compared(sign, left, right) => format!("{} {} {}", sum(left), relation(*sign), sum(right)),
        Condition::Both(a, b) => format!("{} \\land {}", condition(a), condition(b)),
        Condition::Either(a, b) => format!("{} \\lor {}", condition(a), condition(b)),
    }
}

fn relation(sign: Comparison) -> &'static str {
    match sign {
        Comparison::Equal => "=",
        Comparison::Unequal => "\\ne",
        Comparison::Less => "<",
        Comparison::AtMost => "\\le",
        Comparison::Greater => ">",
        Comparison::AtLeast => "\\ge",
    }
}

fn subscript(base: &str, at: &[String]) -> String {
    // what has a subscript already gets its indices after it
    let base = if base.contains('_') && !base.ends_with(')') { format!("{{{base}}}") } else { base.to_string() };
    format!("{base}_{{{}}}", at.join(","))
}

const GREEK: [&str; 22] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
];

/// A name as a symbol: Greek letters, hats, and digits or what follows a `_` as a subscript.
fn symbol(name: &str) -> String {
    if let Some((base, under)) = name.split_once('_')
        && !base.is_empty()
        && !under.is_empty()
    {
        return format!("{}_{{{}}}", symbol(base), symbol(under));
    }
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if !letters.is_empty() && letters.len() < name.len() {
        return format!("{}_{{{}}}", symbol(letters), &name[letters.len()..]);
    }
    if let Some(base) = name.strip_suffix("hat")
        && !base.is_empty()
    {
        return format!("\\hat{{{}}}", symbol(base));
    }
    match name {
        "eps" | "epsilon" => "\\varepsilon".into(),
        "loss" => "\\ell".into(),
        _ if GREEK.contains(&name) => format!("\\{name}"),
        _ if name.chars().count() == 1 => name.into(),
        _ => format!("\\mathrm{{{}}}", word(name)),
    }
}

/// A word without a meaning in LaTeX.
fn word(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        latex(text).unwrap().into_iter().map(|equation| equation.latex).collect()
    }

    #[test]
    fn a_gradient_reads_as_in_a_paper() {
        let text = "z: vec[n]; y: index[n]\nloss = logsumexp(z) - z[y]\nd loss / d z[i] == softmax(z)[i] - [i == y]";
        let equations = latex(text).unwrap();
        assert_eq!(equations.iter().map(|equation| equation.line).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(equations[0].latex, r"\ell = \operatorname{logsumexp}(z) - z_{y}");
        assert_eq!(
            equations[1].latex,
            r"\frac{\partial \ell}{\partial z_{i}} = \operatorname{softmax}(z)_{i} - [i = y]"
        );
    }

    #[test]
    fn what_holds_together_stays_together() {
        let cases = [
            ("a * (b + c) == 1", r"a\, (b + c) = 1"),
            ("a - (b - c) == 1", r"a - (b - c) = 1"),
            ("a / b * c == 1", r"\frac{a}{b}\, c = 1"),
            ("a / (b * c) == 1", r"\frac{a}{b\, c} = 1"),
            ("a / b / c == 1", r"\frac{a}{b\, c} = 1"),
            ("a / b * (c + a) == 1", r"\frac{a}{b}\, (c + a) = 1"),
            ("(a + b)^2 == 1", r"(a + b)^{2} = 1"),
            ("(a * b)^2 == 1", r"(a\, b)^{2} = 1"),
            ("(a / b)^2 == 1", r"\left(\frac{a}{b}\right)^{2} = 1"),
            ("-(a + b) == 1", r"-(a + b) = 1"),
            ("-a * b == 1", r"-a\, b = 1"),
            ("c - -a * b == 1", r"c - (-a\, b) = 1"),
            ("a * -b == 1", r"a\, (-b) = 1"),
            ("exp(a)^2 == 1", r"(e^{a})^{2} = 1"),
            ("2 * 3 == 6", r"2 \cdot 3 = 6"),
            ("(a^b)^c == 1", r"(a^{b})^{c} = 1"),
        ];
        for (text, right) in cases {
            assert_eq!(shown(&format!("a, b, c: real\n{text}")), [right], "{text}");
        }
    }

    #[test]
    fn names_are_symbols() {
        assert_eq!(symbol("b1"), "b_{1}");
        assert_eq!(symbol("mhat"), r"\hat{m}");
        assert_eq!(symbol("reward_w"), r"\mathrm{reward}_{w}");
        assert_eq!(symbol("eps"), r"\varepsilon");
        assert_eq!(symbol("tau"), r"\tau");
    }
}
