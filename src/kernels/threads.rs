//! Work on all threads, or on this one.

/// The results of some work, in its order.
pub(crate) fn each<T: Send, R: Send>(parallel: bool, work: Vec<T>, of: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    #[cfg(feature = "fast")]
    if parallel && work.len() > 1 {
        use rayon::prelude::*;
        return work.into_par_iter().map(of).collect();
    }
    let _ = parallel;
    work.into_iter().map(of).collect()
}
