//! What a visitor sees when there is no answer.

use std::rc::Rc;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use serde::Serialize;

use super::error_texts::Texts;
use super::failure::Failure;
use super::make::MadeContent;
use super::parts::Recipient;
use super::served::{Failed, Served};
use super::{Edition, FrontEnd, Variant};
use crate::computation::Code;
use crate::dispatch::Scope;
use crate::media_type;
use crate::shown::{shown, shown_cause};
use crate::templates::{NoFragments, Rendered, Values};

/// After how many seconds a visitor may try again when no back end answers.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// What an error template may use.
#[derive(Serialize)]
struct ErrorValues<'a> {
    status: u16,
    reason: &'a str,
    message: &'a str,
    /// In development only.
    cause: Option<&'a str>,
    request_id: &'a str,
    development: bool,
    /// What the variant is called, if it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    /// The words of the built-in page, if it is not in English.
    #[serde(skip)]
    texts: Option<&'static Texts>,
    /// Whether the message is the controller's.
    #[serde(skip)]
    is_of_the_site: bool,
}

/// What an error page stands for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Whose error pages apply.
    pub(super) scope: Scope,
    pub(super) request_id: &'a str,
    pub(super) path: &'a str,
    /// What the variant is called, if it has a name.
    pub(super) variant: Option<&'a str>,
    /// The one of the site's languages that the page is in, if the site names any.
    pub(super) language: Option<&'a str>,
}

impl FrontEnd {
    /// The site's error page for a failure, which the log has under the request's id.
    pub(super) fn error(&self, recipient: Recipient<'_>, failed: Failed) -> Served {
        let Recipient { edition, request, origin, .. } = recipient;
        let Failed { failure, scope, request_id, path, cache } = failed;
        let variant = self.variant_of(request, origin).unwrap_or_else(|cause| {
            let (path, cause) = (&*shown(&path), &*shown_cause(&cause));
            tracing::error!(request_id, path, cause, "the error page has no variant");
            Variant::yes()
        });
        let variant = variant.kind.name();
        let languages = &self.settings.languages;
        let language = variant.and_then(|name| languages.get(name));
        let language = language.or_else(|| languages.preferred(&request.headers));
        let asked = Asked { scope, request_id: &request_id, path: &path, variant, language };
        let (headers, page) = self.error_page(edition, &failure, asked);
        let content = MadeContent::Rendered { content: page.content, contains: page.contains };
        Served::Made { status: failure.status, headers, content, cache }
    }

    /// The headers and the content of the site's error page. The log has the failure under the
    /// request's id.
    pub(super) fn error_page(
        &self,
        edition: &Edition,
        failure: &Failure,
        asked: Asked<'_>,
    ) -> (HeaderMap, Rendered) {
        let Asked { request_id, path, .. } = asked;
        let status = failure.status;
        let cause = failure.cause.as_deref();
        let (code, message, path) = (status.as_u16(), shown(&failure.message), &*shown(path));
        let cause = &*shown_cause(cause.unwrap_or_default());
        match status.is_server_error() {
            // While no back end answers, every request ends here, and the link has said why.
            true if failure.is_known => {
                tracing::debug!(request_id, path, status = code, cause, "{message}");
            }
            true => tracing::error!(request_id, path, status = code, cause, "{message}"),
            false => tracing::info!(request_id, path, status = code, "{message}"),
        }
        let mut headers = failure.headers.clone();
        let (media_type, page) = self.error_body(edition, failure, asked);
        headers.insert(header::CONTENT_TYPE, media_type);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.entry(header::RETRY_AFTER).or_insert(RETRY_AFTER);
        }
        (headers, page)
    }

    /// The error page, and as what it is sent.
    fn error_body(
        &self,
        edition: &Edition,
        failure: &Failure,
        asked: Asked<'_>,
    ) -> (HeaderValue, Rendered) {
        let Asked { scope, request_id, variant, language, .. } = asked;
        let development = self.settings.development;
        let values = ErrorValues {
            status: failure.status.as_u16(),
            reason: failure.status.canonical_reason().unwrap_or("Error"),
            message: &failure.message,
            cause: failure.cause.as_deref().filter(|_| development),
            request_id,
            development,
            variant,
            texts: language.and_then(Texts::of),
            is_of_the_site: failure.keeping.is_some(),
        };
        let template = edition.table.error_template(scope, failure.status);
        let Some(template) = template.filter(|name| edition.templates.contains(name)) else {
            return built_in(&values);
        };
        let rendered = Values::of(&values).map_err(|error| error.to_string()).and_then(|values| {
            let render = || edition.templates.render(template, &values, Rc::new(NoFragments));
            Code::template(template).run(render).map_err(|error| error.to_string())
        });
        match rendered {
            Ok(rendered) => (media_type::of(template), rendered),
            Err(error) => {
                tracing::error!(request_id, template, error, "the error page itself fails");
                built_in(&values)
            }
        }
    }
}

/// The page of a site that has none of its own.
fn built_in(values: &ErrorValues<'_>) -> (HeaderValue, Rendered) {
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
        Some(cause) => format!("<pre style=\"white-space: pre-wrap\">{}</pre>", escape(cause)),
        None => String::new(),
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"{language}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{status} {reason}</title>\n\
         <body style=\"font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; \
         overflow-wrap: anywhere\">\n\
         <h1>{status} {reason}</h1>\n<p>{message}</p>\n{cause}<p><small>{request} {request_id}</small></p>\n"
    );
    let page = Rendered { content: Bytes::from(page).into(), ..Rendered::default() };
    (HeaderValue::from_static("text/html; charset=utf-8"), page)
}

/// The text without what HTML takes for its own.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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
        let pre =
            "<pre style=\"white-space: pre-wrap\">templates/a&lt;b&gt;.html: line 7\n  no `x`";
        assert!(page.contains(pre) && page.contains("overflow-wrap: anywhere\">"), "{page}");
    }
}
