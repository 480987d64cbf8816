use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{FromRequestParts, Need, NotInKey};
use crate::catalogues::{Catalogues, missing};
use crate::reply::Message;
use crate::request::RequestParts;

/// The site's texts, for what a back end writes outside of pages: mails, exports, what is sent to other programs.
///
/// A page has its texts by `t()`, in its template: so this is not for routes that cache. They are those of the catalogues as
/// they were loaded last: at the start, and whenever the node loads its files anew.
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

/// The site's texts as the node has loaded them last.
#[derive(Debug, Default)]
pub(crate) struct LoadedTexts(ArcSwap<Catalogues>);

impl LoadedTexts {
    pub(crate) fn set(&self, catalogues: Arc<Catalogues>) {
        self.0.store(catalogues);
    }
}

impl Texts {
    /// The text of a message in the language of this tag, or in one that stands in for it, as in templates. The key itself
    /// if no catalogue has it.
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
