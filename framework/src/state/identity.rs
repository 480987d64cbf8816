use std::sync::atomic::{AtomicU64, Ordering};

/// Tells the contents of a field from those that code puts in their place by assigning to the field. A clone has the
/// identity of what it is a clone of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(u64);

impl Default for Identity {
    fn default() -> Identity {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Identity(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
