//! The target weights q, and what loss and gradient of a row are with them.

use super::Smoothing;
use crate::losses::softmax::{Row, count};
use crate::number::Wide;

/// The target weights q, and what the gradient is divided by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub smoothing: Smoothing,
    pub classes: usize,
    /// ε
    pub epsilon: f64,
    /// n
    pub divisor: usize,
}

impl Weights {
    fn one_minus_epsilon(&self) -> Wide {
        Wide::ONE - Wide::from(self.epsilon)
    }

    /// q at a class other than the target
    fn elsewhere(&self) -> Wide {
        let among = match self.smoothing {
            Smoothing::Uniform => self.classes,
            Smoothing::Others => self.classes - 1,
        };
        if self.epsilon == 0.0 { Wide::ZERO } else { Wide::from(self.epsilon) / count(among) }
    }

    /// 1 − q at the target
    fn off_target(&self) -> Wide {
        self.elsewhere() * count(self.classes - 1)
    }

    /// q/n at a class other than the target
    pub fn less(&self) -> Wide {
        self.elsewhere() / count(self.divisor)
    }

    /// 1/n
    pub fn scale(&self) -> Wide {
        Wide::ONE / count(self.divisor)
    }

    /// Σ q_i (ln Σ e^z − z_i) of a row with this −ln p_y, with q summed up over the classes that have the same;
    /// `below` gives Σ_{j≠y} (c − z_j)
    pub fn loss(&self, row: &Row, nll: Wide, below: impl FnOnce() -> Wide) -> Wide {
        if self.epsilon == 0.0 {
            return nll;
        }
        // ln Σ e^{z − c} = −ln p_y + z_y − c
        let of_others = count(self.classes - 1) * (nll + row.gap) + below();
        let mean = match self.smoothing {
            Smoothing::Uniform => (nll + of_others) / count(self.classes),
            Smoothing::Others => of_others / count(self.classes - 1),
        };
        self.one_minus_epsilon() * nll + Wide::from(self.epsilon) * mean
    }

    /// (p_y − q_y)/n, from the complements where both are near 1
    pub fn target_component(&self, row: &Row) -> Wide {
        let off_target = self.off_target();
        let difference = if off_target.is_below(Wide::from(0.5)) {
            off_target - row.p_of_others()
        } else {
            row.p_of_target() - (Wide::ONE - off_target)
        };
        difference / count(self.divisor)
    }

    /// (p_i − q_i)/n at a class other than the target
    pub fn component(&self, row: &Row, i: usize) -> Wide {
        if row.z[i] == f64::NEG_INFINITY {
            return Wide::ZERO;
        }
        (row.p(i) - self.elsewhere()) / count(self.divisor)
    }
}
