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

/// A request being answered: one that a client has sent, or one for a part of the client's page.
#[derive(Clone, Copy)]
pub(in crate::frontend) struct Visit<'a> {
    /// The cache's generation before the edition was looked up: content of the edition may be stored in no later one.
    pub(in crate::frontend) generation: Generation,
    pub(in crate::frontend) edition: &'a Arc<Edition>,
    /// The request that the client has sent.
    pub(in crate::frontend) client: &'a Parts,
    /// The client's session.
    pub(in crate::frontend) session: &'a ClientSession,
    /// The client's message for the page.
    pub(in crate::frontend) flash: &'a ClientFlash,
    path_language: &'a PathLanguage,
    pub(in crate::frontend) origin: Origin,
    pub(in crate::frontend) method: &'a Method,
    pub(in crate::frontend) uri: &'a Uri,
    headers: Headers<'a>,
    /// The request's place on the client's connection, held by all work for it, if the connection limits its work.
    pub(in crate::frontend) work: Option<&'a Work>,
}

#[derive(Clone, Copy)]
enum Headers<'a> {
    OfClient,
    OfPart(&'a PartHeaders),
}

/// The language in the path of a client's request: its index in the site's languages, once the path has been matched.
#[derive(Debug, Default)]
pub(in crate::frontend) struct PathLanguage(OnceLock<usize>);

/// The headers of requests for the parts of a page. Most parts are found by their URL alone, so the client's headers
/// are copied only when a part needs them.
#[derive(Debug, Default)]
pub(in crate::frontend) struct PartHeaders(OnceLock<HeaderMap>);

impl<'a> Visit<'a> {
    /// Creates the visit for a client's request.
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

    /// Creates the same client's visit for the part at `uri`.
    pub(in crate::frontend) fn of_part(self, uri: &'a Uri, headers: &'a PartHeaders) -> Visit<'a> {
        Visit { method: &Method::GET, uri, headers: Headers::OfPart(headers), ..self }
    }

    /// Returns the message that the client's page shows, as HTML, in the page's language.
    pub(in crate::frontend) fn shown_flash(
        self,
        settings: &Settings,
        variant: &VariantKind,
    ) -> Option<&'a Bytes> {
        let language = || self.language(settings, variant);
        settings.flashes.shown(self.client, self.flash, &self.edition.templates, language)
    }

    /// Stores the language in the path of the client's page.
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

    /// Returns the language for text to this client on a page of a variant: that of the path, else the one that the
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

    /// Returns the headers of the request.
    pub(in crate::frontend) fn headers(self) -> &'a HeaderMap {
        let client = &self.client.headers;
        match self.headers {
            Headers::OfClient => client,
            Headers::OfPart(headers) => headers.0.get_or_init(|| part_headers(client)),
        }
    }
}

/// The headers about the representation of the page or the body of the request. They are not sent on to the page's
/// parts (RFC 9110, sections 6.6.2, 8, 10.1.1, 12.5.3, 13.1 and 14.2).
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

/// Returns the headers of a request for a part of the page that a client with these headers has requested.
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
    fn a_request_for_a_part_has_no_headers_about_the_whole_page() {
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
