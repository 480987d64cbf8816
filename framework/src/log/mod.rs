//! The one totally ordered log of everything the back ends do to the site.
//!
//! This room knows records, their positions and the engines that keep them. It must not know what
//! an update means (`state`) or what an invalidation does (`cache`).

mod applier;
mod pattern;
mod position;
mod receipt;
mod record;

pub use applier::{Applied, Applier, ApplyError};
pub use pattern::compile_pattern;
pub use position::{LogId, Position};
pub use receipt::{Acknowledgement, Outcome, Receipt};
pub use record::{Draft, Invalidation, Membership, Record, StateUpdate};
