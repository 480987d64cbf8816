use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::cache_status::CacheStatus;
use super::respond::{self, Aging};
use super::served::page_of;
use crate::body::Body;
use crate::cache::{Entry, Form};
use crate::http::Prepared;

/// A hit that goes out as it is kept: all of the page, in one of its forms, or that it has not changed.
///
/// The status is 200 or 304, so that there is nothing left to be done with the response.
#[derive(Debug)]
pub struct Kept {
    entry: Arc<Entry>,
    form: Form,
    aging: Aging,
    cache: CacheStatus,
    is_head: bool,
}

impl Kept {
    /// The page of an entry in this form, of which there is one. Its head must be
    /// [writable](crate::cache::Head::is_writable). `remaining` is how much longer it is fresh, if time
    /// ends it.
    pub(super) fn new(
        entry: Arc<Entry>,
        form: Form,
        aging: Aging,
        remaining: Option<Duration>,
        is_head: bool,
    ) -> Kept {
        let cache = CacheStatus::Hit(remaining);
        Kept { entry, form, aging, cache, is_head }
    }
}

impl Prepared for Kept {
    fn status(&self) -> StatusCode {
        page_of(&self.entry).status_as(self.form)
    }

    fn age(&self) -> u64 {
        self.aging.seconds()
    }

    fn write_headers(&self, head: &mut Vec<u8>) {
        let page = page_of(&self.entry);
        self.cache.with_text(self.status(), page.status(), |text| {
            page.write_headers(self.form, self.aging.present(text), head);
        });
    }

    fn into_body(self) -> Bytes {
        let page = page_of(&self.entry);
        match self.form {
            _ if self.is_head => Bytes::new(),
            Form::Plain => page.body.whole().unwrap_or_default(),
            Form::Encoded(coding) => page.encoded(coding).cloned().unwrap_or_default(),
            Form::NotModified(_) => Bytes::new(),
        }
    }

    fn into_response(self) -> Response<Body> {
        let response = respond::in_form(page_of(&self.entry), self.form, self.aging, self.cache);
        if self.is_head { respond::head_of(response) } else { response }
    }
}
