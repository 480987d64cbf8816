use std::fmt;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tera::Tera;

use super::super::functions::{AssetUrl, SiteFunction, UrlFor};
use crate::catalogues::Catalogues;
use crate::inline::InlineKind;

/// Adds a site's own functions, filters, tests and global values to Tera. Called at each load, before the templates
/// are added.
pub(crate) type Customise = Arc<dyn Fn(&mut Tera) + Send + Sync>;

/// The site's additions to its templates, and their limits.
#[derive(Clone)]
pub struct EngineOptions {
    /// The implementation of `url_for(name=…)`. By default every route is unknown.
    pub url_for: UrlFor,
    /// The implementation of `asset(path=…)`. By default it returns `/assets/` and the path.
    pub asset: AssetUrl,
    /// The site's own additions, applied in this order.
    pub customise: Vec<Customise>,
    /// The site's functions by their names.
    pub functions: Vec<(String, SiteFunction)>,
    /// Whether `session` is the visitor's session, which no fragment may name.
    pub has_sessions: bool,
    /// The kinds of inline scripts and styles that are allowed by hash. None by default.
    pub hashed: Vec<InlineKind>,
    /// The site's texts. None by default.
    pub(crate) catalogues: Arc<Catalogues>,
    /// The size limit of a rendered page, in bytes (default 32 MiB).
    pub max_output: usize,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            url_for: Arc::new(|name, _| Err(format!("there is no route named `{name}`"))),
            asset: Arc::new(|path| Ok(format!("/assets/{}", utf8_percent_encode(path, IN_PATH)))),
            customise: Vec::new(),
            functions: Vec::new(),
            has_sessions: false,
            hashed: Vec::new(),
            catalogues: Arc::default(),
            max_output: 32 * 1024 * 1024,
        }
    }
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineOptions")
            .field("max_output", &self.max_output)
            .finish_non_exhaustive()
    }
}

/// The characters to escape in the path of a URL (RFC 3986, section 3.3), except `/`.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
