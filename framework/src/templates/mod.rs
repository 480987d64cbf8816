//! The site's templates: Tera files in one folder, loaded all at once.
//!
//! - [`Engine`]: the loaded templates; renders one of them with values. `folder` reads the files,
//!   `references` follows `extends` and `include` and refuses circles, so that no render can
//!   recurse without end, and `output` bounds what a render may write.
//! - [`Fragments`]: where `{% cache %}` finds and keeps what is between its tags. `scanner` finds
//!   tags, and `positions` tells where in the site's own text something is that Tera has found in
//!   the rewritten one.
//! - [`Rendered`]: what a template has written: its output, and what was found in it.
//! - [`Values`]: what a template may use, made from packed values or JSON without a detour; `marked` finds
//!   what is said of them.
//! - [`RenderError`]: why there is no page, and where in which template.
//! - `inline`: the scripts and styles that stand in templates themselves.
//! - `functions`, `translations`, `date`, `encode`, `number` and `slug`: what templates can call beyond Tera's own.
//!
//! This module knows neither HTTP nor the link. Functions in [`EngineOptions`] say where a route leads
//! and where a file of the docroot lies.

mod date;
mod encode;
mod engine;
mod error;
mod folder;
mod fragments;
mod functions;
mod inline;
mod marked;
mod number;
mod output;
mod positions;
mod references;
mod rendered;
mod scanner;
mod translations;
mod values;

pub(crate) use engine::Customise;
pub use engine::{Engine, EngineOptions};
pub use fragments::{FragmentFill, FragmentKey, FragmentType, Fragments, NoFragments};
pub use functions::RenderedPage;
pub(crate) use functions::{AssetUrl, SiteFunction};
pub(crate) use rendered::Rendered;
pub use values::Values;
#[cfg(feature = "internals")]
pub use {fragments::rewrite, positions::TextPosition, scanner::tags};
