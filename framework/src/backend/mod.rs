//! The room `backend`.

mod members;

pub use members::{FeedId, Health, MemberStatus, Members};
