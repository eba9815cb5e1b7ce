//! When to stop: a statement of a stranger may take any amount of work.

use super::{Abstention, Outcome};
use std::time::{Duration, Instant};

/// The time at which work is given up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Work is never given up.
    pub const NEVER: Deadline = Deadline(None);

    /// So much from now; never, where the clock does not go that far.
    pub fn after(time: Duration) -> Deadline {
        Deadline(Instant::now().checked_add(time))
    }

    /// Whether the time is up.
    pub fn has_passed(&self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }

    /// An abstention when the time is up.
    pub fn check(&self) -> Outcome<()> {
        if self.has_passed() { Err(Abstention::new(Deadline::REASON)) } else { Ok(()) }
    }

    /// What is said of work that was given up.
    pub const REASON: &'static str = "the time is up";

    /// What is left: nothing when the time is up.
    pub fn left(&self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// This part of the time that is left.
    pub fn part(&self, part: f64) -> Deadline {
        self.left().map_or(*self, |left| Deadline::after(left.mul_f64(part.clamp(0.0, 1.0))))
    }
}
