//! The request values that a page may show. `crate::request_values` explains how they are chosen, and why.

use std::sync::Arc;

use super::super::settings::Settings;
use super::Visit;
use crate::dispatch::Match;
use crate::http::Languages;
use crate::request_values::{RequestUses, RequestValues};

/// The name of the capture that contains a path's language.
pub(crate) const LANG_CAPTURE: &str = "lang";

/// The language of a request, if one was chosen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ChosenLanguage {
    /// Its index in the site's languages, of which there are few.
    index: Option<u8>,
    /// Whether the path contains it.
    is_in_path: bool,
}

/// The path contains a language that the site does not have, or in another spelling.
pub(super) struct NoSuchLanguage;

impl ChosenLanguage {
    /// Chooses the language of a request whose page's key needs `uses`.
    pub(super) fn of(
        uses: RequestUses,
        visit: Visit<'_>,
        matched: &Match<'_>,
        settings: &Settings,
    ) -> Result<ChosenLanguage, NoSuchLanguage> {
        let languages = &settings.languages;
        if uses.has(RequestUses::LANG_IN_PATH)
            && let Some((_, tag)) = matched.place_of(LANG_CAPTURE)
        {
            let index = languages.index_of(tag).filter(|index| languages.at(*index) == Some(tag));
            let index = index.ok_or(NoSuchLanguage)? as u8;
            return Ok(ChosenLanguage { index: Some(index), is_in_path: true });
        }
        let is_used = uses.has(RequestUses::LANG) && !languages.has_one();
        let cookie = settings.language_cookie.as_deref();
        let tag = is_used.then(|| languages.chosen(visit.headers(), cookie)).flatten();
        let index = tag.and_then(|tag| languages.index_of(tag)).map(|index| index as u8);
        Ok(ChosenLanguage { index, is_in_path: false })
    }

    /// Returns its tag.
    pub(super) fn tag(self, languages: &Languages) -> Option<Arc<str>> {
        let first = || languages.has_one().then_some(0);
        languages.at(self.index.or_else(first)?.into()).map(Arc::from)
    }

    /// Returns its tag if it belongs in the key.
    pub(super) fn in_key(self, languages: &Languages) -> Option<&str> {
        languages.at(self.index?.into())
    }
}

/// Returns the request values that `uses` contains.
pub(super) fn values(
    uses: RequestUses,
    language: ChosenLanguage,
    (visit, matched): (Visit<'_>, &Match<'_>),
    languages: &Languages,
) -> RequestValues {
    let in_path = language.is_in_path.then(|| matched.place_of(LANG_CAPTURE)).flatten();
    RequestValues {
        lang: language.tag(languages),
        scheme: uses.has(RequestUses::SCHEME).then(|| visit.origin.scheme.as_str()),
        path: uses.has(RequestUses::PATH).then(|| matched.path().into()),
        lang_in_path: in_path.map(|(place, _)| place),
    }
}
