use http::Uri;
use http::header::REFERER;
use serde::Deserialize;

use super::{Registration, Result, bad_request};
use crate::extract::{Form, FromRequest, Need};
use crate::http::Languages;
use crate::reply::{Cookie, Reply, SameSite, redirect_back};
use crate::request::Request;

/// The name of the controller that sets a visitor's language, for `dispatch.conf`.
pub(crate) const LANGUAGE_CONTROLLER: &str = "headwater.language";

/// The form that is sent to the controller.
#[derive(Deserialize)]
struct Choice {
    language: String,
}

/// Returns the controller that every site with a `language_cookie` has: it sets the cookie to one of the languages, and
/// redirects to the page on which the language was chosen.
pub(crate) fn language_controller(languages: Languages, cookie: String) -> Registration {
    let answer = move |request: Request| choose(request, languages.clone(), cookie.clone());
    Registration::new(LANGUAGE_CONTROLLER, answer).needs(&[Need::Form]).declared()
}

async fn choose(request: Request, languages: Languages, cookie: String) -> Result<Reply> {
    let page = request.parts.header(REFERER.as_str())?;
    let page = page.and_then(|url| url.to_str().ok()?.parse::<Uri>().ok()).unwrap_or_default();
    let Form(Choice { language }) = Form::from_request(request).await?;
    let Some(tag) = languages.get(&language) else {
        return Err(bad_request("This site is not in this language."));
    };
    let cookie = Cookie::build((cookie, tag.to_owned())).same_site(SameSite::Lax).permanent();
    let page = page.path_and_query().map_or("/", |page| page.as_str());
    Ok(redirect_back(page, "/").cookie(cookie))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    async fn chosen(query: &str, referer: &'static str) -> Reply {
        let mut request = Request::builder().uri(format!("/language?{query}")).build().unwrap();
        request.parts.headers.insert(REFERER, referer.parse().unwrap());
        let languages = Languages::new(["en", "pt-BR"]);
        let answer = choose(request, languages, "language".to_owned()).await;
        answer.unwrap_or_else(crate::reply::IntoReply::into_reply)
    }

    #[tokio::test]
    async fn the_cookie_is_set_and_the_visitor_is_redirected_back() {
        let reply = chosen("language=pt-BR", "http://localhost:8000/list?page=2").await;
        assert_eq!(reply.headers()["location"], "/list?page=2");
        let cookie = reply.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("language=pt-BR; ") && cookie.contains("Path=/"), "{cookie}");
        for referer in ["", "about:blank", "https://elsewhere.example//host/path"] {
            assert_eq!(
                chosen("language=en", referer).await.headers()["location"],
                "/",
                "{referer}"
            );
        }
    }

    #[tokio::test]
    async fn a_language_that_the_site_does_not_have_is_refused() {
        for query in ["language=fr", "language=pt", "language=", "language=en;%20Path"] {
            let reply = chosen(query, "").await;
            assert_eq!(reply.status(), StatusCode::BAD_REQUEST, "{query}");
            assert!(!reply.headers().contains_key("set-cookie"), "{query}");
        }
    }
}
