//! Pages that depend on what they read, against a model that makes every page anew.

mod assigned;
mod model;
mod selections;
