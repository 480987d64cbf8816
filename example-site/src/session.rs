//! Signing in and out, and the pages of a signed-in reader.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::site::{Comment, Site};

/// A visitor who has signed in, under a name of their choice.
#[derive(Clone, Serialize, Deserialize, Session)]
pub struct Reader {
    /// Shown in the corner of each page.
    #[session(user)]
    pub name: String,
}

/// The classes of visitors. Each page is cached once for each class: the guests' version has no part, so it is kept in
/// every content coding; the readers' version has the badge as a part.
#[derive(Variant)]
pub enum Audience {
    /// Has not signed in, or requests a page that is the same for all.
    Guest,
    /// Has signed in.
    Reader,
}

/// The site's variant function.
pub fn audience(visitor: &Visitor<'_>) -> Audience {
    match visitor.session::<Reader>() {
        Some(_) if !visitor.uri().path().starts_with("/api/") => Audience::Reader,
        _ => Audience::Guest,
    }
}

/// The form for signing in.
#[derive(Form)]
pub struct SignIn {
    #[form(
        required,
        maxlength = 60,
        label = "what-is-your-name",
        hint = "name-hint",
        autocomplete = "nickname"
    )]
    name: String,
    /// The page that required a session.
    #[form(type = "hidden", label = "sign-in")]
    back: Option<String>,
}

/// The page that redirected the visitor to the form.
#[derive(Serialize, Deserialize)]
pub struct Origin {
    back: Option<String>,
}

/// The sign-in page.
#[controller("session.form")]
pub async fn form(Query(Origin { back }): Query<Origin>) -> Reply {
    let form = SignIn { name: String::new(), back }.filled_form();
    template!("session.html").with("form", form)
}

/// Signs a visitor in: the browser sends the session with all following requests.
#[controller("session.open")]
pub async fn open(form: Submitted<SignIn>) -> Result<Reply> {
    let SignIn { name, back } = form.valid(|form| template!("session.html").with("form", form))?;
    let reply = redirect_back(back.unwrap_or_default(), "/");
    Ok(reply.sign_in(&Reader { name: name.clone() }).flash("notice", "welcome", Reader { name }))
}

/// Signs a visitor out: all copies of the session become invalid.
#[controller("session.close")]
pub async fn close(reader: Session<Reader>) -> Result<Reply> {
    Ok(redirect_to("/").sign_out(reader.end().await?).flash("notice", "signed-out", ()))
}

/// The page with a reader's comments.
#[controller("session.me")]
pub async fn me(reader: Session<Reader>, site: Data<Site>) -> Reply {
    let comments = site.comments.of(Comment::BY_AUTHOR, &reader.name).reversed().all();
    template!("me.html").with("comments", comments)
}

/// The badge of a reader: a part of all pages, which is cached for each reader until they write the next comment.
#[controller("session.badge")]
pub async fn badge(reader: Option<SessionUser<String>>, site: Data<Site>) -> Reply {
    let name = reader.map(|SessionUser(name)| name);
    let written = name.as_ref().map(|name| site.comments.of(Comment::BY_AUTHOR, name).count());
    template!("parts/badge.html").with("name", name).with("written", written)
}
