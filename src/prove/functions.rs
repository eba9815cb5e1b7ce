//! The functions of the language: what each takes.

use super::shapes::{Dim, Shape, same};

/// How a function treats its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// One argument of any shape, entry by entry.
    Each,
    /// One array, all of its entries.
    All,
    /// One vector, to a vector.
    VectorToVector,
    /// One vector, to a number.
    Vector,
    /// Two vectors of one size, to a number.
    TwoVectors,
    /// One array, or several numbers.
    AllOrSeveral,
    /// An argument of any shape and two bounds.
    Clip,
}

/// Every function with what it takes and what it is.
pub(super) const FUNCTIONS: &[(&str, Takes, &str)] = &[
    ("exp", Takes::Each, "e^x"),
    ("log", Takes::Each, "the natural logarithm"),
    ("sqrt", Takes::Each, "the square root"),
    ("abs", Takes::Each, "|x|"),
    ("sign", Takes::Each, "-1, 0 or 1"),
    ("sigmoid", Takes::Each, "1/(1 + e^-x)"),
    ("logsigmoid", Takes::Each, "ln sigmoid(x)"),
    ("softplus", Takes::Each, "ln(1 + e^x)"),
    ("relu", Takes::Each, "max(x, 0)"),
    ("tanh", Takes::Each, "the hyperbolic tangent"),
    ("sin", Takes::Each, "the sine"),
    ("cos", Takes::Each, "the cosine"),
    ("sum", Takes::All, "of all entries; sum(j, …) over an index"),
    ("mean", Takes::All, "of all entries; mean(j, …) over an index"),
    ("prod", Takes::All, "of all entries; prod(j, …) over an index"),
    ("max", Takes::AllOrSeveral, "the largest"),
    ("min", Takes::AllOrSeveral, "the smallest"),
    ("clip", Takes::Clip, "clip(x, low, high)"),
    ("softmax", Takes::VectorToVector, "e^z / sum e^z"),
    ("logsumexp", Takes::Vector, "ln sum e^z"),
    ("norm", Takes::Vector, "the Euclidean norm"),
    ("dot", Takes::TwoVectors, "the scalar product"),
    ("cosine", Takes::TwoVectors, "dot(x, y)/(norm(x) norm(y))"),
];

/// What a function of this name takes.
pub(super) fn takes(name: &str) -> Option<Takes> {
    FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, takes, _)| *takes)
}

impl Takes {
    /// The shape of the result, or what the arguments should be.
    pub fn result(self, arguments: &[Shape]) -> Result<Shape, &'static str> {
        let scalar = |shape: &Shape| shape.is_empty();
        match (self, arguments) {
            (Takes::Each, [x]) => Ok(x.clone()),
            (Takes::All, [x]) if !scalar(x) => Ok(Vec::new()),
            (Takes::VectorToVector, [x]) if x.len() == 1 => Ok(x.clone()),
            (Takes::Vector, [x]) if x.len() == 1 => Ok(Vec::new()),
            (Takes::TwoVectors, [x, y]) if x.len() == 1 && same(x, y) => Ok(Vec::new()),
            (Takes::AllOrSeveral, [x]) if !scalar(x) => Ok(Vec::new()),
            (Takes::AllOrSeveral, several) if several.len() > 1 && several.iter().all(scalar) => Ok(Vec::new()),
            (Takes::Clip, [x, low, high]) if scalar(low) && scalar(high) => Ok(x.clone()),
            _ => Err(self.allowed()),
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Takes::Each => "one argument",
            Takes::All => "one vector or matrix, or an index and what is summed: sum(j, x[j])",
            Takes::VectorToVector | Takes::Vector => "one vector; a row of a matrix is K[j]",
            Takes::TwoVectors => "two vectors of the same size",
            Takes::AllOrSeveral => "one vector or matrix, or several numbers",
            Takes::Clip => "x, the lower and the upper bound",
        }
    }
}

/// A shape in words.
pub(super) fn in_words(shape: &[Dim]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    match shape.len() {
        0 => "a number".into(),
        1 => format!("vec[{}]", sizes[0]),
        2 => format!("mat[{}]", sizes.join(", ")),
        _ => format!("an array [{}]", sizes.join(", ")),
    }
}
