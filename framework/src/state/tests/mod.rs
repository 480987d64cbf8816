//! Pages that depend on what they read, against a model that makes every page anew.

mod assigned;
mod differences;
mod marks;
mod model;
mod selections;
