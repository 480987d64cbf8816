//! The directives of `Cache-Control` (RFC 9111, section 5.2) and `CDN-Cache-Control` (RFC 9213) that matter here.

use http::HeaderValue;

/// Cache directives of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    /// `no-store`: no cache may store the response.
    pub(crate) no_store: bool,
    /// `private` without an argument: no shared cache may store the response.
    pub(crate) private: bool,
    /// `private` with an argument (`private="x-a"`): some header fields are for one visitor only.
    pub(crate) private_headers: bool,
    /// `no-transform`: the content must be sent unchanged.
    pub(crate) no_transform: bool,
    /// The value is not text, or contains an unterminated quoted string, so it may contain any directive.
    pub(crate) unreadable: bool,
}

impl Directives {
    /// Parses a header value.
    pub(crate) fn of(value: &HeaderValue) -> Directives {
        let unreadable = Directives { unreadable: true, ..Directives::default() };
        let Ok(text) = value.to_str() else { return unreadable };
        let (mut directives, mut is_quoted, mut is_escaped) = (Directives::default(), false, false);
        // A comma in a quoted string is not a separator.
        let members = text.split(|character| {
            let is_end = character == ',' && !is_quoted;
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = is_quoted,
                '"' => is_quoted = !is_quoted,
                _ => {}
            }
            is_end
        });
        for member in members {
            let (name, has_argument) = match member.split_once('=') {
                Some((name, _)) => (name.trim(), true),
                None => (member.trim(), false),
            };
            directives.no_store |= name.eq_ignore_ascii_case("no-store");
            directives.no_transform |= name.eq_ignore_ascii_case("no-transform");
            let is_private = name.eq_ignore_ascii_case("private");
            directives.private |= is_private && !has_argument;
            directives.private_headers |= is_private && has_argument;
        }
        if is_quoted { unreadable } else { directives }
    }

    /// Returns whether shared caches must not store the response.
    pub(crate) fn keep_out_shared_caches(self) -> bool {
        self.no_store || self.private
    }

    /// Returns whether any part of the response may be for one visitor only.
    pub(crate) fn are_for_one_visitor(self) -> bool {
        self.keep_out_shared_caches() || self.private_headers || self.unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_as_words_and_not_as_text() {
        let of = |text: &'static str| Directives::of(&HeaderValue::from_static(text));
        let none = Directives::default();
        for (text, expected) in [
            ("", none),
            ("max-age=60, x-no-store, no-cache=\"private\"", none),
            ("x=\"a, no-store, \\\", private\", public", none),
            ("max-age=60, No-Store", Directives { no_store: true, ..none }),
            ("no-store=1 , PRIVATE", Directives { no_store: true, private: true, ..none }),
            ("private=\"x-a, x-b\"", Directives { private_headers: true, ..none }),
            ("public,no-transform", Directives { no_transform: true, ..none }),
            ("x=\"a, no-store", Directives { unreadable: true, ..none }),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
        let no_text = HeaderValue::from_bytes(b"max-age=60, \xff").unwrap();
        assert_eq!(Directives::of(&no_text), Directives { unreadable: true, ..none });
    }

    #[test]
    fn an_unreadable_value_may_be_for_one_visitor() {
        let of = |text: &'static str| Directives::of(&HeaderValue::from_static(text));
        for (text, keep_out, for_one) in [
            ("max-age=60", false, false),
            ("private", true, true),
            ("no-store", true, true),
            ("private=\"x-a\"", false, true),
            ("x=\"", false, true),
        ] {
            let directives = of(text);
            assert_eq!(directives.keep_out_shared_caches(), keep_out, "{text}");
            assert_eq!(directives.are_for_one_visitor(), for_one, "{text}");
        }
    }
}
