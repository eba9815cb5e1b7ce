//! LaTeX as MathML, which a browser shows without a script.

use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Parser, Storage, push_mathml};

/// An equation as MathML, set on a line of its own.
///
/// # Panics
/// If it is not LaTeX: every equation of the crate is tried by a test.
pub fn mathml(latex: &str) -> String {
    converted(latex).unwrap_or_else(|problem| panic!("{latex}: {problem}"))
}

/// An equation as MathML, or what is wrong with it.
fn converted(latex: &str) -> Result<String, String> {
    let storage = Storage::new();
    let events: Result<Vec<_>, _> = Parser::new(latex, &storage).collect();
    let events = events.map_err(|problem| problem.to_string())?;
    let mut text = String::new();
    let config = RenderConfig { display_mode: DisplayMode::Block, ..RenderConfig::default() };
    // that there is no error in the events was seen above
    let events = events.into_iter().map(Ok::<_, std::convert::Infallible>);
    push_mathml(&mut text, events, config).map_err(|problem| problem.to_string())?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn every_equation_of_the_catalog_converts() {
        for formula in catalog::FORMULAS {
            assert!(!formula.latex.is_empty(), "{} has no equation in LaTeX", formula.id);
            for equation in formula.latex {
                let text = converted(equation).unwrap_or_else(|problem| panic!("{}: {problem}", formula.id));
                assert!(text.starts_with("<math") && text.ends_with("</math>"), "{}: {text}", formula.id);
            }
        }
    }

    #[test]
    fn what_is_not_latex_is_told() {
        for wrong in [r"\frac{1}{", r"\nosuchcommand x", r"x^{", r"\left( x"] {
            assert!(converted(wrong).is_err(), "{wrong} converts");
        }
    }
}
