use http::HeaderMap;
use http::header::ACCEPT;

use super::weight::member;

/// Returns whether the client prefers JSON: `Accept` (RFC 9110, section 12.5.1) names a JSON type, and no HTML type
/// with the same or a higher weight.
pub(crate) fn wants_problem(headers: &HeaderMap) -> bool {
    let (mut json, mut html) = (0, 0);
    let members = headers
        .get_all(ACCEPT)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    for (media_type, weight) in members.filter_map(member) {
        let weight = weight.thousandths();
        let is = |known: &str| media_type.eq_ignore_ascii_case(known);
        let suffix = media_type.rsplit_once('+').map_or("", |(_, suffix)| suffix);
        if is("text/html") || is("application/xhtml+xml") {
            html = html.max(weight);
        } else if is("application/json") || suffix.eq_ignore_ascii_case("json") {
            json = json.max(weight);
        }
    }
    json > html
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_client_that_names_json_and_no_html_gets_json() {
        let wants = |accept: &'static str| {
            wants_problem(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]))
        };
        for accept in [
            "application/json",
            "application/problem+json",
            "application/json, text/plain, */*",
            "application/vnd.api+json;q=0.5",
            "text/html;q=0.8, application/json",
            "TEXT/HTML;Q=0.8, Application/JSON;q=0.9",
        ] {
            assert!(wants(accept), "{accept}");
        }
        for accept in [
            "*/*",
            "",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/json, text/html",
            "application/json;q=0",
            "application/json;q=nan",
            "application/json;q=2",
            "image/svg+xml",
        ] {
            assert!(!wants(accept), "{accept}");
        }
        assert!(!wants_problem(&HeaderMap::new()));
    }
}
