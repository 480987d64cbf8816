//! The forms in which a page is sent, and the head of each.
//!
//! A head is the lines that the page shares with others, and behind them those of its own, in the
//! same order whether they are put into a map or written down.

use std::time::Duration;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::head::{Date, Tag};
use super::page::{LastModified, Page};
use crate::http::names::CACHE_STATUS;
use crate::http::validators::{SETTLED, date_text};
use crate::http::{Coding, write_line};

/// The form in which a page is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// In a coding.
    Encoded(Coding),
    /// Not at all: the client has it, in this coding (304).
    NotModified(Coding),
}

/// What a response says that others with the same page do not.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    /// How many seconds ago the page was made or confirmed; `None` if it was made for this response.
    pub age: Option<u64>,
    /// Whether its date can no longer be mistaken for that of another version.
    pub is_settled: bool,
    /// The value of `Cache-Status`.
    pub cache_status: &'a [u8],
}

impl Page {
    /// The headers of a response with the page in this form.
    pub fn headers(&self, form: Form, present: Present<'_>) -> HeaderMap {
        let mut headers = self.head.lines(form).map.clone();
        if present.age.is_none() {
            headers.remove(header::AGE);
        }
        self.each_own(form, present, |name, value| {
            // They are made of nothing else.
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(name, value);
            }
        });
        headers
    }

    /// Writes the same headers as HTTP/1.1 does, each with the end of its line.
    pub fn write_headers(&self, form: Form, present: Present<'_>, head: &mut Vec<u8>) {
        head.extend_from_slice(&self.head.lines(form).text);
        self.each_own(form, present, |name, value| write_line(head, &name, value));
    }

    /// The status of a response with the page in this form.
    pub fn status_as(&self, form: Form) -> StatusCode {
        match form {
            Form::Plain | Form::Encoded(_) => self.status(),
            Form::NotModified(_) => StatusCode::NOT_MODIFIED,
        }
    }

    /// The headers of the page's and the response's own.
    fn each_own(&self, form: Form, present: Present<'_>, mut line: impl FnMut(HeaderName, &[u8])) {
        let head = &*self.head;
        let mut digits = itoa::Buffer::new();
        let (coding, length) = match form {
            Form::Plain => (Coding::Identity, self.body.len()),
            Form::Encoded(coding) => (coding, self.encoded(coding).map_or(0, |body| body.len())),
            Form::NotModified(coding) => (coding, 0),
        };
        if let Form::Encoded(coding) = form {
            line(header::CONTENT_ENCODING, coding.name().as_bytes());
        }
        if head.has_length && !matches!(form, Form::NotModified(_)) {
            line(header::CONTENT_LENGTH, digits.format(length).as_bytes());
        }
        match &head.tag {
            Tag::OfBytes => {
                let mut text = [0; TAG];
                line(header::ETAG, tag_text(self.digest(), coding, &mut text));
            }
            Tag::Given(tag) => match coding {
                Coding::Identity => line(header::ETAG, tag.as_bytes()),
                coding => {
                    if let Some(tag) = tag_in(tag.as_bytes(), coding) {
                        line(header::ETAG, &tag);
                    }
                }
            },
            Tag::None | Tag::OfParts => {}
        }
        if head.date == Date::OfPage {
            let shown = if present.is_settled { SETTLED } else { Duration::ZERO };
            line(header::LAST_MODIFIED, &date_text(self.modified(), self.modified() + shown));
        }
        if let Some(age) = present.age {
            line(header::AGE, digits.format(age).as_bytes());
        }
        line(CACHE_STATUS, present.cache_status);
    }

    /// The strong tag of the content as it is, or the one that the controller has given.
    pub fn tag(&self) -> Option<HeaderValue> {
        match &self.head.tag {
            Tag::None | Tag::OfParts => None,
            Tag::Given(tag) => Some(tag.clone()),
            Tag::OfBytes => Some(tag_of_digest(self.digest())),
        }
    }

    /// When this version was made, if dates are to tell it from others.
    pub fn last_modified(&self) -> Option<LastModified> {
        match self.head.date {
            Date::None => None,
            Date::OfPage => Some(LastModified { time: self.modified(), is_given: false }),
            Date::Given(time) => Some(LastModified { time, is_given: true }),
        }
    }
}

/// The longest tag of bytes: quotes, 32 digits, and `-` with the name of a coding.
const TAG: usize = 2 + 32 + 9;

/// The strong tag of content with this digest.
pub fn tag_of_digest(digest: u128) -> HeaderValue {
    let mut text = [0; TAG];
    HeaderValue::from_bytes(tag_text(digest, Coding::Identity, &mut text))
        .expect("a tag is made of digits and letters in quotes")
}

/// The tag of the same content in a coding: `"TAG-gzip"` for `"TAG"`. None when that is no tag.
pub fn tag_in(identity: &[u8], coding: Coding) -> Option<Vec<u8>> {
    let start = identity.strip_suffix(b"\"").filter(|start| start.contains(&b'"'))?;
    Some([start, b"-", coding.name().as_bytes(), b"\""].concat())
}

fn tag_text(digest: u128, coding: Coding, text: &mut [u8; TAG]) -> &[u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text[0] = b'"';
    for (byte, digits) in digest.to_be_bytes().into_iter().zip(text[1..].chunks_exact_mut(2)) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
    let mut end = 33;
    if coding != Coding::Identity {
        let name = coding.name().as_bytes();
        text[end] = b'-';
        text[end + 1..][..name.len()].copy_from_slice(name);
        end += 1 + name.len();
    }
    text[end] = b'"';
    &text[..=end]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::head::{Head, Outline};
    use super::super::page::Encoded;
    use super::*;

    const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Brotli, Coding::Zstd];

    fn page(outline: Outline, length: usize) -> Page {
        let body = Bytes::from(vec![b'a'; length]);
        let page = Page::new(Arc::new(Head::new(outline)), body.into(), SystemTime::now());
        let encoded = CODINGS.map(|coding| Encoded { coding, body: vec![b'b'; 9].into() });
        page.later.put_encodings(encoded.into());
        page
    }

    fn outline(tag: Tag) -> Outline {
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))];
        let headers = HeaderMap::from_iter(headers);
        Outline { headers, has_length: true, tag, may_be_encoded: true, ..Outline::default() }
    }

    const PRESENT: Present<'_> =
        Present { age: Some(7), is_settled: true, cache_status: b"headwater; hit" };

    #[test]
    fn each_form_has_a_tag_and_a_length_of_its_own() {
        let of_bytes = page(outline(Tag::OfBytes), 8192);
        let digest = format!("{:032x}", of_bytes.digest());
        let given = page(outline(Tag::Given(HeaderValue::from_static("W/\"a\""))), 8192);
        for (form, suffix, length) in [
            (Form::Plain, "", Some("8192")),
            (Form::Encoded(Coding::Brotli), "-br", Some("9")),
            (Form::NotModified(Coding::Identity), "", None),
            (Form::NotModified(Coding::Zstd), "-zstd", None),
        ] {
            let headers = of_bytes.headers(form, PRESENT);
            assert_eq!(headers[header::ETAG], format!("\"{digest}{suffix}\""));
            let told = headers.get(header::CONTENT_LENGTH).map(|value| value.to_str().unwrap());
            assert_eq!(told, length);
            let coding = headers.get(header::CONTENT_ENCODING);
            assert_eq!(coding.is_some(), form == Form::Encoded(Coding::Brotli));
            let headers = given.headers(form, PRESENT);
            assert_eq!(headers[header::ETAG], format!("W/\"a{suffix}\""));
        }
    }

    #[test]
    fn what_is_no_tag_is_not_made_one_of_a_coding() {
        let page = page(outline(Tag::Given(HeaderValue::from_static("a"))), 9);
        assert_eq!(page.headers(Form::Plain, PRESENT)[header::ETAG], "a");
        let encoded = page.headers(Form::Encoded(Coding::Gzip), PRESENT);
        assert!(!encoded.contains_key(header::ETAG));
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_the_map_holds(
            lines in prop::collection::vec(("x-[a-c]|vary|expires|content-location", "[ -~]{0,9}"), 0..5),
            (has_length, may_be_encoded, is_settled) in any::<(bool, bool, bool)>(),
            tag in prop::sample::select(vec![
                Tag::None,
                Tag::OfBytes,
                Tag::Given(HeaderValue::from_static("\"a\"")),
                Tag::Given(HeaderValue::from_static("a")),
            ]),
            date in prop::sample::select(vec![
                Date::None,
                Date::OfPage,
                Date::Given(SystemTime::UNIX_EPOCH),
            ]),
            form in prop::sample::select(vec![
                Form::Plain,
                Form::Encoded(Coding::Brotli),
                Form::NotModified(Coding::Identity),
                Form::NotModified(Coding::Gzip),
            ]),
            age in proptest::option::of(any::<u64>()),
            length in 0_usize..9999,
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in &lines {
                let name = HeaderName::try_from(name).unwrap();
                headers.append(name, HeaderValue::try_from(value.trim()).unwrap());
            }
            let may_be_encoded = may_be_encoded || matches!(form, Form::Encoded(_));
            // A page without a tag is not known by one in a coding.
            let is_tag = matches!(&tag, Tag::Given(tag) if tag == "a");
            prop_assume!(!(is_tag && form == Form::NotModified(Coding::Gzip)));
            let status = StatusCode::OK;
            let page = page(
                Outline { status, headers, has_length, tag, date, may_be_encoded },
                length,
            );
            let present = Present { age, is_settled, cache_status: b"headwater; hit" };
            let mut written = Vec::new();
            page.write_headers(form, present, &mut written);
            let mut expected = Vec::new();
            for (name, value) in &page.headers(form, present) {
                write_line(&mut expected, name, value.as_bytes());
            }
            // What is not there is taken out of the map, and the last then takes its place.
            let sorted = |text: &[u8]| {
                let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if age.is_none() {
                    lines.sort();
                }
                lines
            };
            prop_assert_eq!(sorted(&written), sorted(&expected));
        }
    }
}
