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

/// What a visitor got: a page of HTML, or anything else that the site sends.
///
/// As text it is its status, its address and what it shows, without markup: for snapshots and messages.
#[derive(Clone)]
pub struct Page {
    pub(super) target: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    pub(super) document: Html,
    pub(super) edits: Edits,
    /// Whether it is the answer to a form that was posted.
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

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its address: path and query.
    pub fn address(&self) -> &str {
        &self.target
    }

    /// One of its headers, or nothing.
    pub fn header(&self, name: impl TryInto<HeaderName>) -> &str {
        let name = name.try_into().ok();
        let value = name.and_then(|name| self.headers.get(name));
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// All of its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Its body as it is.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Its body as text, with markup.
    pub fn source(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Its body, which is JSON.
    ///
    /// # Panics
    /// When it is no such JSON.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| self.fail(format_args!("it is not JSON as expected: {error}")))
    }

    /// Whether it came out of the cache. A page with parts is a hit when the page itself is.
    pub fn was_hit(&self) -> bool {
        self.header("cache-status").starts_with("headwater; hit")
    }

    /// The words of each element that a CSS selector finds, in their order.
    ///
    /// # Panics
    /// When the selector is none.
    #[track_caller]
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.document.select(&parse(selector)).map(words).collect()
    }

    /// That an element which the CSS selector finds has these words in it.
    ///
    /// # Panics
    /// When there is none.
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

    /// That no element which the CSS selector finds has these words in it.
    ///
    /// # Panics
    /// When there is one.
    #[track_caller]
    pub fn has_no(&self, selector: &str, text: &str) -> &Page {
        match self.texts(selector).into_iter().find(|found| found.contains(text)) {
            None => self,
            Some(found) => {
                self.fail(format_args!("a `{selector}` has \"{text}\" in it: \"{found}\""))
            }
        }
    }

    /// That it has this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Page {
        match self.status.as_u16() == status {
            true => self,
            false => self.fail(format_args!("the status is not {status}")),
        }
    }

    /// Ends the test with a sentence, and the page that it is about.
    #[track_caller]
    pub(super) fn fail(&self, message: fmt::Arguments<'_>) -> ! {
        panic!("{message}\n\n{self}\n")
    }

    /// What a selector finds first, or the page.
    pub(super) fn scope(&self, selector: Option<&Selector>) -> Option<ElementRef<'_>> {
        match selector {
            None => Some(self.document.root_element()),
            Some(selector) => self.document.select(selector).next(),
        }
    }

    /// Where it redirects to, as its header says.
    pub(super) fn location(&self) -> Option<&str> {
        let location = Some(self.header(LOCATION)).filter(|location| !location.is_empty());
        location.filter(|_| self.status.is_redirection())
    }
}

/// A selector that a test has written.
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
