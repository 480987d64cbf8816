//! The room `dispatch`.

mod policy;

pub use policy::{CachePolicy, CacheType};
