use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::{Date, Head, Outline, Tag};

/// How many are remembered.
const MOST: usize = 1024;

/// The heads that pages have in common: who says the same as another gets the same.
#[derive(Debug, Default)]
pub(super) struct Heads(Mutex<HashMap<Box<[u8]>, Arc<Head>>>);

impl Heads {
    /// The head for this outline.
    pub(super) fn of(&self, outline: Outline) -> Arc<Head> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = text(&outline);
        if let Some(head) = known.get(&*text) {
            return Arc::clone(head);
        }
        // Where each page says something else there is nothing to be had in common, and what pages
        // do have is soon known again.
        if known.len() >= MOST {
            known.clear();
        }
        let head = Arc::new(Head::new(outline));
        known.insert(text, Arc::clone(&head));
        head
    }
}

/// All of an outline. No name and no value has an end of line in it, and what goes with a 304 is
/// decided by the names.
fn text(outline: &Outline) -> Box<[u8]> {
    let Outline { status, headers, not_modified: _, has_length, tag, date, is_encoded } = outline;
    let (tag, given): (u8, &[u8]) = match tag {
        Tag::None => (0, b""),
        Tag::OfBytes => (1, b""),
        Tag::OfParts => (2, b""),
        Tag::Given(tag) => (3, tag.as_bytes()),
    };
    let date = match date {
        Date::None => 0,
        Date::OfPage => 1,
        // It is among the headers.
        Date::Given(_) => 2,
    };
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(status.as_str().as_bytes());
    text.extend_from_slice(&[u8::from(*has_length), tag, date, u8::from(*is_encoded)]);
    text.extend_from_slice(given);
    for (name, value) in headers {
        for part in [b"\n", name.as_str().as_bytes(), b":", value.as_bytes()] {
            text.extend_from_slice(part);
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::*;

    fn outline(language: &'static str) -> Outline {
        let language = (header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
        let headers = HeaderMap::from_iter([language]);
        Outline { status: StatusCode::OK, headers, has_length: true, ..Outline::default() }
    }

    #[test]
    fn who_says_the_same_has_the_same_head() {
        let heads = Heads::default();
        let head = heads.of(outline("en"));
        assert!(Arc::ptr_eq(&head, &heads.of(outline("en"))));
        for other in [
            outline("de"),
            Outline { status: StatusCode::NOT_FOUND, ..outline("en") },
            Outline { has_length: false, ..outline("en") },
            Outline { tag: Tag::OfBytes, ..outline("en") },
            Outline { tag: Tag::Given(HeaderValue::from_static("a")), ..outline("en") },
            Outline { date: Date::OfPage, ..outline("en") },
            Outline { is_encoded: true, ..outline("en") },
        ] {
            assert!(!Arc::ptr_eq(&head, &heads.of(other)));
        }
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let heads = Heads::default();
        for number in 0..3000 {
            let tag = HeaderValue::from(number);
            heads.of(Outline { tag: Tag::Given(tag), ..outline("en") });
            assert!(heads.0.lock().unwrap().len() <= MOST);
        }
    }
}
