use std::path::{Component, Path};

use http::StatusCode;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::entry::{Entry, Located, report};
use super::kind::Kind;
use crate::dispatch::canonical::{CanonicalPath, canonical_piece};
use crate::dispatch::capture_template::{CaptureTemplate, Piece};
use crate::dispatch::path::PathPattern;
use crate::dispatch::route::{Alias, PathCondition, Redirect, Target, service_controller};
use crate::problem::Problems;

/// Characters that a URL in a header must not contain.
const UNSENDABLE: AsciiSet = CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'`');

/// Reads the target of a route of this kind. `None` for kinds that name another file.
pub(super) fn read(
    entry: &Entry<'_>,
    kind: Kind,
    condition: &PathCondition,
    prefix: &PathPattern,
    captures: &[String],
    problems: &mut Problems,
) -> Option<Target> {
    let Located { value, at } = entry.text(kind.key(), problems)?;
    let target = match kind {
        Kind::Controller => Ok(Target::Controller(value.to_owned())),
        Kind::Service if is_on_backend(entry, problems) => {
            Ok(Target::Controller(service_controller(value)))
        }
        Kind::Service => Ok(Target::Service(value.to_owned())),
        Kind::Template => Ok(Target::Template(value.to_owned())),
        Kind::Files => files(value, condition).map(|folder| Target::Files { folder }),
        Kind::Alias => alias(value, prefix, captures).map(|path| Target::Alias(Alias(path))),
        Kind::Redirect => {
            let status = redirect_status(entry, problems);
            redirect(value, captures).and_then(|to| match condition {
                PathCondition::Path(path)
                    if path.literal().is_some() && path.literal() == to.path.literal() =>
                {
                    Err("the route redirects to itself".to_owned())
                }
                _ => Ok(Target::Redirect { to, status }),
            })
        }
        Kind::Delegate | Kind::Include => return None,
    };
    target.map_err(|message| report(problems, &at, message)).ok()
}

/// Reads `on` of a service. Returns whether it runs on back ends.
fn is_on_backend(entry: &Entry<'_>, problems: &mut Problems) -> bool {
    let Some(Located { value, at }) = entry.text("on", problems) else { return false };
    if !matches!(value, "frontend" | "backend") {
        let message =
            format!("`{value}` is no place for a service; write \"frontend\" or \"backend\"");
        report(problems, &at, message);
    }
    value == "backend"
}

fn redirect_status(entry: &Entry<'_>, problems: &mut Problems) -> StatusCode {
    let allowed = |status| matches!(status, 301 | 302 | 303 | 307 | 308);
    let advice = "301 or 308 (moved for good), 302 or 307 (for now), or 303 (see there)";
    let status = entry.status("status", allowed, advice, problems);
    // Browsers do not remember this status, so a mistake can be corrected.
    status.map_or(StatusCode::FOUND, |status| status.value)
}

/// Returns the folder or file relative to the docroot, with slashes between its parts.
fn files(written: &str, condition: &PathCondition) -> Result<String, String> {
    let mut parts = Vec::new();
    for part in Path::new(written).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            _ => {
                return Err(format!(
                    "`{written}` leads out of the docroot; name a file or folder below it"
                ));
            }
        }
    }
    match condition {
        PathCondition::Path(path) if path.catch_all().is_none() && !path.names().is_empty() => {
            Err("the route does not determine a file; the last capture of the `path` must be `{*path}`".to_owned())
        }
        PathCondition::Pattern { pattern, .. } if pattern.names().len() > 1 => {
            Err("the route does not determine a file; the `pattern` must have one named capture at most".to_owned())
        }
        _ => Ok(parts.join("/")),
    }
}

/// Returns the target path of an alias, which is relative to the table's prefix.
fn alias(
    written: &str,
    prefix: &PathPattern,
    captures: &[String],
) -> Result<CaptureTemplate, String> {
    if !written.starts_with('/') || written.contains(['?', '#']) {
        return Err(format!("`{written}` is not a path; an alias leads to a path like \"/list\""));
    }
    let capture_template = canonical(CaptureTemplate::parse(written, captures)?, written)?;
    let capture_template = capture_template.after(prefix.capture_template(), 0);
    let example = capture_template.expand(|_, text| text.push('x'));
    match CanonicalPath::new(&example) {
        Ok(_) => Ok(capture_template),
        Err(error) => Err(format!("no route can match `{written}`: {error}")),
    }
}

fn redirect(written: &str, captures: &[String]) -> Result<Redirect, String> {
    let (path, tail) = written.split_at(written.find(['?', '#']).unwrap_or(written.len()));
    let path_template = CaptureTemplate::parse(path, captures)?;
    let path = if path.starts_with('/') && !path.starts_with("//") {
        canonical(path_template, path)?
    } else if let Some(("http" | "https", rest)) = path.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() || host.contains('{') {
            return Err(format!(
                "`{written}` has no fixed host; a visitor must not choose which site it is"
            ));
        }
        path_template.map_text(sendable)
    } else {
        return Err(format!(
            "`{written}` is neither a path like \"/new\" nor a URL like \"https://example.org/\""
        ));
    };
    let tail = CaptureTemplate::parse(tail, captures)?.map_text(sendable);
    Ok(Redirect { path, tail })
}

fn canonical(capture_template: CaptureTemplate, written: &str) -> Result<CaptureTemplate, String> {
    let mut pieces = Vec::with_capacity(capture_template.pieces().len());
    for piece in capture_template.pieces() {
        pieces.push(match piece {
            Piece::Text(text) => {
                let text =
                    canonical_piece(text).map_err(|error| format!("`{written}`: {error}"))?;
                Piece::Text(text.into_owned())
            }
            Piece::Capture(index) => Piece::Capture(*index),
        });
    }
    Ok(CaptureTemplate::new(written, pieces))
}

fn sendable(text: &str) -> String {
    utf8_percent_encode(text, &UNSENDABLE).to_string()
}
