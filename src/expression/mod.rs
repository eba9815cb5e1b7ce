//! Expression graphs: one representation of a formula that every judge interprets.
//!
//! A formula is written with ordinary operators on [`Expr`] handles, inside [`Graph::build`]; the
//! finished [`Graph`] is immutable and can be evaluated on any kind of number (module `number`) and
//! differentiated (module [`derivative`]).
//!
//! ```
//! use gradproof::expression::{Graph, log_sum_exp, variables};
//! // cross-entropy of three logits, target 0
//! let graph = Graph::build(|| {
//!     let z = variables("z", 3);
//!     vec![log_sum_exp(&z) - z[0]]
//! });
//! assert_eq!(graph.variables().len(), 3);
//! ```

pub mod derivative;
mod functions;
mod graft;
mod graph;
mod operators;
mod runs;
mod written;

pub use functions::{
    absolute, clip, cosine, dot, larger, log_softmax, log_sum_exp, maximum, minimum, norm, positive_part, product,
    sigmoid, sign, smaller, softmax, softplus, sum,
};
pub(crate) use graft::grafted;
pub use graph::{Expr, Graph, Node, NodeId, by_sign, constant, pi, ratio, rational, variable, variables};
pub(crate) use graph::{nodes_built, variable_at};
pub(crate) use runs::{Operand, Part, Place};
pub(crate) use written::{written, written_inside};
