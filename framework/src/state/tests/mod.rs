//! Pages that depend on their reads, compared with a model that makes every page from scratch.

mod assigned;
mod differences;
mod marks;
mod model;
mod schemas;
mod selections;
