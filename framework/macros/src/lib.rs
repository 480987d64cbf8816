//! The attributes of `headwater`. Use them through the `headwater` crate, which documents them.
