//! The room `backend`.

mod members;
mod tail;

pub use members::{FeedId, Health, MemberStatus, Members};
