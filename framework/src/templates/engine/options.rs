use std::fmt;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tera::Tera;

use super::super::functions::{AssetUrl, SiteFunction, UrlFor};
use crate::catalogues::Catalogues;
use crate::inline::InlineKind;

/// Adds a site's own functions, filters, tests and global values to Tera. It is called at each
/// load, before the templates are there.
pub(crate) type Customise = Arc<dyn Fn(&mut Tera) + Send + Sync>;

/// What the templates of a site need to know, and their limits.
#[derive(Clone)]
pub struct EngineOptions {
    /// What `url_for(name=…)` calls. By default no route is known.
    pub url_for: UrlFor,
    /// What `asset(path=…)` calls. By default `/assets/` and the path.
    pub asset: AssetUrl,
    /// The site's own additions, applied in this order.
    pub customise: Vec<Customise>,
    /// The site's functions by their names.
    pub functions: Vec<(String, SiteFunction)>,
    /// Whether `session` is the visitor's session, which no fragment may name.
    pub has_sessions: bool,
    /// Which scripts and styles in templates run by their hashes. By default none.
    pub hashed: Vec<InlineKind>,
    /// The site's texts. By default none.
    pub(crate) catalogues: Arc<Catalogues>,
    /// The longest page that a render may make, in bytes (default 32 MiB).
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

/// What must be escaped in the path of a URL (RFC 3986, section 3.3), `/` left as it is.
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
