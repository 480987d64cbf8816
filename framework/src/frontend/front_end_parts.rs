//! What a front end is made of.

use std::collections::HashMap;
use std::sync::Arc;

use super::advice::Advice;
use super::docroot::Docroot;
use super::router::{Edition, VariantFn};
use super::sessions::Sessions;
use super::settings::Settings;
use crate::cache::Cache;
use crate::files::Files;
use crate::link::Link;
use crate::raw::RawService;

/// What a front end is made of.
pub(crate) struct FrontEndParts {
    /// What it goes by.
    pub settings: Settings,
    /// What the site's files say.
    pub edition: Edition,
    /// The docroot's own files.
    pub files: Files,
    /// What the log has put into the docroot.
    pub docroot: Arc<Docroot>,
    /// The cache.
    pub cache: Arc<Cache>,
    /// The way to the back ends.
    pub link: Link,
    /// Which sessions there are.
    pub sessions: Arc<Sessions>,
    /// What its author is told in development.
    pub advice: Arc<Advice>,
    /// The site's variant function.
    pub variant: Option<Arc<VariantFn>>,
    /// The site's tower services, by their names.
    pub services: HashMap<String, RawService>,
}
