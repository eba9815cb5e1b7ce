//! libtorch, live, on this machine's processor.

mod common;
use common::{anchors, pairs};
use gradproof::catalog;
use gradproof::torch::{self, Error, Placement};
use tch::{Device, Kind};

#[test]
fn anchors_in_f64() {
    let place = Placement { device: Device::Cpu, kind: Kind::Double };
    for formula in catalog::FORMULAS {
        let (mut n, mut un) = (0, 0);
        for anchor in anchors(formula) {
            match torch::evaluate(formula.id, &anchor.input, place) {
                Ok(output) => {
                    n += 1;
                    let pairs = pairs(&output, &anchor.output);
                    let scale = pairs.iter().map(|p| p.2.abs()).filter(|x| x.is_finite()).fold(0.0, f64::max);
                    let worst = pairs
                        .iter()
                        .filter(|p| {
                            !(p.1 == p.2 || p.1.is_nan() && p.2.is_nan()) && !((p.1 - p.2).abs() <= 1e-9 * scale)
                        })
                        .next();
                    if let Some(w) = worst {
                        println!("{} {:?}", anchor.id, w)
                    }
                }
                Err(Error::Unsupported { .. }) => un += 1,
                Err(e) => println!("{}: {e}", anchor.id),
            }
        }
        println!("{} {n} {un}", formula.id);
    }
}
