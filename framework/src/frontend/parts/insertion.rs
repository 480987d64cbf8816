use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};

use crate::media_type;

/// How content is inserted into a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insertion {
    /// Unchanged.
    Verbatim,
    /// As text in markup, like a value in a template.
    Escaped,
}

impl Insertion {
    /// Returns how content with the headers `part` is inserted into a page with the headers `page`. Content that is
    /// not markup is escaped in a page that is, whatever it contains.
    pub(super) fn of(part: &HeaderMap, page: &HeaderMap) -> Insertion {
        match !Insertion::is_markup(part) && Insertion::is_markup(page) {
            true => Insertion::Escaped,
            false => Insertion::Verbatim,
        }
    }

    /// Returns whether content with these headers is markup.
    pub(super) fn is_markup(headers: &HeaderMap) -> bool {
        headers.get(header::CONTENT_TYPE).is_some_and(media_type::is_markup)
    }

    /// Returns the bytes to insert instead of these; `None` if they are inserted unchanged.
    pub(super) fn changed(self, bytes: &Bytes) -> Option<Bytes> {
        match self {
            Insertion::Verbatim => None,
            Insertion::Escaped => escaped(bytes),
        }
    }
}

/// Escapes text for an element or for an attribute in quotes; returns `None` if that changes nothing.
fn escaped(text: &[u8]) -> Option<Bytes> {
    text.iter().find_map(|byte| entity(*byte))?;
    let mut markup = BytesMut::with_capacity(text.len() + text.len() / 8);
    for byte in text {
        match entity(*byte) {
            Some(entity) => markup.extend_from_slice(entity.as_bytes()),
            None => markup.extend_from_slice(&[*byte]),
        }
    }
    Some(markup.freeze())
}

fn entity(byte: u8) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#39;"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn text_is_escaped_in_markup_and_nowhere_else() {
        let of = |media_type: &'static str| {
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))])
        };
        let (page, feed) = (of("text/html; charset=utf-8"), of("application/rss+xml"));
        for markup in [&page, &feed, &of("image/svg+xml")] {
            assert_eq!(Insertion::of(markup, &page), Insertion::Verbatim, "{markup:?}");
        }
        for other in [of("text/plain"), of("application/json"), HeaderMap::new()] {
            for markup in [&page, &feed] {
                assert_eq!(Insertion::of(&other, markup), Insertion::Escaped, "{other:?}");
            }
            assert_eq!(Insertion::of(&other, &of("text/plain")), Insertion::Verbatim);
            assert_eq!(Insertion::of(&page, &other), Insertion::Verbatim);
        }
    }

    #[test]
    fn escaped_text_cannot_end_an_element_or_an_attribute() {
        let markup = escaped(b"<a b='c' d=\"e\">\xff&amp;").unwrap();
        assert_eq!(markup, b"&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;\xff&amp;amp;"[..]);
        assert_eq!(escaped(b"3 of 4"), None);
    }
}
