use std::sync::atomic::{AtomicU64, Ordering};

/// Distinguishes the contents of a field from other contents that code assigns to the field. A clone has the
/// identity of its original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(u64);

impl Default for Identity {
    fn default() -> Identity {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Identity(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
