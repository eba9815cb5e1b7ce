//! A time at which work on this thread gives up.
//!
//! It is the thread's, since it must be seen from inside every kind of number.

use std::cell::Cell;
use std::time::Instant;

/// Why something was given up.
pub(crate) const PASSED: &str = "the time was over";

thread_local! {
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Keeps a deadline until it is dropped.
pub(crate) struct Kept(Option<Instant>);

/// Sets the deadline of this thread.
pub(crate) fn until(deadline: Option<Instant>) -> Kept {
    Kept(UNTIL.replace(deadline))
}

impl Drop for Kept {
    fn drop(&mut self) {
        UNTIL.set(self.0);
    }
}

/// Whether it is over.
pub(crate) fn passed() -> bool {
    UNTIL.get().is_some_and(|deadline| Instant::now() >= deadline)
}
