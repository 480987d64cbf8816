//! Error pages and problem documents.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::super::escape::escape;
use super::super::router::{Edition, Failed, VariantKind};
use super::error_texts::Texts;
use super::{Made, MadeContent, Maker, set_session};
use crate::computation::Code;
use crate::http::{keep_from_shared_caches, wants_problem};
use crate::inline::{InlineHashes, InlineKind};
use crate::media_type;
use crate::request_values::RequestValues;
use crate::shown::{shown, shown_cause};
use crate::templates::{NoFragments, Rendered, Values};

/// The number of seconds after which a visitor may try again if no back end answers.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// The values of an error template.
#[derive(Serialize)]
struct ErrorValues<'a> {
    status: u16,
    reason: &'a str,
    message: &'a str,
    /// In development only.
    cause: Option<&'a str>,
    request_id: &'a str,
    development: bool,
    /// The name of the variant, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    /// The texts of the built-in page, if it is not in English.
    #[serde(skip)]
    texts: Option<&'static Texts>,
    /// Whether the message is the controller's.
    #[serde(skip)]
    is_of_the_site: bool,
}

/// A problem document for programs (RFC 9457).
#[derive(Serialize)]
struct ProblemDocument<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    /// The id under which the log contains more details. An answer of the site itself, such as that there is no such
    /// row, has none: it may be stored for other requests, and is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// In development only.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
}

impl Maker {
    /// Logs a failure under the request's id, and returns the site's error page for it in this language, with the
    /// groups that its template names; or a problem document, if the route sends those.
    pub(in crate::frontend) fn error_page(
        &self,
        edition: &Edition,
        failed: &Failed,
        language: Option<&str>,
    ) -> (Made, Vec<String>) {
        self.log(failed);
        self.silent_error_page(edition, failed, language)
    }

    /// Returns the response to a failure for a client with these headers: the error page, or, if the client reads JSON
    /// rather than HTML, a problem document (RFC 9457). A client that lacks a session and reads pages is redirected to
    /// the sign-in page.
    pub(in crate::frontend) fn error_for(
        &self,
        client: &HeaderMap,
        edition: &Edition,
        failed: &Failed,
        language: Option<&str>,
    ) -> Made {
        let wants_problem = failed.scope.sends_problems || wants_problem(client);
        let mut made = match failed.failure.sign_in {
            _ if wants_problem => {
                self.log(failed);
                self.problem_document(failed)
            }
            Some(redirect) => {
                let (page, inline) = (Rendered::default(), InlineHashes::default());
                self.made(redirect, failed.failure.headers.clone(), page, inline).0
            }
            None => self.error_page(edition, failed, language).0,
        };
        // The controller may have allowed other caches to store it.
        if !made.terms.are_unset() {
            made.terms.vary_by(&[header::ACCEPT]);
            made.terms.vary_by(self.settings.language_headers());
            let named = failed.failure.keeping.iter().flat_map(|keeping| &keeping.groups);
            let groups = failed.groups.iter().chain(named).map(String::as_str);
            made.terms.name_groups(&self.settings.group_headers, groups);
            made.terms.restrict(failed.reuse);
        }
        made
    }

    fn problem_document(&self, failed: &Failed) -> Made {
        let failure = &failed.failure;
        let is_answer = failure.keeping.is_some() && !failure.status.is_server_error();
        let document = ProblemDocument {
            kind: "about:blank",
            title: failure.status.canonical_reason().unwrap_or("Error"),
            status: failure.status.as_u16(),
            detail: &failure.message,
            request_id: (!is_answer).then_some(&*failed.request_id),
            cause: failure.cause.as_deref().filter(|_| self.settings.development),
        };
        // Texts and a number can always be serialized.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut headers = failure.headers.clone();
        if failure.sign_in.is_some() {
            headers.remove(header::LOCATION);
        }
        let media_type = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, media_type);
        let page = Rendered { content: Bytes::from(body).into(), ..Rendered::default() };
        self.made(failure.status, headers, page, InlineHashes::default()).0
    }

    fn made(
        &self,
        status: StatusCode,
        mut headers: HeaderMap,
        page: Rendered,
        inline: InlineHashes,
    ) -> (Made, Vec<String>) {
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.entry(header::RETRY_AFTER).or_insert(RETRY_AFTER);
        }
        let Rendered { content, groups, contains, .. } = page;
        let content = MadeContent::Rendered { content, contains };
        (Made::new(status, headers, content, inline, &self.settings.page_headers), groups)
    }

    fn log(&self, failed: &Failed) {
        let Failed { failure, request_id, path, .. } = failed;
        let status = failure.status;
        let cause = failure.cause.as_deref();
        let (code, message, path) = (status.as_u16(), shown(&failure.message), &*shown(path));
        let cause = &*shown_cause(cause.unwrap_or_default());
        match status.is_server_error() {
            // While no back end answers, every request ends here, and the link has logged the reason.
            true if failure.is_known => {
                tracing::debug!(request_id, path, status = code, cause, "{message}");
            }
            true => tracing::error!(request_id, path, status = code, cause, "{message}"),
            false if !cause.is_empty() => {
                tracing::info!(request_id, path, status = code, cause, "{message}");
            }
            false => tracing::info!(request_id, path, status = code, "{message}"),
        }
    }

    /// Does the same as [`error_page`](Maker::error_page), without logging.
    pub(in crate::frontend) fn silent_error_page(
        &self,
        edition: &Edition,
        failed: &Failed,
        language: Option<&str>,
    ) -> (Made, Vec<String>) {
        if failed.scope.sends_problems {
            return (self.problem_document(failed), Vec::new());
        }
        let failure = &failed.failure;
        let mut headers = failure.headers.clone();
        let (media_type, page, inline) = self.error_body(edition, failed, language);
        headers.insert(header::CONTENT_TYPE, media_type);
        if edition.error_names_session(failed.scope, failure.status) {
            keep_from_shared_caches(&mut headers);
        }
        self.made(failure.status, headers, page, inline)
    }

    /// Returns the error page with its media type and the hashes of its inline scripts and styles.
    fn error_body(
        &self,
        edition: &Edition,
        failed: &Failed,
        language: Option<&str>,
    ) -> (HeaderValue, Rendered, InlineHashes) {
        let Failed { failure, scope, request_id, variant, request, .. } = failed;
        let lang = request.lang.clone().or_else(|| language.map(Arc::from));
        let request = RequestValues { lang, ..request.clone() };
        let development = self.settings.development;
        let values = ErrorValues {
            status: failure.status.as_u16(),
            reason: failure.status.canonical_reason().unwrap_or("Error"),
            message: &failure.message,
            cause: failure.cause.as_deref().filter(|_| development),
            request_id,
            development,
            variant: variant.as_ref().and_then(VariantKind::name),
            texts: request.lang.as_deref().and_then(Texts::of),
            is_of_the_site: failure.keeping.is_some(),
        };
        let template = edition.table.error_template(*scope, failure.status);
        let Some(template) = template.filter(|name| edition.templates.contains(name)) else {
            return built_in(&values);
        };
        let given = Values::of(&values).map_err(|error| error.to_string());
        let rendered = given.and_then(|mut given| {
            set_session(&mut given, failed.session.as_ref())?;
            let values = given.in_variant(values.variant).of_request(request);
            let values = values.map_err(|error| error.to_string())?;
            let render = || edition.templates.render(template, &values, Rc::new(NoFragments));
            Code::template(template).run(render).map_err(|error| error.to_string())
        });
        match rendered {
            Ok(rendered) => {
                let inline = edition.templates.inline_in(&rendered.content);
                (media_type::of(template), rendered, inline)
            }
            Err(error) => {
                tracing::error!(request_id, template, error, "the error page itself fails");
                built_in(&values)
            }
        }
    }
}

/// The style of the built-in page. It is in an element, not in attributes, because only an element has a hash by which
/// a site's policy can allow it.
const STYLE: &str = "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; \
                     padding: 0 1rem; overflow-wrap: anywhere } pre { white-space: pre-wrap }";

/// Returns the page for a site without an error template.
fn built_in(values: &ErrorValues<'_>) -> (HeaderValue, Rendered, InlineHashes) {
    let ErrorValues { status, mut reason, mut message, request_id, .. } = *values;
    let (mut language, mut request) = ("en", "Request");
    if let (Some(texts), Ok(code)) = (values.texts, StatusCode::from_u16(status)) {
        (language, request) = (texts.language, texts.request);
        let (heading, sentence) = texts.for_status(code);
        reason = heading;
        if !values.is_of_the_site {
            message = sentence;
        }
    }
    let message = escape(message);
    let cause = match values.cause {
        Some(cause) => format!("<pre>{}</pre>", escape(cause)),
        None => String::new(),
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"{language}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{status} {reason}</title>\n<style>{STYLE}</style>\n\
         <h1>{status} {reason}</h1>\n<p>{message}</p>\n{cause}<p><small>{request} {request_id}</small></p>\n"
    );
    let page = Rendered { content: Bytes::from(page).into(), ..Rendered::default() };
    let inline = InlineHashes::of(InlineKind::Style, STYLE);
    (HeaderValue::from_static("text/html; charset=utf-8"), page, inline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_of_a_cause_wrap_and_its_markup_is_text() {
        let values = ErrorValues {
            status: 500,
            reason: "Internal Server Error",
            message: "This page could not be made.",
            cause: Some("templates/a<b>.html: line 7\n  no `x`"),
            request_id: "1",
            development: true,
            variant: None,
            texts: None,
            is_of_the_site: false,
        };
        let page = built_in(&values).1.content.whole().unwrap();
        let page = std::str::from_utf8(&page).unwrap();
        let pre = "<pre>templates/a&lt;b&gt;.html: line 7\n  no `x`";
        assert!(page.contains(pre) && page.contains("overflow-wrap: anywhere }"), "{page}");
    }
}
