//! Items that the pages of the guide assume and do not show, or show on an earlier page.

#![allow(missing_docs, unused_imports, dead_code)]

/// The library, of which the chapter shows a part.
pub mod controllers {
    pub use std::process::ExitCode;

    pub use headwater::prelude::*;
    pub use headwater::request::RequestParts;
    pub use serde::{Deserialize, Serialize};

    pub use crate::guide::controllers::{Book, Library, Update};

    #[derive(Serialize, Deserialize)]
    pub struct Draft {
        pub title: String,
    }

    #[controller("books.list")]
    pub async fn list(library: Data<Library>) -> Reply {
        template!("books.html").with("books", library.books.by_key().all())
    }

    #[controller("books.add")]
    pub async fn add(mut library: DataMut<Library>, Form(draft): Form<Draft>) -> Result<Reply> {
        let id = library.update(Update::Add { title: draft.title }).await??;
        Ok(redirect_to(format!("/books/{id}")))
    }

    /// The module of the chapter's controllers.
    pub mod books {
        pub use super::{add, list};
        pub use crate::guide::controllers::{Library, show};
    }

    /// The module of the chapter's steps.
    pub mod steps {
        pub use headwater::prelude::*;

        pub use crate::guide::controllers::{overview, require_token};

        #[controller("admin.user")]
        pub async fn user() -> &'static str {
            "Ali"
        }
    }
}

pub mod auditor {
    pub use std::collections::BTreeMap;
    pub use std::convert::Infallible;

    pub use headwater::prelude::*;
    pub use serde::{Deserialize, Serialize};

    /// The routes of the page.
    pub const ROUTES: &str = r#"[[route]]
path = "/recipes/{slug}"
controller = "recipes.show"
groups = ["recipe:{slug}"]
[[route]]
path = "/tags/{tag}"
controller = "recipes.tag"
groups = ["tag:{tag}"]
[[route]]
path = "/recipes"
methods = ["POST"]
controller = "recipes.save"
"#;
}

pub mod caching {
    pub use super::controllers::*;
}

pub mod changing_data {}

pub mod cluster {}

pub mod data {}

/// People with their portraits.
pub mod files {
    pub use headwater::prelude::*;

    #[derive(Clone, Serialize, Deserialize, Row)]
    pub struct Person {
        #[row(key)]
        pub id: u64,
        pub portrait: Option<String>,
    }

    #[derive(Clone, Default, State)]
    pub struct People {
        pub people: Table<Person>,
    }

    #[derive(Clone, Serialize, Deserialize)]
    pub enum Update {
        Portrait(u64, Option<String>),
    }

    impl Updates for People {
        type Update = Update;
        type Output = Option<String>;
        type Refusal = Violation;

        fn apply(&mut self, update: Update, _: &mut At) -> Result<Option<String>, Violation> {
            let Update::Portrait(id, new) = update;
            self.people.update(id, |person| std::mem::replace(&mut person.portrait, new))
        }
    }
}

pub mod first_steps {}

pub mod forms {
    pub use headwater::prelude::*;
    pub use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize, Row)]
    pub struct Story {
        #[row(key)]
        pub id: u64,
        #[row(unique)]
        pub title: String,
        pub body: String,
    }

    #[derive(Clone, Default, State)]
    pub struct Library {
        pub stories: Table<Story>,
    }

    #[derive(Clone, Serialize, Deserialize)]
    pub enum Update {
        Publish { title: String, body: String },
    }

    impl Updates for Library {
        type Update = Update;
        type Output = u64;
        type Refusal = Violation;

        fn apply(&mut self, update: Update, at: &mut At) -> Result<u64, Violation> {
            let (Update::Publish { title, body }, id) = (update, at.position.0);
            self.stories.insert(Story { id, title, body })?;
            Ok(id)
        }
    }
}

/// The members of the chapter on sessions, and their stories.
pub mod fragments {
    pub use headwater::prelude::*;

    pub use super::sessions::Members;

    #[derive(Clone, Serialize, Deserialize, Session)]
    pub struct Account {
        #[session(user)]
        pub id: u64,
    }

    #[derive(Clone, Serialize, Deserialize, Row)]
    pub struct Story {
        #[row(key)]
        pub slug: String,
        #[row(index)]
        pub author: String,
    }

    #[derive(Clone, Default, State)]
    pub struct Library {
        pub stories: Table<Story>,
    }

    impl Updates for Library {
        type Update = Story;
        type Output = ();
        type Refusal = Violation;

        fn apply(&mut self, story: Story, _: &mut At) -> Result<(), Violation> {
            self.stories.upsert(story)
        }
    }
}

pub mod http {
    pub use headwater::prelude::*;
}

pub mod readme {}

pub mod languages {
    pub use headwater::prelude::*;
    pub use serde::Deserialize;
}

pub mod variants {
    pub use std::process::ExitCode;

    pub use headwater::prelude::*;
}

/// The books of the chapter on controllers.
pub mod testing {
    pub use std::process::ExitCode;

    pub use headwater::prelude::*;

    pub use super::controllers::{Library, Update, books};
}

pub mod tower {
    pub use std::convert::Infallible;
    pub use std::process::ExitCode;
    pub use std::task::{Context, Poll};

    pub use headwater::app::Inner;
    pub use headwater::prelude::*;
    pub use tower_service::Service;
}

pub mod sessions {
    pub use std::process::ExitCode;

    pub use headwater::prelude::*;
    pub use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize, Row)]
    pub struct Member {
        #[row(key)]
        pub id: u64,
        pub name: String,
    }

    #[derive(Clone, Default, State)]
    pub struct Members {
        pub members: Table<Member>,
    }

    impl Updates for Members {
        type Update = Member;
        type Output = ();
        type Refusal = Violation;

        fn apply(&mut self, member: Member, _: &mut At) -> Result<(), Violation> {
            self.members.upsert(member)
        }
    }
}
