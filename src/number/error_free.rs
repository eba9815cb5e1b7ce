//! Sums and products of f64 with what their rounding lost.

/// a + b as its rounding and the rest (Knuth).
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// a + b as its rounding and the rest, where |a| ≥ |b| or a = 0 (Dekker).
pub fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// x as a sum of two numbers of 26 bits (Veltkamp), for x below 2^996.
fn halves(x: f64) -> (f64, f64) {
    let scaled = 134_217_729.0 * x;
    let high = scaled - (scaled - x);
    (high, x - high)
}

/// ab as its rounding and the rest (Dekker), for factors below 2^996 whose product neither overflows
/// nor comes near the subnormal range.
pub fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (halves(a), halves(b));
    (product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low)
}
