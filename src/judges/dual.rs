//! Forward-mode duals against a claimed gradient, at random points.
//!
//! num-dual's numbers count only when they are finite and their real part agrees with the value in
//! f64 within its running error; otherwise the judge abstains at that point.

use super::{Finding, Opinion, Pairs, Run, enclosure, point};
use crate::claim::{Instance, Relation};
use crate::number::{Deadline, Dual, Duals, Forward, Rounded, Rounding, TANGENTS, Tangent, evaluate, ulps_between};
use num_dual::Derivative;
use rand_chacha::ChaCha8Rng;

/// Compares every component at random points.
pub fn decide(instance: &Instance, run: &Run, rng: &mut ChaCha8Rng) -> Finding {
    let Relation::Gradient(wrt) = &instance.relation else {
        return Finding::abstains("not a gradient");
    };
    let pairs = Pairs::of(instance);
    let mut compared = 0;
    let mut worst: f64 = 0.0;
    let mut reason = String::from("no point at which duals say anything");
    for _ in 0..enclosure::cases_for(run.cases, pairs.graph.nodes().len()) {
        if run.deadline.has_passed() {
            reason = Deadline::REASON.into();
            break;
        }
        let x = point::random(&instance.variables, rng);
        match compare(instance, &pairs, wrt, &x) {
            Ok(Comparison::Agrees(distance)) => {
                worst = worst.max(distance);
                compared += 1;
            }
            Ok(Comparison::Differs(component)) => {
                let why = format!("the dual derivative in component {component} is another at {x:?}");
                return Finding { opinion: Opinion::Differs(why), cases: compared + 1, worst_ulp: None, part: None };
            }
            Err(why) => reason = why,
        }
    }
    if compared == 0 {
        return Finding::abstains(reason);
    }
    Finding { opinion: Opinion::Agrees, cases: compared, worst_ulp: Some(worst), part: None }
}

enum Comparison {
    Agrees(f64),
    Differs(usize),
}

fn compare(instance: &Instance, pairs: &Pairs, wrt: &[usize], x: &[f64]) -> Result<Comparison, String> {
    let inputs: Vec<Rounded> = x.iter().map(|&x| Rounded::exact(x)).collect();
    let enclosed = enclosure::enclose(pairs, &inputs);
    if pairs.assumed().any(|i| !matches!(&enclosed[i], Ok(condition) if condition.low() > 0.0)) {
        return Err("outside the assumptions".into());
    }
    let enclosures: Vec<(Rounded, Rounded)> = pairs
        .sides()
        .map(|(l, r)| Ok((enclosed[l].clone()?, enclosed[r].clone()?)))
        .collect::<crate::number::Outcome<_>>()
        .map_err(|e| e.to_string())?;
    let value = evaluate(&instance.graph, &mut { Rounding::F64 }, &inputs)
        .swap_remove(instance.assumptions)
        .map_err(|e| e.to_string())?;
    let mut worst: f64 = 0.0;
    for (chunk, positions) in wrt.chunks(TANGENTS).enumerate() {
        let duals: Vec<Dual> = x
            .iter()
            .enumerate()
            .map(|(i, &x)| match positions.iter().position(|&p| p == i) {
                Some(k) => Dual::new(x, Derivative::derivative_generic(nalgebra::Const, nalgebra::Const, k)),
                None => Dual::from(x),
            })
            .collect();
        let f = evaluate(&instance.graph, &mut Duals::new(), &duals)
            .swap_remove(instance.assumptions)
            .map_err(|e| e.to_string())?;
        if !f.re.is_finite() || (f.re - value.value).abs() > 2.0 * value.bound {
            return Err("duals whose real part is not the value".into());
        }
        for k in 0..positions.len() {
            let component = chunk * TANGENTS + k;
            let found = f.eps.0.as_ref().map_or(0.0, |eps| eps[k]);
            if !found.is_finite() {
                return Err("duals that are not finite".into());
            }
            let (reverse, claimed) = enclosures[component];
            // the reverse derivative's error is a first guess at the dual's; where it does not
            // explain the distance, the dual's own error is bounded
            if (found - claimed.value).abs() > reverse.bound + claimed.bound {
                let own = forward_error(instance, x, positions[k])?;
                if (found - claimed.value).abs() > own + claimed.bound {
                    return Ok(Comparison::Differs(component));
                }
            }
            match enclosure::agreement(reverse, claimed) {
                Some(_) => worst = worst.max(ulps_between(found, claimed.value)),
                // a derivative that is 0 has no digits, and is measured by f beside its variable
                None if is_near_zero(reverse, claimed, value, x[positions[k]]) => {}
                None => return Err("error bounds that leave too few digits".into()),
            }
        }
    }
    Ok(Comparison::Agrees(worst))
}

/// Whether both enclosures of a derivative hold it to zero, of which f/x is the natural size, and f
/// itself is known.
fn is_near_zero(reverse: Rounded, claimed: Rounded, f: Rounded, x: f64) -> bool {
    let size = enclosure::WIDEST * f.value.abs();
    f.bound <= size && [reverse, claimed].iter().all(|d| (d.value.abs() + d.bound) * (1.0 + x.abs()) <= size)
}

/// How far a forward derivative in f64 may be from the real one.
fn forward_error(instance: &Instance, x: &[f64], position: usize) -> Result<f64, String> {
    let inputs: Vec<Tangent<Rounded>> = x
        .iter()
        .enumerate()
        .map(|(i, &x)| Tangent {
            value: Rounded::exact(x),
            slope: Rounded::exact(if i == position { 1.0 } else { 0.0 }),
        })
        .collect();
    let outputs = evaluate(&instance.graph, &mut Forward(Rounding::F64), &inputs);
    outputs[instance.assumptions].as_ref().map(|f| f.slope.bound).map_err(ToString::to_string)
}
