//! # The Transformer's schedule ("Noam")
//!
//! lr(s) = factor·d^(−1/2)·min(s^(−1/2), s·W^(−3/2)) (Vaswani et al., *Attention Is All You Need*,
//! 2017, equation 3): a linear warm-up, then a decay with 1/√s. Steps count from 1.
//!
//! Symbols: s step, d d_model, W warmup_steps.

use crate::claim::{Claim, Inputs, Instance, Kind::*, Source};
use crate::domain;
use crate::error::Result;
use crate::expression::{Expr, constant, maximum, minimum};
use crate::formula::{Defined, Formula, Mistake, NoConventions, Numbers, Wrong, rounded};
use crate::json;
use crate::number::Wide;
use crate::schedules::warmup::{self};
use serde::Deserialize;
use serde_json::Value;

/// The Transformer's schedule and the steps to evaluate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// s from 1 to 2^53, in any order.
    #[serde(deserialize_with = "json::wholes")]
    pub steps: Vec<i64>,
    /// d from 1 to 2^53
    #[serde(deserialize_with = "json::whole")]
    pub d_model: i64,
    /// W from 1 to 2^53
    #[serde(deserialize_with = "json::whole")]
    pub warmup_steps: i64,
    /// What everything is multiplied by, above 0.
    #[serde(default = "one", with = "json::real")]
    pub factor: f64,
    /// None.
    #[serde(default, deserialize_with = "json::object")]
    pub conventions: NoConventions,
}

fn one() -> f64 {
    1.0
}

// ---- definition -------------------------------------------------------------------------------

/// What the rate depends on, beside the step.
#[derive(Clone, Copy, Debug)]
pub struct Symbols {
    /// The factor.
    pub factor: Expr,
    /// d
    pub d: Expr,
    /// W
    pub w: Expr,
}

/// factor·d^(−1/2)·s·W^(−3/2), the smaller one up to W
pub fn rising(x: Symbols, s: Expr) -> Expr {
    x.factor / x.d.sqrt() * (s / (x.w * x.w.sqrt()))
}

/// factor·d^(−1/2)·s^(−1/2), the smaller one from W on
pub fn falling(x: Symbols, s: Expr) -> Expr {
    x.factor / x.d.sqrt() * (1 / s.sqrt())
}

/// factor·d^(−1/2)·min(s^(−1/2), s·W^(−3/2))
pub fn noam(x: Symbols, s: Expr, wrong: Wrong) -> Expr {
    let terms = match wrong {
        Some("warmup-power") => [1 / s.sqrt(), s / x.w.sqrt()],
        _ => [1 / s.sqrt(), s / (x.w * x.w.sqrt())],
    };
    let smaller = if wrong == Some("maximum") { maximum(&terms) } else { minimum(&terms) };
    match wrong {
        Some("width-ignored") => x.factor * smaller,
        Some("width-multiplied") => x.factor * x.d.sqrt() * smaller,
        _ => x.factor / x.d.sqrt() * smaller,
    }
}

impl Input {
    /// lr at a step.
    fn at(&self, s: i64, numbers: &Numbers, wrong: Wrong) -> Expr {
        let factor = numbers.scalar("factor", self.factor);
        noam(Symbols { factor, d: constant(self.d_model), w: constant(self.warmup_steps) }, constant(s), wrong)
    }
}

/// The definitions at all steps of an input.
fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    let input: Input = json::read(input.clone())?;
    Ok(warmup::define(&input.steps, |s, numbers| input.at(s, numbers, wrong)))
}

// ---- oracle -----------------------------------------------------------------------------------

/// lr at every step, correctly rounded.
///
/// # Errors
/// Where d_model, W, the factor or a step is outside its domain; step 0 is.
pub fn oracle(input: &Input) -> Result<Vec<f64>> {
    warmup::whole_from("d_model", input.d_model, 1)?;
    warmup::whole_from("warmup_steps", input.warmup_steps, 1)?;
    domain::positive("factor", input.factor)?;
    warmup::check_steps(&input.steps, 1)?;
    let factor = Wide::from(input.factor);
    let [d, w] = [input.d_model, input.warmup_steps].map(Wide::from_whole);
    let rate = |&s: &i64| {
        let whole_s = Wide::from_whole(s);
        // one root of a product, which is exact where that is a square
        let value = match s < input.warmup_steps {
            true => factor * whole_s / (w * (d * w).sqrt()),
            false => factor / (d * whole_s).sqrt(),
        };
        rounded(value, |numbers| input.at(s, numbers, None))
    };
    Ok(input.steps.iter().map(rate).collect())
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(warmup::output(&oracle(&json::read(value)?)?))
}

// ---- mistakes ---------------------------------------------------------------------------------

fn symbols(x: &Inputs) -> Symbols {
    Symbols { factor: x.positive("factor"), d: x.positive("d"), w: x.positive("W") }
}

/// The false statement that a wrong form is the schedule.
fn wrong_form(id: &'static str) -> Instance {
    Instance::equal("s, d and W as symbols", |x| {
        let (of, s) = (symbols(x), x.positive("s"));
        vec![(noam(of, s, None), noam(of, s, Some(id)))]
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "warmup-power",
        meaning: "s·W^(−1/2) in place of s·W^(−3/2): the warm-up is over after W^(1/3) steps",
        source: "a slip",
        statement: || wrong_form("warmup-power"),
    },
    Mistake {
        id: "maximum",
        meaning: "the larger of the two terms in place of the smaller",
        source: "a slip",
        statement: || wrong_form("maximum"),
    },
    Mistake {
        id: "width-ignored",
        meaning: "d^(−1/2) is missing",
        source: "a slip",
        statement: || wrong_form("width-ignored"),
    },
    Mistake {
        id: "width-multiplied",
        meaning: "√d in place of 1/√d",
        source: "a slip",
        statement: || wrong_form("width-multiplied"),
    },
];

// ---- claims -----------------------------------------------------------------------------------

/// lr(W) √d √W against what it should be.
fn peak(said: fn(Expr) -> Expr) -> Instance {
    Instance::equal("d and W as symbols", |x| {
        let of = symbols(x);
        let scale = of.d.sqrt() * of.w.sqrt();
        vec![(rising(of, of.w) * scale, said(of.factor)), (falling(of, of.w) * scale, said(of.factor))]
    })
}

fn base_model(d: i64) -> Instance {
    Instance::equal(format!("d = {d}, W = 4000"), |x| {
        let of = Symbols { factor: x.positive("factor"), d: constant(d), w: constant(4000) };
        vec![(noam(of, of.w, None), of.factor / constant(512 * 4000).sqrt())]
    })
}

/// lr² at ks and width jd against what `squared` makes of factor, d, W and s, before and after W: all is
/// positive, so that the squares decide.
fn square_at(j: i64, k: i64, squares: fn(Symbols, Expr) -> [Expr; 2]) -> Instance {
    Instance::equal(format!("lr² at s·{k} and d·{j}, s, d and W as symbols"), |x| {
        let (of, s) = (symbols(x), x.positive("s"));
        let wide = Symbols { d: j * of.d, ..of };
        let [before, after] = squares(of, s);
        vec![(rising(wide, k * s).squared(), before), (falling(wide, k * s).squared(), after)]
    })
}

/// factor² s²/(d W³) and factor²/(d s)
fn squares(x: Symbols, s: Expr) -> [Expr; 2] {
    let scale = x.factor.squared() / x.d;
    [scale * s.squared() / x.w.powi(3), scale / s]
}

/// The same over 4.
fn quarters(x: Symbols, s: Expr) -> [Expr; 2] {
    squares(x, s).map(|square| square / 4)
}

fn claims() -> Vec<Claim> {
    let paper = |quote| Source::paper("Vaswani et al., Attention Is All You Need (2017)", "5.3, equation 3", quote);
    vec![
        Claim::proved("noam/peak", Identity, "the two terms meet at s = W, where the rate is factor·(dW)^(−1/2)")
            .source(paper("increasing the learning rate linearly for the first warmup_steps training steps"))
            .at(peak(|factor| factor))
            .control("another-factor", peak(|factor| factor / 2)),
        Claim::verified(
            "noam/base-model",
            Identity,
            "with d = 512 and W = 4000 the peak is 1/√2048000, about 0.000699",
        )
        .source(paper("We used warmup_steps = 4000"))
        .at(base_model(512))
        .control("width-1024", base_model(1024)),
        Claim::proved("noam/linear-warmup", Identity, "the rising term is s/W of the peak: a linear warm-up from 0")
            .source(Source::guide("3.3", "Inverse Sqrt | Linear | 1/√t | 缓慢 | Transformer 原版"))
            .at(Instance::equal("s, d and W as symbols", |x| {
                let (of, s) = (symbols(x), x.positive("s"));
                vec![(rising(of, s), s / of.w * rising(of, of.w))]
            }))
            .control(
                "next-step",
                Instance::equal("s, d and W as symbols", |x| {
                    let (of, s) = (symbols(x), x.positive("s"));
                    vec![(rising(of, s), (s + 1) / of.w * rising(of, of.w))]
                }),
            ),
        Claim::verified(
            "noam/which-term",
            Inequality,
            "before W the rising term is the smaller, after W the falling one",
        )
        .at(Instance::greater("s = W/(1 + a) and s = W(1 + a)", |x| {
            let (of, a) = (symbols(x), x.positive("a"));
            let (before, after) = (of.w / (1 + a), of.w * (1 + a));
            vec![(falling(of, before), rising(of, before)), (rising(of, after), falling(of, after))]
        }))
        .control(
            "the-other-way",
            Instance::greater("s = W/(1 + a)", |x| {
                let (of, a) = (symbols(x), x.positive("a"));
                vec![(rising(of, of.w / (1 + a)), falling(of, of.w / (1 + a)))]
            }),
        ),
        Claim::verified(
            "noam/two-phases",
            Identity,
            "the formula is the rising term up to W and the falling one from W on",
        )
        .source(paper("lrate = d_model^(−0.5) · min(step_num^(−0.5), step_num · warmup_steps^(−1.5))"))
        .at(Instance::equal("s = W/(1 + a) and s = W(1 + a)", |x| {
            let (of, a) = (symbols(x), x.positive("a"));
            let (before, after) = (of.w / (1 + a), of.w * (1 + a));
            vec![(noam(of, before, None), rising(of, before)), (noam(of, after, None), falling(of, after))]
        }))
        .control(
            "maximum",
            Instance::equal("s = W/(1 + a)", |x| {
                let (of, a) = (symbols(x), x.positive("a"));
                vec![(noam(of, of.w / (1 + a), Some("maximum")), rising(of, of.w / (1 + a)))]
            }),
        ),
        Claim::proved(
            "noam/slow",
            Identity,
            "after the warm-up four times the steps halve the rate: \
lr(s)² = factor²/(ds) and lr(4s)² is a quarter of it",
        )
        .source(Source::guide("3.3", "Inverse Sqrt | 末尾: 缓慢"))
        .at(square_at(1, 1, squares))
        .at(square_at(1, 4, |x, s| [16 * squares(x, s)[0], squares(x, s)[1] / 4]))
        .control("half-the-square", square_at(1, 4, |x, s| [16 * squares(x, s)[0], squares(x, s)[1] / 2])),
        Claim::proved("noam/rising-slope", Gradient, "in the warm-up ∂lr/∂s = factor·d^(−1/2)·W^(−3/2), a constant")
            .at(Instance::gradient("s, d and W as symbols", |x| {
                let (of, s) = (symbols(x), x.positive("s"));
                (rising(of, s), vec![s], vec![of.factor / of.d.sqrt() / (of.w * of.w.sqrt())])
            }))
            .control(
                "warmup-power",
                Instance::gradient("s, d and W as symbols", |x| {
                    let (of, s) = (symbols(x), x.positive("s"));
                    (rising(of, s), vec![s], vec![of.factor / of.d.sqrt() / of.w.sqrt()])
                }),
            ),
        Claim::proved("noam/falling-slope", Gradient, "after it ∂lr/∂s = −lr/(2s)")
            .at(Instance::gradient("s, d and W as symbols", |x| {
                let (of, s) = (symbols(x), x.positive("s"));
                (falling(of, s), vec![s], vec![-(falling(of, s) / (2 * s))])
            }))
            .control(
                "half-missing",
                Instance::gradient("s, d and W as symbols", |x| {
                    let (of, s) = (symbols(x), x.positive("s"));
                    (falling(of, s), vec![s], vec![-(falling(of, s) / s)])
                }),
            ),
        Claim::refuted("noam/width", Identity, "a model of twice the width has half the rate", "noam/width-root")
            .at(square_at(2, 1, quarters)),
        Claim::proved("noam/width-root", Identity, "it takes four times the width to halve the rate")
            .amends("noam/width")
            .at(square_at(4, 1, quarters))
            .at(square_at(1, 1, squares))
            .control("twice-the-width", square_at(2, 1, quarters)),
    ]
}

/// The Transformer's schedule in the catalog.
pub const FORMULA: Formula = Formula {
    id: "noam",
    name: "The Transformer's schedule (Noam)",
    equation: "lr(s) = factor·d^(−1/2)·min(s^(−1/2), s·W^(−3/2))",
    latex: &[r"\eta(s) = \text{factor} \cdot d^{-1/2} \min\left(s^{-1/2}, s\, W^{-3/2}\right)"],
    source: "Vaswani et al., Attention Is All You Need (2017), equation 3",
    input: "steps [..], d_model, warmup_steps, factor (1)",
    domain: "steps whole numbers from 1 to 2^53; 1 ≤ d_model, W ≤ 2^53; factor > 0",
    output: "lr [..]",
    axes: &[],
    mistakes: MISTAKES,
    evaluate,
    definition,
    // everybody computes this in f64 on the host
    textbook: |input, output| definition(input, output, None),
    claims,
};
