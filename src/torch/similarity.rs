//! Similarities of vectors by tensor operations, for the contrastive losses: each vector divided by
//! its norm, or the product of two by that of their norms.

use crate::losses::similarity::{CLAMP, Similarity};
use tch::{TchError, Tensor};

type Result<T> = std::result::Result<T, TchError>;

/// Vectors along the last dimension, as the similarity needs them.
pub(super) struct Prepared {
    vectors: Tensor,
    /// The norms, where their product divides.
    norms: Option<Tensor>,
}

/// Prepares vectors.
pub(super) fn prepare(x: &Tensor, kind: Similarity) -> Result<Prepared> {
    let norms = || x.f_norm_scalaropt_dim(2.0, -1, true);
    Ok(match kind {
        Similarity::Cosine => Prepared { vectors: x.f_div(&norms()?)?, norms: None },
        Similarity::ClampEach => Prepared { vectors: x.f_div(&norms()?.f_clamp_min(CLAMP)?)?, norms: None },
        Similarity::ClampProduct => Prepared { vectors: x.shallow_clone(), norms: Some(norms()?) },
        Similarity::Dot => Prepared { vectors: x.shallow_clone(), norms: None },
    })
}

impl Prepared {
    /// Some of the vectors, by their rows.
    pub(super) fn select(&self, rows: &Tensor) -> Result<Prepared> {
        let norms = self.norms.as_ref().map(|n| n.f_index_select(0, rows)).transpose()?;
        Ok(Prepared { vectors: self.vectors.f_index_select(0, rows)?, norms })
    }

    /// Of each vector with its counterpart.
    pub(super) fn in_pairs(&self, other: &Prepared) -> Result<Tensor> {
        let inner = self.vectors.f_mul(&other.vectors)?.f_sum_dim_intlist(-1, false, None)?;
        match (&self.norms, &other.norms) {
            (Some(a), Some(b)) => inner.f_div(&a.f_mul(b)?.f_squeeze_dim(-1)?.f_clamp_min(CLAMP)?),
            _ => Ok(inner),
        }
    }

    /// Of each vector with every other one, as one matrix product.
    pub(super) fn in_a_table(&self, other: &Prepared) -> Result<Tensor> {
        let inner = self.vectors.f_matmul(&other.vectors.f_transpose(0, 1)?)?;
        match (&self.norms, &other.norms) {
            (Some(a), Some(b)) => inner.f_div(&a.f_mul(&b.f_transpose(0, 1)?)?.f_clamp_min(CLAMP)?),
            _ => Ok(inner),
        }
    }
}
