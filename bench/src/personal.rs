//! The part of the site that depends on the visitor's session. It is added if the nodes have a secret.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

/// The variable with the secret.
pub(crate) const SECRET: &str = "HEADWATER_SECRET_KEY";

/// Its routes.
pub(crate) const DISPATCH: &str = r#"
[[route]]
path = "/sign-in"
methods = ["POST"]
controller = "sign_in"

[[route]]
path = "/plain"
template = "plain.html"

[[route]]
path = "/of-the-session"
template = "of-the-session.html"

[[route]]
path = "/parts/of-the-session"
template = "part-of-the-session.html"
cache = "no_cache"

[[route]]
path = "/of-the-user"
template = "of-the-user.html"

[[route]]
path = "/parts/of-the-user"
controller = "part_of_the_user"
session = "user"
"#;

/// The templates of the pages: one without a part, one with a part over the session, one with a part of each user.
pub(crate) fn templates(page: impl Fn(&str) -> String) -> [(&'static str, String); 4] {
    let with = |url: &str| page(&format!("{{{{ part(url=\"{url}\") }}}}"));
    [
        ("plain.html", page("<p>Signed in as <b>Ada Lovelace</b>.</p>")),
        ("of-the-session.html", with("/parts/of-the-session")),
        ("part-of-the-session.html", "<p>Signed in as <b>{{ session.name }}</b>.</p>".to_owned()),
        ("of-the-user.html", with("/parts/of-the-user")),
    ]
}

/// Adds the sessions and their controllers to the site.
pub(crate) fn added_to(app: App) -> App {
    app.session::<Account>("/sign-in").controllers(controllers![sign_in, part_of_the_user])
}

#[derive(Clone, Serialize, Deserialize, Session)]
struct Account {
    #[session(user)]
    id: u64,
    name: String,
}

#[controller("sign_in")]
async fn sign_in() -> Reply {
    redirect_to("/plain").sign_in(&Account { id: 7, name: "Ada Lovelace".to_owned() })
}

#[controller("part_of_the_user")]
async fn part_of_the_user(user: Option<SessionUser<u64>>) -> Reply {
    let name = user.map_or("a guest", |_| "Ada Lovelace");
    html(format!("<p>Signed in as <b>{name}</b>.</p>"))
}
