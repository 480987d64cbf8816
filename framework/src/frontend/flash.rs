//! Flash messages: a reply stores one with a redirect, and the next page shows it once.
//!
//! # The argument
//!
//! A page with `{{ flash() }}` is cached once for all clients, as the bytes around the placeholder. **A response shows
//! a message if, and only if, it also deletes the message's cookie**, and such a response is `private, no-store`: no
//! cache stores it, so navigating back reaches the page without the message. All other responses are those of the
//! cached page, with its tag, encodings and conditions.
//!
//! *Not lost.* A response that shows no page to a reader leaves the message untouched: the response to HEAD, and to a
//! prefetch by the browser (`Sec-Purpose: prefetch`). A request with a message for its page is never answered with
//! 304, since its conditions are not evaluated.
//!
//! *Shown on its page.* The cookie contains the path of the redirect's target, and only a page at that path shows the
//! message, so that another tab, which requests another page at the same moment, does not consume it. A redirect from
//! that path, to a language for example, carries the message on.
//!
//! *Once.* The response that shows the message deletes the cookie. Two concurrent requests for the same page, from two
//! tabs, both show it: front ends share no memory, and asking a back end would turn each such response into a call. If
//! a response is lost and requested again, the second one shows the message. A browser has one message at a time: a
//! second redirect with a message, before the first has reached its page, replaces the first message.
//!
//! The cookie is sealed, so that no other site, and no script, can put its own text into a page. It expires after a
//! minute.

use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::request::Parts;
use http::{Method, Uri};
use serde_json::{Map, Value};

use super::escape::escape;
use crate::computation::Code;
use crate::http::keep_from_shared_caches;
use crate::log::milliseconds_since_1970;
use crate::pieces::{Piece, Pieces};
use crate::request_values::RequestValues;
use crate::session::{Flash, FlashCookies, SentFlash};
use crate::templates::{Engine, NoFragments, Values};

/// The lifetime of a message.
const SECONDS: u64 = 60;

/// The name of the site's template for messages, if it has one.
const TEMPLATE: &str = "flash.html";

/// The headers by which browsers announce a prefetch.
static AHEAD: [HeaderName; 3] = [
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-moz"),
];

/// The messages of a site's visitors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flashes {
    /// `None` without a key to seal them with.
    cookies: Option<FlashCookies>,
}

/// A client's message as HTML, opened when it is first needed.
#[derive(Debug, Default)]
pub(super) struct ClientFlash(OnceLock<Option<Bytes>>);

impl Flashes {
    /// Creates the messages in these cookies; `None` without a key.
    pub(crate) fn new(cookies: Option<FlashCookies>) -> Flashes {
        Flashes { cookies }
    }

    /// Adds a message to the headers of a redirect.
    ///
    /// # Errors
    /// When the message cannot be sealed, or does not fit into a cookie.
    pub(super) fn leave(&self, flash: Flash, headers: &mut HeaderMap) -> Result<(), String> {
        let Some(cookies) = &self.cookies else {
            return Err(format!(
                "the message `{}` must be sealed, but the site has no secret: set HEADWATER_SECRET_KEY to what the \
                 command `secret` prints, the same on all front ends",
                flash.key
            ));
        };
        let expires = milliseconds_since_1970() + SECONDS * 1000;
        let sent = SentFlash { flash, path: path_of(headers), expires };
        let cookie = cookies.set(&sent, SECONDS as i64)?;
        keep_from_shared_caches(headers);
        append(headers, cookie)
    }

    /// Returns the message for the page that a client requests, as HTML.
    pub(super) fn shown<'c, 'l>(
        &self,
        client: &Parts,
        known: &'c ClientFlash,
        templates: &Engine,
        language: impl FnOnce() -> Option<&'l str>,
    ) -> Option<&'c Bytes> {
        let shown = || Some(html(&self.waiting(client)?.flash, templates, language()));
        known.0.get_or_init(shown).as_ref()
    }

    /// Returns the message for the page that a client requests.
    fn waiting(&self, client: &Parts) -> Option<SentFlash> {
        let sent = self.cookies.as_ref()?.open(&client.headers)?;
        let ahead = |name: &HeaderName| {
            client.headers.get(name).is_some_and(|value: &HeaderValue| {
                value.as_bytes().windows(8).any(|word| word.eq_ignore_ascii_case(b"prefetch"))
            })
        };
        let is_its_page = sent.path.as_deref().is_none_or(|path| path == client.uri.path());
        let is_shown = client.method == Method::GET && is_its_page && !AHEAD.iter().any(ahead);
        (is_shown && sent.expires > milliseconds_since_1970()).then_some(sent)
    }

    /// Forbids all caches to store a response that shows the message, and deletes the message's cookie.
    pub(super) fn forget(&self, headers: &mut HeaderMap) {
        let Some(cookies) = &self.cookies else { return };
        keep_nowhere(headers);
        if let Err(error) = append(headers, cookies.forget()) {
            tracing::error!(%error, "the cookie of a message cannot be deleted");
        }
    }

    /// Carries a client's message on if its page redirects elsewhere.
    pub(super) fn carry(&self, client: &Parts, headers: &mut HeaderMap) {
        let Some(cookies) = &self.cookies else { return };
        let leads_on = headers.contains_key(http::header::LOCATION) && !cookies.is_set_in(headers);
        let Some(sent) = self.waiting(client).filter(|sent| leads_on && sent.path.is_some()) else {
            return;
        };
        keep_nowhere(headers);
        let seconds = sent.expires.saturating_sub(milliseconds_since_1970()) / 1000;
        let sent = SentFlash { path: path_of(headers), ..sent };
        let carried = cookies.set(&sent, seconds as i64).and_then(|set| append(headers, set));
        if let Err(error) = carried {
            tracing::error!(%error, "a message cannot be carried on");
        }
    }
}

/// Returns the path of a redirect's target, if it can be determined.
fn path_of(headers: &HeaderMap) -> Option<String> {
    let location = headers.get(http::header::LOCATION)?.to_str().ok()?;
    let location = location.split('#').next().unwrap_or_default();
    if !location.starts_with('/') && !location.contains("://") {
        return None;
    }
    let uri: Uri = location.parse().ok()?;
    Some(uri.path().to_owned()).filter(|path| path.starts_with('/'))
}

fn append(headers: &mut HeaderMap, cookie: String) -> Result<(), String> {
    let cookie = HeaderValue::try_from(cookie).map_err(|error| error.to_string())?;
    headers.append(SET_COOKIE, cookie);
    Ok(())
}

/// Forbids all caches to store a response, whatever its headers allowed before.
fn keep_nowhere(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    keep_from_shared_caches(headers);
}

/// Renders a message as HTML, with the site's template if there is one.
fn html(flash: &Flash, templates: &Engine, language: Option<&str>) -> Bytes {
    let arguments: Map<String, Value> = serde_json::from_str(&flash.arguments).unwrap_or_default();
    let text = language.and_then(|language| templates.text(language, &flash.key, &arguments));
    let text = text.unwrap_or_else(|| words(&flash.key, &arguments));
    if templates.contains(TEMPLATE) {
        match by_template(flash, (&arguments, &text), templates, language) {
            Ok(html) => return html,
            Err(error) => tracing::error!(%error, "a message is shown without `{TEMPLATE}`"),
        }
    }
    let (kind, text) = (escape(&flash.kind), escape(&text));
    format!("<p class=\"flash {kind}\" role=\"status\">{text}</p>").into()
}

/// Returns the text of a message that is not in the site's catalogues: the key, with the arguments inserted.
fn words(key: &str, arguments: &Map<String, Value>) -> String {
    let mut words = String::new();
    let mut rest = key;
    while let Some((before, after)) = rest.split_once('{') {
        let known = after
            .split_once('}')
            .and_then(|(name, behind)| Some((arguments.get(name.trim())?, behind)));
        words.push_str(before);
        rest = match known {
            Some((Value::String(text), behind)) => {
                words.push_str(text);
                behind
            }
            Some((value, behind)) => {
                words.push_str(&value.to_string());
                behind
            }
            None => {
                words.push('{');
                after
            }
        };
    }
    words + rest
}

fn by_template(
    flash: &Flash,
    (arguments, text): (&Map<String, Value>, &str),
    templates: &Engine,
    language: Option<&str>,
) -> Result<Bytes, String> {
    let request = RequestValues { lang: language.map(Arc::from), ..RequestValues::default() };
    let values = Values::new().of_request(request);
    let mut values = values.map_err(|error| error.to_string())?;
    for (name, value) in
        [("kind", flash.kind.as_str()), ("key", flash.key.as_str()), ("text", text)]
    {
        values.set(name, value).map_err(|error| error.to_string())?;
    }
    values.set("arguments", arguments).map_err(|error| error.to_string())?;
    let render = || templates.render(TEMPLATE, &values, Rc::new(NoFragments));
    let rendered = Code::template(TEMPLATE).run(render);
    let content: Pieces = rendered.map_err(|error| error.to_string())?.content;
    let bytes = content.iter().filter_map(|piece| match piece {
        Piece::Bytes(bytes) => Some(&bytes[..]),
        Piece::Part(_) => None,
    });
    Ok(bytes.collect::<Vec<_>>().concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_inserted_into_the_text_of_a_message() {
        let words = |key: &str| {
            let arguments = json!({ "title": "Rain", "count": 3 });
            super::words(key, arguments.as_object().unwrap())
        };
        assert_eq!(
            words("“{title}” is saved, with { count } {others} {"),
            "“Rain” is saved, with 3 {others} {"
        );
        assert_eq!(words("Saved."), "Saved.");
    }

    #[test]
    fn the_path_of_a_redirect_is_determined() {
        let path = |location: &str| {
            let value = HeaderValue::try_from(location).unwrap();
            path_of(&HeaderMap::from_iter([(http::header::LOCATION, value)]))
        };
        for location in ["/a%20b?c#d", "https://example.org/a%20b", "/a%20b#x"] {
            assert_eq!(path(location).as_deref(), Some("/a%20b"), "{location}");
        }
        assert_eq!(path("?page=2"), None);
        assert_eq!(path("https://example.org").as_deref(), Some("/"));
    }

    fn flash() -> Flash {
        let [kind, key] = ["notice", "Saved."].map(str::to_owned);
        Flash { kind, key, arguments: "null".to_owned() }
    }

    /// A request for `target` with the cookie from the `Set-Cookie` value `set`.
    fn client(target: &str, set: &str) -> Parts {
        let cookie = set.split(';').next().unwrap();
        http::Request::get(target).header("cookie", cookie).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_message_waits_for_its_page_and_for_a_minute() {
        let cookies = FlashCookies::new(crate::session::Keys::of(["secret"]), false);
        let flashes = Flashes::new(Some(cookies.clone()));
        let location = (http::header::LOCATION, HeaderValue::from_static("/page?a"));
        let mut headers = HeaderMap::from_iter([location]);
        flashes.leave(flash(), &mut headers).unwrap();
        let set = headers[SET_COOKIE].to_str().unwrap();
        assert!(set.contains("Max-Age=60") && set.contains("HttpOnly"), "{set}");
        assert!(flashes.waiting(&client("/page", set)).is_some());
        assert!(flashes.waiting(&client("/other", set)).is_none());
        for (after, waits) in [(5000, true), (0, false)] {
            let expires = milliseconds_since_1970() + after;
            let set = cookies.set(&SentFlash { flash: flash(), path: None, expires }, 60).unwrap();
            assert_eq!(flashes.waiting(&client("/other", &set)).is_some(), waits, "{after}");
        }
        let error = Flashes::default().leave(flash(), &mut HeaderMap::new()).unwrap_err();
        assert!(error.contains("HEADWATER_SECRET_KEY"), "{error}");
    }

    #[test]
    fn carrying_a_message_on_does_not_extend_its_lifetime() {
        let cookies = FlashCookies::new(crate::session::Keys::of(["secret"]), false);
        let flashes = Flashes::new(Some(cookies.clone()));
        let path = Some("/moved".to_owned());
        let sent = SentFlash { flash: flash(), path, expires: milliseconds_since_1970() + 30_500 };
        let client = client("/moved", &cookies.set(&sent, 30).unwrap());
        let location = (http::header::LOCATION, HeaderValue::from_static("/page"));
        let mut headers = HeaderMap::from_iter([location]);
        flashes.carry(&client, &mut headers);
        let set = headers[SET_COOKIE].to_str().unwrap();
        assert!(set.contains("Max-Age=30") || set.contains("Max-Age=29"), "{set}");
        let pair = set.split(';').next().unwrap().parse().unwrap();
        let carried = cookies.open(&HeaderMap::from_iter([(http::header::COOKIE, pair)]));
        assert_eq!(carried, Some(SentFlash { path: Some("/page".to_owned()), ..sent }));
    }
}
