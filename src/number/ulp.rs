//! Distance in units in the last place, as a fraction.

/// The gap between f64 neighbours at |x|: 2^(e−52) for 2^e ≤ |x| < 2^(e+1), and 2^−1074 below the
/// normal range. NaN and infinities have none and give NaN.
pub fn ulp(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let smallest = f64::from_bits(1);
    let exponent = (x.abs().to_bits() >> 52) as i32;
    // biased exponents 0 and 1 both have the subnormal gap
    if exponent <= 1 { smallest } else { libm::ldexp(1.0, exponent - 1023 - 52) }
}

/// How far `found` is from `right`, in ulps of `right`; a fraction where `found` lies in a finer
/// binade. Equal values (also two NaNs, or equal infinities) are 0 apart; a finite and a
/// non-finite value are infinitely far.
pub fn ulps_between(found: f64, right: f64) -> f64 {
    if found == right || (found.is_nan() && right.is_nan()) {
        return 0.0;
    }
    if !found.is_finite() || !right.is_finite() {
        return f64::INFINITY;
    }
    // halves, so that the difference of two values near the ends of the range stays finite
    (found * 0.5 - right * 0.5).abs() / (ulp(right) * 0.5).max(f64::from_bits(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_apart_and_half_an_ulp_below_a_power_of_two() {
        assert_eq!(ulps_between(1.0f64.next_up(), 1.0), 1.0);
        assert_eq!(ulps_between(1.0f64.next_down(), 1.0), 0.5);
        assert_eq!(ulps_between(f64::MAX, f64::MAX.next_down()), 1.0);
        assert_eq!(ulps_between(-1.0, 1.0), 2.0 / f64::EPSILON);
    }

    #[test]
    fn special_values() {
        assert_eq!(ulps_between(f64::NAN, f64::NAN), 0.0);
        assert_eq!(ulps_between(f64::INFINITY, f64::INFINITY), 0.0);
        assert_eq!(ulps_between(f64::INFINITY, 1.0), f64::INFINITY);
        assert_eq!(ulps_between(0.0, -0.0), 0.0);
        assert_eq!(ulp(f64::MIN_POSITIVE), f64::from_bits(1));
        assert!(ulp(f64::INFINITY).is_nan());
    }
}
