//! How each formula is called: its arguments, where they stand in the formula's input, and its results.

use super::super::functions::FUNCTIONS;
use std::fmt;

/// How a formula is called.
#[derive(Debug)]
pub(in super::super) struct Signature {
    /// Its id in the catalog.
    pub id: &'static str,
    /// Its name in the language.
    pub name: &'static str,
    /// The dimension that a single row, pair, parameter or step goes without.
    pub leading: Option<&'static str>,
    pub parameters: &'static [Parameter],
    /// What else its input has: JSON pointers and values.
    pub fixed: &'static [(&'static str, &'static str)],
    /// Settings of its input besides the conventions, the default first.
    pub settings: &'static [(&'static str, &'static [&'static str])],
    /// Its results, the one that the bare name stands for first.
    pub results: &'static [Output],
}

/// An argument.
#[derive(Debug)]
pub(in super::super) struct Parameter {
    pub name: &'static str,
    pub sort: Sort,
    /// Its dimensions, by name.
    pub shape: &'static [&'static str],
    /// Its place in the formula's input, a JSON pointer; inside it the leading dimension comes first.
    pub place: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Sort {
    /// A real number.
    Real,
    /// A real number that is at least a floor.
    Peak,
    /// A real number that is at most a peak.
    Floor,
    /// A whole number that is known: a number, a size or an index.
    Whole,
    /// The number of a step from 1, known or not.
    Step,
}

/// A result.
#[derive(Debug)]
pub(in super::super) struct Output {
    /// What follows the formula's name, with a dot.
    pub name: &'static str,
    pub shape: &'static [&'static str],
    /// Its place in the formula's output, a JSON pointer.
    pub place: &'static str,
}

const fn needs(name: &'static str, shape: &'static [&'static str], place: &'static str) -> Parameter {
    Parameter { name, sort: Sort::Real, shape, place, optional: false }
}

const fn may(name: &'static str, place: &'static str) -> Parameter {
    Parameter { name, sort: Sort::Real, shape: &[], place, optional: true }
}

const fn whole(name: &'static str, shape: &'static [&'static str], place: &'static str) -> Parameter {
    Parameter { name, sort: Sort::Whole, shape, place, optional: false }
}

const fn rate(name: &'static str, sort: Sort, place: &'static str) -> Parameter {
    Parameter { name, sort, shape: &[], place, optional: false }
}

const fn step(name: &'static str, place: &'static str) -> Parameter {
    Parameter { name, sort: Sort::Step, shape: &[], place, optional: false }
}

const fn gives(name: &'static str, shape: &'static [&'static str], place: &'static str) -> Output {
    Output { name, shape, place }
}

const THETA: Parameter = needs("params", &["n"], "/params/0");
const G: Parameter = needs("gradient", &["n"], "/gradients/0/0");
const M: Parameter = needs("m", &["n"], "/state/0/m");
const LR: Parameter = needs("lr", &[], "/lr");
const BETA1: Parameter = needs("beta1", &[], "/beta1");
const BETA2: Parameter = needs("beta2", &[], "/beta2");
const EPS: Parameter = needs("eps", &[], "/eps");
const WEIGHT_DECAY: Parameter = needs("weight_decay", &[], "/weight_decay");
const NEW_THETA: Output = gives("params", &["n"], "/steps/0/params/0");
const NEW_M: Output = gives("m", &["n"], "/steps/0/m/0");

const ADAM: &[Parameter] = &[
    THETA,
    M,
    needs("v", &["n"], "/state/0/v"),
    G,
    step("t", "/state/0/step"),
    LR,
    BETA1,
    BETA2,
    EPS,
    WEIGHT_DECAY,
    Parameter { name: "v_max", sort: Sort::Real, shape: &["n"], place: "/state/0/v_max", optional: true },
];
const ADAM_RESULTS: &[Output] =
    &[NEW_THETA, NEW_M, gives("v", &["n"], "/steps/0/v/0"), gives("v_max", &["n"], "/steps/0/v_max/0")];

const STEPS: Parameter = whole("step", &["S"], "/steps");
const MAX_LR: Parameter = rate("max_lr", Sort::Peak, "/max_lr");
const MIN_LR: Parameter = rate("min_lr", Sort::Floor, "/min_lr");
const WARMUP: Parameter = whole("warmup_steps", &[], "/warmup_steps");
const TOTAL: Parameter = whole("total_steps", &[], "/total_steps");
const RATE: &[Output] = &[gives("lr", &["S"], "/lr")];

/// Every formula of the catalog.
pub(in super::super) const SIGNATURES: &[Signature] = &[
    Signature {
        id: "cross-entropy",
        name: "cross_entropy",
        leading: Some("B"),
        parameters: &[
            needs("logits", &["B", "V"], "/logits"),
            whole("targets", &["B"], "/targets"),
            may("label_smoothing", "/label_smoothing"),
        ],
        fixed: &[],
        settings: &[("reduction", &["mean", "sum"])],
        results: &[
            gives("loss", &[], "/loss"),
            gives("perplexity", &[], "/perplexity"),
            gives("gradient", &["B", "V"], "/gradient"),
        ],
    },
    Signature {
        id: "info-nce",
        name: "info_nce",
        leading: Some("B"),
        parameters: &[
            needs("query", &["B", "d"], "/query"),
            needs("positive", &["B", "d"], "/positive"),
            needs("negatives", &["B", "K", "d"], "/negatives"),
            needs("temperature", &[], "/temperature"),
        ],
        fixed: &[],
        settings: &[],
        results: &[
            gives("loss", &[], "/loss"),
            gives("gradient.query", &["B", "d"], "/gradient/query"),
            gives("gradient.positive", &["B", "d"], "/gradient/positive"),
            gives("gradient.negatives", &["B", "K", "d"], "/gradient/negatives"),
            gives("gradient.temperature", &[], "/gradient/temperature"),
        ],
    },
    Signature {
        id: "info-nce-in-batch",
        name: "info_nce_in_batch",
        leading: None,
        parameters: &[
            needs("a", &["B", "d"], "/a"),
            needs("b", &["B", "d"], "/b"),
            needs("temperature", &[], "/temperature"),
        ],
        fixed: &[],
        settings: &[("symmetric", &["false", "true"])],
        results: &[
            gives("loss", &[], "/loss"),
            gives("gradient.a", &["B", "d"], "/gradient/a"),
            gives("gradient.b", &["B", "d"], "/gradient/b"),
            gives("gradient.temperature", &[], "/gradient/temperature"),
        ],
    },
    Signature {
        id: "dpo",
        name: "dpo",
        leading: Some("B"),
        parameters: &[
            needs("policy_chosen", &["B"], "/policy_chosen"),
            needs("policy_rejected", &["B"], "/policy_rejected"),
            needs("reference_chosen", &["B"], "/reference_chosen"),
            needs("reference_rejected", &["B"], "/reference_rejected"),
            needs("beta", &[], "/beta"),
            may("label_smoothing", "/label_smoothing"),
        ],
        fixed: &[],
        settings: &[],
        results: &[
            gives("loss", &[], "/loss"),
            gives("weight", &["B"], "/weight"),
            gives("rewards_chosen", &["B"], "/rewards_chosen"),
            gives("rewards_rejected", &["B"], "/rewards_rejected"),
            gives("gradient.policy_chosen", &["B"], "/gradient/policy_chosen"),
            gives("gradient.policy_rejected", &["B"], "/gradient/policy_rejected"),
        ],
    },
    Signature {
        id: "dpo-from-logits",
        name: "dpo_from_logits",
        leading: None,
        parameters: &[
            needs("policy_chosen", &["T", "V"], "/chosen/policy_logits"),
            needs("reference_chosen", &["T", "V"], "/chosen/reference_logits"),
            whole("tokens_chosen", &["T"], "/chosen/tokens"),
            needs("policy_rejected", &["U", "V"], "/rejected/policy_logits"),
            needs("reference_rejected", &["U", "V"], "/rejected/reference_logits"),
            whole("tokens_rejected", &["U"], "/rejected/tokens"),
            needs("beta", &[], "/beta"),
            may("label_smoothing", "/label_smoothing"),
        ],
        fixed: &[],
        settings: &[],
        results: &[
            gives("loss", &[], "/loss"),
            gives("weight", &[], "/weight"),
            gives("reward_chosen", &[], "/reward_chosen"),
            gives("reward_rejected", &[], "/reward_rejected"),
            gives("gradient.chosen", &["T", "V"], "/gradient/chosen"),
            gives("gradient.rejected", &["U", "V"], "/gradient/rejected"),
        ],
    },
    Signature {
        id: "adamw",
        name: "adamw",
        leading: Some("n"),
        parameters: ADAM,
        fixed: &[],
        settings: &[],
        results: ADAM_RESULTS,
    },
    Signature {
        id: "adam-l2",
        name: "adam_l2",
        leading: Some("n"),
        parameters: ADAM,
        fixed: &[],
        settings: &[],
        results: ADAM_RESULTS,
    },
    Signature {
        id: "lion",
        name: "lion",
        leading: Some("n"),
        parameters: &[THETA, M, G, LR, BETA1, BETA2, WEIGHT_DECAY],
        fixed: &[("/state/0/step", "1")],
        settings: &[],
        results: &[NEW_THETA, NEW_M],
    },
    Signature {
        id: "sophia",
        name: "sophia",
        leading: Some("n"),
        parameters: &[
            THETA,
            M,
            needs("h", &["n"], "/state/0/h"),
            G,
            LR,
            BETA1,
            BETA2,
            needs("gamma", &[], "/gamma"),
            needs("rho", &[], "/rho"),
            EPS,
            WEIGHT_DECAY,
            Parameter { name: "estimate", sort: Sort::Real, shape: &["n"], place: "/hessians/0/0", optional: true },
            Parameter { name: "t", sort: Sort::Step, shape: &[], place: "/state/0/step", optional: true },
        ],
        fixed: &[("/state/0/step", "1"), ("/hessians/0/0", "null")],
        settings: &[],
        results: &[NEW_THETA, NEW_M, gives("h", &["n"], "/steps/0/h/0")],
    },
    Signature {
        id: "gauss-newton-bartlett",
        name: "gauss_newton_bartlett",
        leading: None,
        parameters: &[
            needs("features", &["B", "d"], "/features"),
            needs("weights", &["d", "V"], "/weights"),
            whole("labels", &["B"], "/labels"),
        ],
        fixed: &[],
        settings: &[],
        results: &[
            gives("estimate", &["d", "V"], "/estimate"),
            gives("gauss_newton_diagonal", &["d", "V"], "/gauss_newton_diagonal"),
        ],
    },
    Signature {
        id: "hutchinson",
        name: "hutchinson",
        leading: None,
        parameters: &[needs("hessian", &["n", "n"], "/hessian"), needs("probe", &["n"], "/probe")],
        fixed: &[],
        settings: &[],
        results: &[gives("estimate", &["n"], "/estimate")],
    },
    Signature {
        id: "sgd",
        name: "sgd",
        leading: Some("n"),
        parameters: &[
            THETA,
            needs("buf", &["n"], "/state/0/buf"),
            G,
            // at the first step the buffer is the gradient
            whole("t", &[], "/state/0/step"),
            LR,
            needs("momentum", &[], "/momentum"),
            needs("dampening", &[], "/dampening"),
            WEIGHT_DECAY,
        ],
        fixed: &[],
        settings: &[("nesterov", &["false", "true"])],
        results: &[NEW_THETA, gives("buf", &["n"], "/steps/0/buf/0")],
    },
    Signature {
        id: "cosine",
        name: "cosine_lr",
        leading: Some("S"),
        parameters: &[STEPS, MAX_LR, MIN_LR, WARMUP, TOTAL],
        fixed: &[],
        settings: &[],
        results: RATE,
    },
    Signature {
        id: "wsd",
        name: "wsd_lr",
        leading: Some("S"),
        parameters: &[STEPS, MAX_LR, MIN_LR, WARMUP, TOTAL, whole("decay_steps", &[], "/decay_steps")],
        fixed: &[],
        settings: &[],
        results: RATE,
    },
    Signature {
        id: "linear",
        name: "linear_lr",
        leading: Some("S"),
        parameters: &[STEPS, MAX_LR, MIN_LR, WARMUP, TOTAL],
        fixed: &[],
        settings: &[],
        results: RATE,
    },
    Signature {
        id: "inverse-sqrt",
        name: "inverse_sqrt_lr",
        leading: Some("S"),
        parameters: &[STEPS, MAX_LR, WARMUP],
        fixed: &[],
        settings: &[],
        results: RATE,
    },
    Signature {
        id: "noam",
        name: "noam_lr",
        leading: Some("S"),
        parameters: &[STEPS, whole("d_model", &[], "/d_model"), WARMUP, may("factor", "/factor")],
        fixed: &[],
        settings: &[],
        results: RATE,
    },
];

/// The formula that is called by this name.
pub(in super::super) fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| signature.name == name)
}

/// Every function of the language of `prove` and every formula that it can call, each as its call with what it
/// is or gives.
pub fn signatures() -> Vec<(String, String)> {
    let functions = FUNCTIONS.iter().map(|(name, _, meaning)| (name.to_string(), meaning.to_string()));
    functions.chain(SIGNATURES.iter().map(|signature| (signature.to_string(), signature.in_words()))).collect()
}

impl Signature {
    /// What it gives.
    fn in_words(&self) -> String {
        let results: Vec<String> =
            self.results.iter().map(|result| format!("{}{}", result.name, dimensions(result.shape))).collect();
        results.join(", ")
    }

    /// Its result with this name; the first for none.
    pub fn result(&self, name: &str) -> Option<&'static Output> {
        if name.is_empty() { self.results.first() } else { self.results.iter().find(|result| result.name == name) }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = self.parameters.iter().map(ToString::to_string);
        let settings = self.settings.iter().map(|(name, options)| format!("{name} = {:?}", options[0]));
        write!(f, "{}({})", self.name, parameters.chain(settings).collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.optional { "?" } else { "" };
        write!(f, "{}{mark}{}", self.name, dimensions(self.shape))
    }
}

fn dimensions(shape: &[&str]) -> String {
    if shape.is_empty() { String::new() } else { format!("[{}]", shape.join(", ")) }
}
