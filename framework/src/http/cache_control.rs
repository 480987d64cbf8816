//! What `Cache-Control` (RFC 9111, section 5.2) and its kin for CDNs (RFC 9213) say, as far as it counts here.

use http::HeaderValue;

/// What a response asks of caches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    /// No cache is to keep it.
    pub(crate) no_store: bool,
    /// No cache that several visitors share is to keep it.
    pub(crate) private: bool,
    /// Some of its headers are for one visitor (`private="x-a"`).
    pub(crate) private_headers: bool,
    /// It is to be sent as it is.
    pub(crate) no_transform: bool,
    /// It may ask for anything: it is not text, or a quoted string in it has no end.
    pub(crate) unreadable: bool,
}

impl Directives {
    /// What this value says.
    pub(crate) fn of(value: &HeaderValue) -> Directives {
        let unreadable = Directives { unreadable: true, ..Directives::default() };
        let Ok(text) = value.to_str() else { return unreadable };
        let (mut directives, mut is_quoted, mut is_escaped) = (Directives::default(), false, false);
        // A comma in a quoted string ends nothing.
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

    /// Whether it keeps shared caches out.
    pub(crate) fn keep_out_shared_caches(self) -> bool {
        self.no_store || self.private
    }

    /// Whether any of it may be for one visitor only.
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
    fn what_cannot_be_read_may_be_for_one_visitor() {
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
