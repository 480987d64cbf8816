//! Requests for files.

use std::sync::Arc;

use http::StatusCode;
use http::header::HeaderValue;

use super::super::failure::Failure;
use super::super::pages::Served;
use super::super::respond::{self, CacheStatus, Forward};
use super::super::router::{Failed, Visit};
use super::Dispatcher;
use crate::dispatch::{CanonicalPath, Match, Resolution, Route};
use crate::files::{Caching, FileAnswer};
use crate::http::names::CACHE_STATUS;
use crate::inline::InlineHashes;

/// A request for a file.
pub(in crate::frontend) struct FileRequest {
    route: Arc<Route>,
    /// The path that matched the route.
    path: String,
    /// The file, relative to the docroot.
    file: String,
}

impl FileRequest {
    /// Creates the request for the file that a matched files route leads to.
    pub(super) fn of(matched: &Match<'_>) -> Result<FileRequest, Box<Failed>> {
        let (route, path) = (Arc::clone(matched.route), matched.path().to_owned());
        match matched.file() {
            Some(file) => Ok(FileRequest { route, path, file }),
            None => Err(no_file(&route, &path).into()),
        }
    }
}

impl Dispatcher {
    pub(super) async fn file(&self, visit: Visit<'_>, request: FileRequest) -> Served {
        let FileRequest { route, path, file } = request;
        let caching = Caching {
            browser: route.browser.clone().unwrap_or(Caching::CONFIRM.browser),
            cdn: route.cdn.clone(),
        };
        let (method, headers) = (visit.method, visit.headers());
        let mut answer = self.files.find(method, headers, &file, &caching).await;
        if matches!(answer, Ok(FileAnswer::Folder)) {
            if let Some(location) = with_slash(visit) {
                return Served::Response(respond::redirect(StatusCode::FOUND, location));
            }
            // The folder has a route of its own.
            answer = self.files.find(method, headers, &format!("{file}/"), &caching).await;
        }
        match answer {
            Ok(FileAnswer::Response(mut response)) => {
                let cache = CacheStatus::forwarded(Forward::Bypass);
                response.headers_mut().insert(CACHE_STATUS, cache.header());
                let page_headers = &self.settings.page_headers;
                page_headers.put_into(response.headers_mut(), &InlineHashes::default());
                Served::Response(response)
            }
            Ok(FileAnswer::Folder | FileAnswer::Nothing) => {
                Served::Failed(no_file(&route, &path).into())
            }
            Err(failure) => Served::Failed(Failed::refused(failure, route.scope, &path).into()),
        }
    }
}

fn no_file(route: &Route, path: &str) -> Failed {
    let failure = Failure::new(StatusCode::NOT_FOUND, "There is no such file.");
    Failed::refused(failure, route.scope, path)
}

/// Returns the address of a folder, which ends with a slash, for a request without it; `None` if that address is not
/// one of a file. A canonical path cannot lead to another site.
fn with_slash(visit: Visit<'_>) -> Option<HeaderValue> {
    let path = format!("{}/", CanonicalPath::new(visit.uri.path()).ok()?.as_str());
    let canonical = CanonicalPath::new(&path).ok()?;
    let table = &visit.edition.table;
    let Resolution::Route(found) = table.resolve(visit.method, canonical) else { return None };
    found.file().filter(|file| file.ends_with('/'))?;
    let query = visit.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    HeaderValue::try_from(format!("{path}{query}")).ok()
}
