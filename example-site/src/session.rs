//! Signing in, and choosing a language: what the site remembers of a visitor, in two cookies.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::field::{self, Problems};
use crate::reader::LANGUAGES;

/// What the form for signing in sends.
#[derive(Serialize, Deserialize)]
pub struct SignIn {
    #[serde(default)]
    name: String,
}

/// What the switch at the foot of each page sends.
#[derive(Deserialize)]
pub struct Choice {
    language: String,
}

/// Signs a visitor in: from now on the browser sends the name with each request.
#[controller("session.open")]
pub async fn open(scheme: Scheme, Form(entered): Form<SignIn>) -> Result<Reply> {
    let mut problems = Problems::new();
    let name = field::NAME.read(&entered.name, &mut problems);
    if !problems.is_empty() {
        return Ok(template!("session.html")
            .with("draft", entered)
            .with("problems", problems)
            .with_status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let session = Cookie::build(("session", encode_cookie_value(&name)))
        .http_only(true)
        .same_site(SameSite::Lax);
    Ok(redirect_to("/").cookie(session.secure(scheme == Scheme::Https)))
}

/// Signs a visitor out.
#[controller("session.close")]
pub async fn close() -> Reply {
    redirect_to("/").remove_cookie("session")
}

/// Sets the language of the interface, and leads back to the page on which it was chosen.
#[controller("session.language")]
pub async fn language(headers: Headers, Form(choice): Form<Choice>) -> Result<Reply> {
    let language = LANGUAGES.into_iter().find(|known| *known == choice.language);
    let language = language.ok_or_else(|| bad_request("The site has no such language."))?;
    let page = headers.get("referer")?.and_then(|url| path_of(url.to_str().ok()?));
    let cookie = Cookie::build(("language", language)).same_site(SameSite::Lax).permanent();
    Ok(redirect_to(page.unwrap_or_else(|| "/".to_owned())).cookie(cookie))
}

/// Path and query of a URL, which never lead to another site.
fn path_of(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    let path = url.path_and_query()?.as_str().trim_start_matches(['/', '\\']);
    Some(format!("/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_chosen_without_leaving_the_site() {
        let path = |url: &str| path_of(url).unwrap_or_default();
        assert_eq!(path("https://weir.example/list?page=2"), "/list?page=2");
        assert_eq!(path("https://weir.example"), "/");
        assert_eq!(path("https://evil.example//evil.example/"), "/evil.example/");
        assert_eq!(path("no address"), "");
    }
}
