//! The site's templates: Tera files in one folder, loaded all at once.
//!
//! - [`Engine`]: the loaded templates; renders one of them with values. `folder` reads the files, `references`
//!   follows `extends` and `include` and rejects cycles, so that no render recurses without end, and `output` limits
//!   the size of a page.
//! - [`Fragments`]: the store of `{% cache %}` bodies. `scanner` finds tags, and `positions` maps positions from the
//!   text that Tera reads to the site's own.
//! - [`Rendered`]: the output of a template, with its fragments' groups and its parts.
//! - [`Values`]: the values that a template may use, read directly from packed values or JSON; `marked` finds their
//!   marks.
//! - [`RenderError`]: why a page could not be rendered, and where in which template.
//! - `inline`: inline scripts and styles in templates.
//! - `functions`, `translations`, `date`, `encode`, `number` and `slug`: functions and filters beyond Tera's own.
//!
//! This module depends on neither HTTP nor the link. Functions in [`EngineOptions`] resolve routes and files of the
//! docroot.

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
