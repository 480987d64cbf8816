//! The way of a request for a file.

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;

use super::cache_status::Forward;
use super::failure::Failure;
use super::served::Served;
use super::{Edition, FrontEnd, Visit, bypass, respond};
use crate::body::Body;
use crate::dispatch::{CanonicalPath, Match, Resolution};
use crate::files::{Answer, Caching};
use crate::http::names::CACHE_STATUS;

impl FrontEnd {
    pub(super) async fn file(&self, visit: Visit<'_>, matched: &Match<'_>) -> Served {
        let route = matched.route;
        let caching = Caching {
            browser: route.browser.clone().unwrap_or(Caching::CONFIRM.browser),
            cdn: route.cdn.clone(),
        };
        let Some(path) = matched.file() else { return no_file(matched) };
        let mut answer = self.find_file(visit.parts, &path, &caching).await;
        if matches!(answer, Ok(Answer::Folder)) {
            if let Some(location) = with_slash(visit.edition, visit.parts) {
                let headers = HeaderMap::from_iter([(header::LOCATION, location)]);
                let cache = bypass(Forward::Bypass);
                let found = respond::made(StatusCode::FOUND, headers, Body::empty(), cache);
                return Served::Response(found);
            }
            // A route of its own leads to this very folder.
            answer = self.find_file(visit.parts, &format!("{path}/"), &caching).await;
        }
        match answer {
            Ok(Answer::Response(mut response)) => {
                let cache = bypass(Forward::Bypass);
                response.headers_mut().insert(CACHE_STATUS, cache.header());
                Served::Response(response)
            }
            Ok(Answer::Folder | Answer::Nothing) => no_file(matched),
            Err(failure) => Served::refused(failure, route.scope, matched.path()),
        }
    }
}

fn no_file(matched: &Match<'_>) -> Served {
    let failure = Failure::new(StatusCode::NOT_FOUND, "There is no such file.");
    Served::refused(failure, matched.route.scope, matched.path())
}

/// The address of a folder, which ends with a slash, for who has asked without it; none when that
/// address is not one of a file. A canonical path cannot lead to another site.
fn with_slash(edition: &Edition, parts: &Parts) -> Option<HeaderValue> {
    let path = format!("{}/", CanonicalPath::new(parts.uri.path()).ok()?.as_str());
    let canonical = CanonicalPath::new(&path).ok()?;
    let Resolution::Route(found) = edition.table.resolve(&parts.method, &canonical) else {
        return None;
    };
    found.file().filter(|file| file.ends_with('/'))?;
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    HeaderValue::try_from(format!("{path}{query}")).ok()
}
