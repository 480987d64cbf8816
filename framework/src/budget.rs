//! A number of bytes of memory that many requests share.
//!
//! A request takes a part of it or fails; it never waits: if requests waited for more while they
//! hold some, all of them could wait for each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number of bytes from which shares take. Clones are the same budget.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Bytes>);

#[derive(Debug)]
struct Bytes {
    all: u64,
    taken: AtomicU64,
}

/// The budget has too few bytes left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Budget {
    /// Creates a budget of `all` bytes.
    pub(crate) fn new(all: u64) -> Budget {
        Budget(Arc::new(Bytes { all, taken: AtomicU64::new(0) }))
    }

    /// Creates an empty share.
    pub(crate) fn share(&self) -> Share {
        Share { budget: self.clone(), taken: AtomicU64::new(0) }
    }

    /// Returns the number of bytes taken.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }
}

/// The bytes that one request has taken from a budget, returned when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    taken: AtomicU64,
}

impl Share {
    /// Takes so many more bytes.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), Exhausted> {
        let Bytes { all, taken } = &*self.budget.0;
        let more = |taken: u64| taken.checked_add(bytes).filter(|taken| taken <= all);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| Exhausted)?;
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.taken.fetch_sub(*self.taken.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_share_returns_its_bytes() {
        let budget = Budget::new(10);
        let (first, second) = (budget.share(), budget.share());
        assert_eq!(
            (first.take(4), first.take(3), second.take(4)),
            (Ok(()), Ok(()), Err(Exhausted))
        );
        assert_eq!(second.take(u64::MAX), Err(Exhausted));
        assert_eq!(budget.taken(), 7);
        drop(first);
        assert_eq!((second.take(10), budget.taken()), (Ok(()), 10));
    }
}
