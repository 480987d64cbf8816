use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use http::{HeaderName, StatusCode};
use scraper::{ElementRef, Html, Selector};
use serde::de::DeserializeOwned;

use super::form::Edits;
use super::label::words;
use super::outline::outline;
use crate::media_type;

/// A response to a visitor: a page of HTML, or any other content.
///
/// Displayed as text, it is the status, the address and the visible content without markup, for snapshots and messages.
#[derive(Clone)]
pub struct Page {
    pub(super) target: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    pub(super) document: Html,
    pub(super) edits: Edits,
    /// Whether the response is the answer to a posted form.
    pub(super) posted: bool,
}

impl Page {
    pub(super) fn new(target: String, status: StatusCode, headers: HeaderMap, body: Bytes) -> Page {
        let is_markup = headers.get(CONTENT_TYPE).is_some_and(media_type::is_markup);
        let document = match is_markup {
            true => Html::parse_document(&String::from_utf8_lossy(&body)),
            false => Html::parse_document(""),
        };
        Page { target, status, headers, body, document, edits: Edits::new(), posted: false }
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the address: path and query.
    pub fn address(&self) -> &str {
        &self.target
    }

    /// Returns the value of a header; empty when it is missing.
    pub fn header(&self, name: impl TryInto<HeaderName>) -> &str {
        let name = name.try_into().ok();
        let value = name.and_then(|name| self.headers.get(name));
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns all headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the body as text, with markup.
    pub fn source(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Parses the body as JSON.
    ///
    /// # Panics
    /// When the body is not JSON of this type.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| self.fail(format_args!("it is not JSON as expected: {error}")))
    }

    /// Returns whether the response was served from the cache. A page with parts is a hit when the page itself is.
    pub fn was_hit(&self) -> bool {
        self.header("cache-status").starts_with("headwater; hit")
    }

    /// Returns the text of each element that matches a CSS selector, in document order.
    ///
    /// # Panics
    /// When the selector is not valid.
    #[track_caller]
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.document.select(&parse(selector)).map(words).collect()
    }

    /// Asserts that an element that matches the CSS selector contains this text.
    ///
    /// # Panics
    /// When there is no such element.
    #[track_caller]
    pub fn has(&self, selector: &str, text: &str) -> &Page {
        let found = self.texts(selector);
        if found.iter().any(|found| found.contains(text)) {
            return self;
        }
        match found.is_empty() {
            true => self.fail(format_args!("there is no `{selector}`, so none with \"{text}\"")),
            false => self.fail(format_args!(
                "no `{selector}` has \"{text}\" in it; there is {}",
                found.iter().map(|found| format!("\"{found}\"")).collect::<Vec<_>>().join(", ")
            )),
        }
    }

    /// Asserts that no element that matches the CSS selector contains this text.
    ///
    /// # Panics
    /// When there is such an element.
    #[track_caller]
    pub fn has_no(&self, selector: &str, text: &str) -> &Page {
        match self.texts(selector).into_iter().find(|found| found.contains(text)) {
            None => self,
            Some(found) => {
                self.fail(format_args!("a `{selector}` has \"{text}\" in it: \"{found}\""))
            }
        }
    }

    /// Asserts that the response has this status.
    ///
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Page {
        match self.status.as_u16() == status {
            true => self,
            false => self.fail(format_args!("the status is not {status}")),
        }
    }

    /// Panics with a message and the page.
    #[track_caller]
    pub(super) fn fail(&self, message: fmt::Arguments<'_>) -> ! {
        panic!("{message}\n\n{self}\n")
    }

    /// Returns the first element that matches the selector, or without a selector the whole page.
    pub(super) fn scope(&self, selector: Option<&Selector>) -> Option<ElementRef<'_>> {
        match selector {
            None => Some(self.document.root_element()),
            Some(selector) => self.document.select(selector).next(),
        }
    }

    /// Returns the target of a redirect.
    pub(super) fn location(&self) -> Option<&str> {
        let location = Some(self.header(LOCATION)).filter(|location| !location.is_empty());
        location.filter(|_| self.status.is_redirection())
    }
}

/// Parses a selector from a test.
#[track_caller]
pub(super) fn parse(selector: &str) -> Selector {
    let parsed = Selector::parse(selector);
    parsed.unwrap_or_else(|error| panic!("`{selector}` is not a CSS selector: {error}"))
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.target)?;
        if let Some(location) = self.location() {
            write!(f, " → {location}")?;
        }
        let shown = match self.headers.get(CONTENT_TYPE).is_some_and(media_type::is_markup) {
            true => outline(&self.document, &self.edits),
            false => self.source(),
        };
        match shown.is_empty() {
            true => Ok(()),
            false => write!(f, "\n{shown}"),
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
