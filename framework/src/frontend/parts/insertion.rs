use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};

use crate::media_type;

/// How content is put into a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insertion {
    /// As it is.
    Verbatim,
    /// As text in markup, like a value in a template.
    Escaped,
}

impl Insertion {
    /// How content with the headers `part` is put into a page with the headers `page`: what is not
    /// markup is text to a page that is, whatever stands in it.
    pub(super) fn of(part: &HeaderMap, page: &HeaderMap) -> Insertion {
        match !Insertion::is_markup(part) && Insertion::is_markup(page) {
            true => Insertion::Escaped,
            false => Insertion::Verbatim,
        }
    }

    /// Whether content with these headers is markup.
    pub(super) fn is_markup(headers: &HeaderMap) -> bool {
        headers.get(header::CONTENT_TYPE).is_some_and(media_type::is_markup)
    }

    /// What stands in the page instead of these bytes; `None` where it is the bytes themselves.
    pub(super) fn changed(self, bytes: &Bytes) -> Option<Bytes> {
        match self {
            Insertion::Verbatim => None,
            Insertion::Escaped => escaped(bytes),
        }
    }
}

/// Text as it is written in markup, in an element or in an attribute's quotes, if that differs.
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
    fn nothing_of_a_text_is_left_that_ends_text() {
        let markup = escaped(b"<a b='c' d=\"e\">\xff&amp;").unwrap();
        assert_eq!(markup, b"&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;\xff&amp;amp;"[..]);
        assert_eq!(escaped(b"3 of 4"), None);
    }
}
