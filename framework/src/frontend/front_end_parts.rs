//! The components of a front end.

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

/// The components of a front end.
pub(crate) struct FrontEndParts {
    /// The settings.
    pub settings: Settings,
    /// The site's loaded files.
    pub edition: Edition,
    /// The docroot's own files.
    pub files: Files,
    /// The docroot's files from the log.
    pub docroot: Arc<Docroot>,
    /// The cache.
    pub cache: Arc<Cache>,
    /// The connection to the back ends.
    pub link: Link,
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// Advice for the site's author in development.
    pub advice: Arc<Advice>,
    /// The site's variant function.
    pub variant: Option<Arc<VariantFn>>,
    /// The site's tower services, by their names.
    pub services: HashMap<String, RawService>,
}
