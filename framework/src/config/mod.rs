//! `project.toml`: the configuration of a node.
//!
//! [`Config`] is the tree of all keys, each with its default (`settings`, `log`, `limits`, `mode`). It is composed of
//! layers, of which a later one overrides the earlier ones:
//!
//! ```text
//! defaults  <-  project.toml (file)  <-  HEADWATER_… (variables)
//! ```
//!
//! All problems of all layers are reported at once, with the line or the variable's name. Then the rules that concern
//! several keys are checked (`check`).
//!
//! This module does not depend on the use of the values.

mod check;
mod explained;
mod limits;
mod load;
mod log;
mod mode;
mod origin;
mod production;
mod secret;
mod settings;
mod site;
mod value;
mod variables;

pub(crate) use explained::Setting;
pub(crate) use limits::Limits;
pub(crate) use load::DEFAULT_FILE;
pub(crate) use log::{Checkpoint, Log};
pub(crate) use mode::Environment;
pub use mode::Mode;
pub(crate) use secret::Secret;
pub(crate) use settings::{Config, Encoding, Trace, TraceFormat};
pub(crate) use site::SiteSettings;
pub(crate) use variables::environment;
