//! The macro that makes a named test of every group of cases.

/// Makes a module with one `#[test]` for each group of cases of an optimizer, so that a failing one is
/// seen by its name and can be run alone; and one, `expected_deviations`, that fails when a deviation
/// that the settings expect no longer occurs.
///
/// ```
/// # struct Sgd(Vec<Vec<f64>>, f64);
/// use gradproof::conformance::{Config, Optimizer, Settings, Tensor, Unsupported};
///
/// impl Optimizer for Sgd {
///     fn build(config: &Config, _rate: f64, params: &[Tensor]) -> Result<Self, Unsupported> {
///         config.only(&["weight_decay"])?;
///         Ok(Sgd(params.iter().map(|p| p.values.clone()).collect(), config.number("weight_decay")?))
///     }
///     fn step(&mut self, rate: f64, gradients: &[Option<Tensor>]) -> Result<(), Unsupported> {
///         for (params, g) in self.0.iter_mut().zip(gradients) {
///             let Some(g) = g else { continue };
///             params.iter_mut().zip(&g.values).for_each(|(x, g)| *x -= rate * (g + self.1 * *x));
///         }
///         Ok(())
///     }
///     fn read(&self, tensor: usize) -> Vec<f64> {
///         self.0[tensor].clone()
///     }
/// }
///
/// gradproof::conformance_tests!(sgd_of_mine, Sgd, Settings::new("sgd"));
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($name:ident, $subject:ty, $settings:expr) => {
        $crate::conformance_tests!(
            @groups $name, $subject, $settings,
            steps "steps", hyperparameters "hyperparameters", small_gradients "small-gradients", rates "rates",
            zero_gradients "zero-gradients", rate_zero "rate-zero", missing_gradients "missing-gradients",
            late_gradient "late-gradient", shapes "shapes", fading_gradients "fading-gradients",
            same_shapes "same-shapes", sign_flips "sign-flips", random "random",
            parameter_groups "parameter-groups", maximize "maximize", resume "resume"
        );
    };
    (@groups $name:ident, $subject:ty, $settings:expr, $($test:ident $group:literal),+) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[test]
                fn $test() {
                    match $crate::conformance::optimizer_group::<$subject>(&$settings, $group) {
                        Ok(report) => report.assert(),
                        Err(error) => panic!("{error}"),
                    }
                }
            )+
            #[test]
            fn expected_deviations() {
                let settings: $crate::conformance::Settings = $settings;
                if settings.expected().is_empty() {
                    return;
                }
                match $crate::conformance::optimizer::<$subject>(&settings) {
                    Ok(report) => assert!(report.outlived.is_empty(), "{report}"),
                    Err(error) => panic!("{error}"),
                }
            }
            #[test]
            fn every_group_has_its_test() {
                let tests = [$($group),+];
                assert_eq!(tests.to_vec(), $crate::conformance::GROUPS.iter().map(|g| g.0).collect::<Vec<_>>());
            }
        }
    };
}
