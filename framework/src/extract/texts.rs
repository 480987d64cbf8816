use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{FromRequestParts, Need, NotInKey};
use crate::catalogues::{Catalogues, missing};
use crate::reply::Message;
use crate::request::RequestParts;

/// The site's texts, for content that a back end writes outside of pages: mails, exports, messages to other programs.
///
/// A page gets its texts through `t()` in its template, so this extractor is not available on cached routes. The texts
/// are those of the catalogues that were loaded last: at the start, and at each reload of the node's files.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("invitation")]
/// async fn invitation(Lang(lang): Lang, texts: Texts) -> String {
///     let mail = texts.text(&lang, &t!("invitation", name = "Ana"));
///     // … which is sent
///     # mail
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// // In a test there are no catalogues, and a key stands for its text.
/// assert_eq!(invitation(Lang("en".to_owned()), Texts::default()).await, "invitation");
/// # });
/// ```
#[derive(Clone, Default)]
pub struct Texts(Arc<Catalogues>);

/// The site's texts, as the node has loaded them last.
#[derive(Debug, Default)]
pub(crate) struct LoadedTexts(ArcSwap<Catalogues>);

impl LoadedTexts {
    pub(crate) fn set(&self, catalogues: Arc<Catalogues>) {
        self.0.store(catalogues);
    }
}

impl Texts {
    /// Returns the text of a message in the language with this tag, or in its fallback, as in templates. Returns the
    /// key itself if no catalogue contains it.
    pub fn text(&self, lang: &str, message: &Message) -> String {
        let arguments = message.arguments().map(|(name, value)| (name.into(), value.into()));
        let text = self.0.text(lang, message.key(), arguments);
        text.unwrap_or_else(|| missing(message.key(), lang))
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texts")
    }
}

impl FromRequestParts for Texts {
    type Rejection = NotInKey;
    const NEEDS: &'static [Need] = &[Need::Texts];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Texts, NotInKey> {
        NotInKey::check_texts(&parts.scope)?;
        let texts = parts.site.resources.get::<LoadedTexts>();
        Ok(texts.map(|texts| Texts(texts.0.load_full())).unwrap_or_default())
    }
}
