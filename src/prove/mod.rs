//! A language for a derivation of one's own, whose claims are decided by the judges of the catalog.
//!
//! A text declares names, defines expressions and claims equalities and inequalities between them, with
//! derivatives, sums over indices and the functions of the field; `docs/prove.md` is its manual.
//!
//! ```
//! use gradproof::claim::Verdict;
//! use gradproof::prove::{Limits, prove};
//!
//! let text = "z: vec[n]; y: index[n]
//!             loss = logsumexp(z) - z[y]
//!             d loss / d z[i] == softmax(z)[i] - [i == y]";
//! let proof = prove(text, &Limits::default())?;
//! assert_eq!(proof.claims[0].verdict, Verdict::Proved);
//! # Ok::<(), gradproof::prove::Unusable>(())
//! ```

mod calls;
mod claim;
mod decide;
mod differentiate;
mod elaborate;
mod formulas;
mod functions;
mod hint;
mod indices;
mod latex;
mod parser;
mod report;
mod sampled;
mod shapes;
mod sizes;
mod stated;
mod text;
mod token;
mod tree;
mod unusable;
mod values;
mod variables;

pub use claim::{Claim, that};
pub use decide::{AtSize, Decided, Statement, decide};
pub use formulas::signatures;
pub use latex::{Equation, latex};
pub use report::{Limits, prove};
pub use unusable::{Span, Unusable};
