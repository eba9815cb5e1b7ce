//! What a subject may do around an optimizer's formula: how it treats steps, rates, states and tensors.
//!
//! Each is told by the trajectory it leads to: the input is changed so that the formula itself comes to
//! it, or the outputs are ([`changed`]), or the steps are walked one by one from a state that is treated so
//! ([`super::walk`]).

use crate::formula::Formula;

mod changed;

pub(super) use changed::{input, place};

/// A way of treating steps, rates, states or tensors other than the formula's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Parameters keep the values that they began with.
    ParametersNotWrittenBack,
    /// The step counter goes up once for each tensor that has a gradient.
    StepsCountedPerTensor,
    /// The step counter is one ahead.
    StepAhead,
    /// The step counter is one behind: 1 in the first two steps.
    StepBehind,
    /// A tensor without a gradient is treated as one with a gradient of zeros.
    MissingGradientAsZero,
    /// Every step uses the first step's rate.
    FirstRateKept,
    /// Every step's rate is taken of the step after.
    RateOfNextStep,
    /// A rate of 1, whatever the rate is.
    RateLeftOut,
    /// The square of the rate.
    RateSquared,
    /// The first moment averages gradients times their rates, and moves the parameters by itself.
    RateInMoment,
    /// The first step does nothing.
    FirstStepSkipped,
    /// Only the first tensor is updated.
    FirstTensorOnly,
    /// Gradients have the opposite sign.
    GradientNegated,
    /// β1 and β2 change places.
    BetasSwapped,
    /// Matrices are read or written in another layout.
    Transposed(Matrices, Layout),
    /// Tensors of the same shape have one state, with its step count.
    StateShared,
    /// Tensors of the same shape have the same moments, and a step count of their own.
    MomentsShared,
    /// Every step starts from a new state.
    StateLost,
    /// A new state after saving and restoring.
    StateLostOnSaving,
    /// Moments of zero after saving and restoring.
    MomentsLostOnSaving,
    /// A step count from the start after saving and restoring.
    CountLostOnSaving,
}

/// Which matrices have another layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrices {
    /// The gradients, as they are read.
    Gradients,
    /// The parameters, as they are read at the start.
    ParametersRead,
    /// The parameters, as they are given back.
    ParametersWritten,
}

/// How the numbers of a matrix are laid out other than row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Numbers that stand row by row are taken as standing column by column.
    ByColumns,
    /// The numbers of the transposed matrix, row by row, are taken as those of the matrix.
    Transposed,
}

impl Handling {
    /// All of them.
    pub fn all() -> Vec<Handling> {
        use Handling::*;
        let mut all = vec![
            ParametersNotWrittenBack,
            StepsCountedPerTensor,
            StepAhead,
            StepBehind,
            MissingGradientAsZero,
            FirstRateKept,
            RateOfNextStep,
            RateLeftOut,
            RateSquared,
            RateInMoment,
            FirstStepSkipped,
            FirstTensorOnly,
            GradientNegated,
            BetasSwapped,
            StateShared,
            MomentsShared,
            StateLost,
            StateLostOnSaving,
            MomentsLostOnSaving,
            CountLostOnSaving,
        ];
        for matrices in [Matrices::Gradients, Matrices::ParametersRead, Matrices::ParametersWritten] {
            all.extend([Layout::ByColumns, Layout::Transposed].map(|layout| Transposed(matrices, layout)));
        }
        all
    }

    /// Those that a formula's mistakes do not have already.
    pub fn of(formula: &Formula) -> Vec<Handling> {
        let swapped = formula.mistakes.iter().any(|mistake| mistake.id == "betas-swapped");
        let all = if formula.has_steps() { Handling::all() } else { Vec::new() };
        all.into_iter().filter(|handling| !(swapped && *handling == Handling::BetasSwapped)).collect()
    }

    /// Whether it is about what a tensor keeps between steps, so that steps have to be walked one by one.
    pub(super) fn is_of_state(self) -> bool {
        use Handling::*;
        matches!(
            self,
            StepBehind
                | RateInMoment
                | StateShared
                | MomentsShared
                | StateLost
                | StateLostOnSaving
                | MomentsLostOnSaving
                | CountLostOnSaving
        )
    }

    /// What it is, after "is AdamW, but".
    pub fn meaning(self) -> &'static str {
        use Handling::*;
        match self {
            ParametersNotWrittenBack => "parameters are never written back",
            StepsCountedPerTensor => {
                "the step counter goes up once for every tensor and not once for a step, \
                 so that the bias correction fades too early"
            }
            StepAhead => "the step counter is one ahead",
            StepBehind => "the step counter is one behind, so that the second step is a first one too",
            MissingGradientAsZero => {
                "a tensor without a gradient is stepped as if its gradient were zero, which decays it and its state"
            }
            FirstRateKept => "the rate of the first step is kept in every step",
            RateOfNextStep => "each step uses the rate of the step after it",
            RateLeftOut => "the rate is left out, as if it were 1",
            RateSquared => "the rate is multiplied in twice",
            RateInMoment => {
                "the first moment holds gradients times the rates of their own steps, \
                 so that a change of the rate reaches a step late"
            }
            FirstStepSkipped => "the first step does nothing",
            FirstTensorOnly => "only the first tensor is updated",
            GradientNegated => "gradients are taken with the opposite sign",
            BetasSwapped => "beta1 and beta2 change places",
            Transposed(Matrices::Gradients, Layout::ByColumns) => "a matrix of gradients is read column by column",
            Transposed(Matrices::Gradients, Layout::Transposed) => "a matrix of gradients is transposed",
            Transposed(Matrices::ParametersRead, Layout::ByColumns) => {
                "a matrix of parameters is read column by column at the start"
            }
            Transposed(Matrices::ParametersRead, Layout::Transposed) => {
                "a matrix of parameters is transposed at the start"
            }
            Transposed(Matrices::ParametersWritten, Layout::ByColumns) => {
                "a matrix of parameters is given back column by column"
            }
            Transposed(Matrices::ParametersWritten, Layout::Transposed) => {
                "a matrix of parameters is given back transposed"
            }
            StateShared => "tensors of the same shape share one state, with its step count",
            MomentsShared => "tensors of the same shape share their moments",
            StateLost => "every step starts from a new state: nothing is kept from step to step",
            StateLostOnSaving => "the state is lost on saving and restoring",
            MomentsLostOnSaving => "the moments are lost on saving and restoring, and the step count is not",
            CountLostOnSaving => "the step count is lost on saving and restoring, and the moments are not",
        }
    }
}
