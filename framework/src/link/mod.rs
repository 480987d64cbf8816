//! The room `link`.

mod message;

pub use message::{Answer, Call, Content, Exposure, VERSION};
