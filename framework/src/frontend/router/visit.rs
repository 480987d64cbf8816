use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;
use http::{Method, Uri};

use super::variant::VariantKind;
use super::{Edition, LANG_CAPTURE};
use crate::cache::Generation;
use crate::dispatch::Match;
use crate::frontend::flash::ClientFlash;
use crate::frontend::sessions::ClientSession;
use crate::frontend::settings::Settings;
use crate::http::{Languages, Origin};
use crate::server::Work;

/// A request on its way: one that a client has sent, or one for a part of the page that it asks for.
#[derive(Clone, Copy)]
pub(in crate::frontend) struct Visit<'a> {
    /// What the cache's generation was before the edition was looked up: what is made of the edition
    /// may be stored in no later one.
    pub(in crate::frontend) generation: Generation,
    pub(in crate::frontend) edition: &'a Arc<Edition>,
    /// The request that the client has sent.
    pub(in crate::frontend) client: &'a Parts,
    /// The client's session.
    pub(in crate::frontend) session: &'a ClientSession,
    /// The message that it has for the page.
    pub(in crate::frontend) flash: &'a ClientFlash,
    path_language: &'a PathLanguage,
    pub(in crate::frontend) origin: Origin,
    pub(in crate::frontend) method: &'a Method,
    pub(in crate::frontend) uri: &'a Uri,
    headers: Headers<'a>,
    /// What is kept by all that is done for the client, if its connection is held to it.
    pub(in crate::frontend) work: Option<&'a Work>,
}

#[derive(Clone, Copy)]
enum Headers<'a> {
    OfClient,
    OfPart(&'a PartHeaders),
}

/// The language that the path says which a client asks for: its place among the site's, once the path has been looked at.
#[derive(Debug, Default)]
pub(in crate::frontend) struct PathLanguage(OnceLock<usize>);

/// The headers of requests for the parts of a page. Most parts are found by their URL alone, so the
/// client's headers are copied when one of them is looked at.
#[derive(Debug, Default)]
pub(in crate::frontend) struct PartHeaders(OnceLock<HeaderMap>);

impl<'a> Visit<'a> {
    /// A request that a client has sent.
    pub(in crate::frontend) fn of_client(
        (generation, edition): (Generation, &'a Arc<Edition>),
        (client, session, flash, path_language): (
            &'a Parts,
            &'a ClientSession,
            &'a ClientFlash,
            &'a PathLanguage,
        ),
        origin: Origin,
        work: Option<&'a Work>,
    ) -> Visit<'a> {
        let (method, uri, headers) = (&client.method, &client.uri, Headers::OfClient);
        Visit {
            generation,
            edition,
            client,
            session,
            flash,
            path_language,
            origin,
            method,
            uri,
            headers,
            work,
        }
    }

    /// The same client's request for the part at `uri`.
    pub(in crate::frontend) fn of_part(self, uri: &'a Uri, headers: &'a PartHeaders) -> Visit<'a> {
        Visit { method: &Method::GET, uri, headers: Headers::OfPart(headers), ..self }
    }

    /// The message that the page shows which the client asks for, as HTML, in the page's language.
    pub(in crate::frontend) fn shown_flash(
        self,
        settings: &Settings,
        variant: &VariantKind,
    ) -> Option<&'a Bytes> {
        let language = || self.language(settings, variant);
        settings.flashes.shown(self.client, self.flash, &self.edition.templates, language)
    }

    /// Notes the language that the path of the client's page says.
    pub(super) fn note_language(self, matched: &Match<'_>, languages: &Languages) {
        if languages.is_empty() || matches!(self.headers, Headers::OfPart(_)) {
            return;
        }
        let tag = matched.place_of(LANG_CAPTURE).map(|(_, tag)| tag);
        let is_exact = |index: &usize| languages.at(*index) == tag;
        if let Some(index) = tag.and_then(|tag| languages.index_of(tag)).filter(is_exact) {
            self.path_language.0.get_or_init(|| index);
        }
    }

    /// The language in which something is said to this client on a page of a variant: that of the path, else that which the
    /// variant is named after, else the one that the client's headers choose.
    pub(super) fn language<'s>(
        self,
        settings: &'s Settings,
        variant: &VariantKind,
    ) -> Option<&'s str> {
        let languages = &settings.languages;
        if languages.is_empty() {
            return None;
        }
        let in_path = self.path_language.0.get().and_then(|index| languages.at(*index));
        let named = || variant.name().and_then(|name| languages.get(name));
        let cookie = settings.language_cookie.as_deref();
        in_path.or_else(named).or_else(|| languages.chosen(self.headers(), cookie))
    }

    /// The headers of the request.
    pub(in crate::frontend) fn headers(self) -> &'a HeaderMap {
        let client = &self.client.headers;
        match self.headers {
            Headers::OfClient => client,
            Headers::OfPart(headers) => headers.0.get_or_init(|| part_headers(client)),
        }
    }
}

/// What a client says about the representation of the page, or the body of the request, and what
/// therefore does not go to its parts (RFC 9110, sections 6.6.2, 8, 10.1.1, 12.5.3, 13.1 and 14.2).
static OF_THE_PAGE_ALONE: [HeaderName; 15] = [
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
    header::RANGE,
    header::ACCEPT_ENCODING,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::EXPECT,
];

/// The headers of a request for a part of what a client with these headers has asked for.
fn part_headers(client: &HeaderMap) -> HeaderMap {
    let mut headers = client.clone();
    for name in &OF_THE_PAGE_ALONE {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_asked_for_as_the_client_asks_but_for_the_page_as_a_whole() {
        let request = http::Request::post("/form?a=1")
            .header("cookie", "name=ann")
            .header("accept-language", "de")
            .header("accept-encoding", "gzip")
            .header("if-none-match", "\"1\"")
            .header("range", "bytes=0-1")
            .header("content-length", "3")
            .body(());
        let (client, ()) = request.unwrap().into_parts();
        let headers = part_headers(&client.headers);
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-language", "cookie"]);
    }
}
