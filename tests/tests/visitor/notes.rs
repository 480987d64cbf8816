//! A site of notes for the tests of visitors.

use headwater::prelude::*;
use headwater::test::Site;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Row)]
pub struct Note {
    #[row(key)]
    pub id: u64,
    pub title: String,
    pub kind: String,
    /// When it was written, in milliseconds since 1970.
    pub written: u64,
}

#[derive(Clone, Default, State)]
pub struct Notes {
    pub notes: Table<Note>,
    /// Reads of it are not recorded, and no page names a group for it.
    pub forgotten: Plain<u64>,
}

#[derive(Serialize, Deserialize)]
pub enum Update {
    Write { title: String, kind: String },
    Forget,
}

impl Updates for Notes {
    type Update = Update;
    type Output = u64;
    type Refusal = Violation;

    fn apply(&mut self, update: Update, at: &mut At) -> Result<u64, Violation> {
        let id = self.notes.read().by_key().count() as u64 + 1;
        match update {
            Update::Write { title, kind } => {
                let written = at.time.duration_since(std::time::UNIX_EPOCH);
                let written = written.unwrap_or_default().as_millis() as u64;
                self.notes.insert(Note { id, title, kind, written })?;
            }
            Update::Forget => *self.forgotten += 1,
        }
        Ok(id)
    }
}

#[derive(Clone, Serialize, Deserialize, Session)]
pub struct Account {
    #[session(user)]
    pub name: String,
}

#[derive(Deserialize)]
struct Draft {
    title: String,
    kind: String,
    #[serde(default)]
    loud: Option<String>,
}

#[controller("notes.list")]
async fn list(notes: Data<Notes>) -> Reply {
    template!("list.html").with("notes", notes.notes.by_key().all())
}

#[controller("notes.show")]
async fn show(Path(id): Path<u64>, notes: Data<Notes>) -> Result<Reply> {
    let note = notes.notes.get(id).or_not_found()?;
    let date = std::time::Duration::from_millis(note.written).as_secs() / 86_400;
    Ok(template!("note.html").with("note", &note).with("day", date))
}

#[controller("notes.forgotten")]
async fn forgotten(notes: Data<Notes>) -> Reply {
    html(format!("<p>{}</p>", *notes.forgotten))
}

#[controller("notes.write")]
async fn write(mut notes: DataMut<Notes>, Form(draft): Form<Draft>) -> Result<Reply> {
    let title = if draft.loud.is_some() { draft.title.to_uppercase() } else { draft.title };
    let id = notes.update(Update::Write { title, kind: draft.kind }).await??;
    Ok(redirect_to(format!("/notes/{id}")))
}

#[controller("notes.picture")]
async fn picture(mut form: Multipart) -> Result<Reply> {
    let mut said = String::new();
    while let Some(field) = form.next_field().await? {
        let (name, file) = (field.name().to_owned(), field.file_name().unwrap_or("-").to_owned());
        let content = field.bytes().await?;
        said += &format!("{name} {file} {}\n", String::from_utf8_lossy(&content));
    }
    Ok(text(said))
}

#[controller("account.show")]
async fn account(account: Session<Account>) -> Reply {
    html(format!("<h1>{}</h1>", account.name))
}

/// A menu with further links for signed-in visitors.
#[controller("account.menu")]
async fn menu(account: Option<Session<Account>>) -> Reply {
    html(
        account
            .map_or("", |_| "<a href=\"/account\">Account</a> <a href=\"/settings\">Settings</a>"),
    )
}

const ROUTES: &str = r#"
[[route]]
path = "/"
controller = "notes.list"
[[route]]
path = "/notes/{id}"
controller = "notes.show"
[[route]]
path = "/notes"
methods = ["POST"]
controller = "notes.write"
[[route]]
path = "/picture"
methods = ["POST"]
controller = "notes.picture"
[[route]]
path = "/new"
template = "new.html"
[[route]]
path = "/forgotten"
controller = "notes.forgotten"
[[route]]
path = "/account"
controller = "account.show"
cache = "no_cache"
[[route]]
path = "/menu"
controller = "account.menu"
cache = "no_cache"
[[route]]
path = "/broken"
template = "broken.html"
vary = ["accept-language"]
"#;

const LIST: &str = r##"<!doctype html><title>Notes</title><h1>Notes</h1>
<ul>{% for note in notes %}<li><a href="/notes/{{ note.id }}">{{ note.title }}</a></li>{% endfor %}</ul>
<p><a href="new#form">Write one</a></p>"##;

const NOTE: &str = r#"<!doctype html><title>{{ note.title }}</title><h1>{{ note.title }}</h1>
<p>{{ note.kind }}, day {{ day }}</p><p><a href="/">All</a> <a href="/menu">Menu</a></p>"#;

const NEW: &str = r#"<!doctype html><title>New</title><h1>New</h1>
<form id="form" method="post" action="/notes"><label for="title">Title</label><input id="title" name="title" required>
<label>Kind <select name="kind"><option value="weather">Weather</option><option value="food">Food</option></select></label>
<label><input type="checkbox" name="loud"> Loud</label><button>Publish</button></form>
<form id="picture" method="post" action="/picture" enctype="multipart/form-data">
<label>Title <input name="title" value="Dot"></label><label>Picture <input type="file" name="picture"></label>
<button>Send</button></form>"#;

const BROKEN: &str = r##"<!doctype html><a href="/">home</a><a href="/nowhere">x</a><a href="/new#there">y</a>
{% if variant == "de" %}<img src="/nirgends.png" alt="">{% endif %}<a href="https://example.org/gone">z</a>"##;

pub fn app() -> App {
    App::new()
        .state::<Notes>()
        .session::<Account>("/sign-in")
        .variant(|visitor| Variant::named(visitor.language()))
        .controllers(controllers![list, show, forgotten, write, picture, account, menu])
}

/// Writes the site's files to a folder. With `broken`, the first page links to a page with broken links.
pub fn folder(broken: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    write("project.toml", "languages = [\"en\", \"de\"]\n");
    write("dispatch.conf", ROUTES);
    let link = if broken { "<a href=\"/broken\">b</a>" } else { "" };
    for (name, text) in [
        ("list.html", format!("{LIST}{link}")),
        ("note.html", NOTE.into()),
        ("new.html", NEW.into()),
    ] {
        write(&format!("templates/{name}"), &text);
    }
    write("templates/broken.html", BROKEN);
    folder
}

/// Starts a single node.
pub fn site() -> Site {
    Site::in_folder(folder(false).path()).of(app())
}
