//! Similarities as implementations compute them, with the gradients that autograd gives.

use super::{Similarity, at_least, similarity_gradient};
use crate::expression::{Expr, by_sign, constant, dot, norm, sum};

/// How an implementation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Vectors are normalized and then multiplied, as `F.normalize` and `F.cosine_similarity` do.
    Units,
    /// The dot product over the product of the norms.
    Quotient,
    /// The quotient, with derivatives in closed form.
    Closed,
}

impl Way {
    /// The ways that a convention has.
    pub fn all(kind: Similarity) -> &'static [Way] {
        match kind {
            Similarity::Cosine | Similarity::ClampEach => &[Way::Units, Way::Quotient, Way::Closed],
            // without unit vectors
            Similarity::ClampProduct | Similarity::Dot => &[Way::Quotient, Way::Closed],
        }
    }
}

/// A vector with its norm.
#[derive(Clone, Debug)]
struct Vector {
    x: Vec<Expr>,
    norm: Expr,
    /// What is divided by: the norm, or its clamp.
    length: Expr,
    /// What norms, or their products, are kept from falling below.
    low: Expr,
    /// x over the length
    unit: Vec<Expr>,
}

impl Vector {
    fn of(x: &[Expr], kind: Similarity, low: Expr) -> Vector {
        let norm = norm(x);
        let length = if kind == Similarity::ClampEach { at_least(norm, low) } else { norm };
        Vector { x: x.to_vec(), norm, length, low, unit: x.iter().map(|&x| x / length).collect() }
    }

    /// The derivative of the length with respect to x is x/‖x‖, or 0 where it is clamped.
    fn through_length(&self, kind: Similarity, slope: Expr, c: usize) -> Expr {
        let moved = slope * (self.x[c] / self.norm);
        match kind {
            Similarity::ClampEach => by_sign(self.norm - self.low, constant(0), moved, moved),
            _ => moved,
        }
    }
}

/// The similarities of every x_i with every y_j, one way.
pub struct Compared {
    way: Way,
    kind: Similarity,
    x: Vec<Vector>,
    y: Vec<Vector>,
    /// s_ij
    pub s: Vec<Vec<Expr>>,
}

/// Two lists of vectors.
type Both = (Vec<Vec<Expr>>, Vec<Vec<Expr>>);

impl Compared {
    /// Of lists of vectors of one length; norms are kept from below `low`.
    pub fn of(x: &[Vec<Expr>], y: &[Vec<Expr>], kind: Similarity, way: Way, low: Expr) -> Compared {
        let vectors = |x: &[Vec<Expr>]| x.iter().map(|x| Vector::of(x, kind, low)).collect::<Vec<_>>();
        let (x, y) = (vectors(x), vectors(y));
        let similarity = |x: &Vector, y: &Vector| match way {
            Way::Units => dot(&x.unit, &y.unit),
            Way::Quotient | Way::Closed => match kind {
                Similarity::Dot => dot(&x.x, &y.x),
                _ => dot(&x.x, &y.x) / lengths(x, y, kind),
            },
        };
        let s = x.iter().map(|x| y.iter().map(|y| similarity(x, y)).collect()).collect();
        Compared { way, kind, x, y, s }
    }

    /// ∂ℓ/∂x_i and ∂ℓ/∂y_j from ∂ℓ/∂s_ij.
    pub fn backward(&self, d_s: &[Vec<Expr>]) -> Both {
        let of_x = |i: usize| self.gradient(&self.x[i], &self.y, &|j| (self.s[i][j], d_s[i][j]));
        let of_y = |j: usize| self.gradient(&self.y[j], &self.x, &|i| (self.s[i][j], d_s[i][j]));
        ((0..self.x.len()).map(of_x).collect(), (0..self.y.len()).map(of_y).collect())
    }

    /// The gradient of one vector; `at` gives its similarity with each of the others, and ∂ℓ/∂s.
    fn gradient(&self, own: &Vector, others: &[Vector], at: &dyn Fn(usize) -> (Expr, Expr)) -> Vec<Expr> {
        let component = |c: usize| match (self.way, self.kind) {
            (_, Similarity::Dot) => total(others, |j, other| at(j).1 * other.x[c]),
            (Way::Closed, kind) => {
                total(others, |j, other| at(j).1 * similarity_gradient(&own.x, &other.x, kind, own.low)[c])
            }
            (Way::Units, kind) => {
                let of_unit = |c: usize| total(others, |j, other| at(j).1 * other.unit[c]);
                // through x/length, whose derivative in the length is −unit/length
                let of_length = -sum((0..own.x.len()).map(|c| of_unit(c) * (own.unit[c] / own.length)));
                of_unit(c) / own.length + own.through_length(kind, of_length, c)
            }
            (Way::Quotient, kind) => {
                // through x·y/N, N the product of the lengths, whose derivative in N is −s/N
                let of_dot = total(others, |j, other| at(j).1 / lengths(own, other, kind) * other.x[c]);
                let of_length =
                    |j: usize, other: &Vector| -(at(j).1 * (at(j).0 / lengths(own, other, kind))) * other.length;
                of_dot
                    + match kind {
                        // a zero vector has no x/‖x‖, but every product with it is clamped
                        Similarity::ClampProduct => total(others, |j, other| {
                            let moved = own.through_length(kind, of_length(j, other), c);
                            by_sign(own.length * other.length - own.low, constant(0), moved, moved)
                        }),
                        _ => own.through_length(kind, total(others, of_length), c),
                    }
            }
        };
        (0..own.x.len()).map(component).collect()
    }
}

fn total(others: &[Vector], term: impl Fn(usize, &Vector) -> Expr) -> Expr {
    sum(others.iter().enumerate().map(|(j, other)| term(j, other)))
}

/// What a dot product is divided by.
fn lengths(x: &Vector, y: &Vector, kind: Similarity) -> Expr {
    let product = x.length * y.length;
    if kind == Similarity::ClampProduct { at_least(product, x.low) } else { product }
}
