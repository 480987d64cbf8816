//! Groups of fields that several forms share.

use crate::prelude::*;

#[derive(Debug, PartialEq, Form)]
struct Author {
    #[form(required, maxlength = 5)]
    author: String,
    #[form(type = "checkbox")]
    shown: bool,
}

impl Author {
    fn check(&self, errors: &mut Errors) {
        if self.author == "none" {
            errors.add("author", "Please give a name.");
        }
    }
}

#[derive(Debug, PartialEq, Form)]
#[form(id = "comment")]
struct Comment {
    #[form(maxlength = 3)]
    title: String,
    #[form(group)]
    by: Author,
    #[form(required, type = "textarea")]
    body: String,
    #[form(group)]
    place: Place,
}

#[derive(Debug, PartialEq, Form)]
struct Place {
    #[form(pattern = "[a-z]+")]
    town: Option<String>,
}

fn submitted(author: &str, town: &str) -> Submitted<Comment> {
    Submitted::of(&[("title", "No"), ("author", author), ("body", "Wet."), ("town", town)])
}

#[derive(Clone, Serialize, Deserialize, Session)]
struct Account {
    #[session(user)]
    name: String,
}

/// Submits the form, signed in under a name or as a guest.
async fn sent(user: Option<&str>, body: &'static str) -> Submitted<Comment> {
    let form = "application/x-www-form-urlencoded";
    let request = Request::builder().method("POST").header("content-type", form).body(body);
    let request = match user {
        Some(name) => request.session(&Account { name: name.to_owned() }),
        None => request,
    };
    Submitted::from_request(request.build().unwrap()).await.unwrap()
}

#[tokio::test]
async fn the_signed_in_user_replaces_the_submitted_value() {
    for body in ["body=Wet.", "body=Wet.&author=Bo", "author=&body=Wet.&author=Bo&author=Cy"] {
        let form = sent(Some("Ada"), body).await.with_user("author");
        assert_eq!(form.value().unwrap().by.author, "Ada", "{body}");
    }
    // The name is checked, and other errors stay.
    let form = sent(Some("Adalbert"), "author=Bo&title=Noon&body=").await.with_user("author");
    let wrong: Vec<_> = ["title", "author", "body"].map(|it| form.errors().of(it).count()).into();
    assert_eq!(wrong, [1, 1, 1]);
    // A guest's form stays unchanged, and so does one whose controller does not call `with_user`.
    assert_eq!(
        sent(None, "body=Wet.&author=Bo").await.with_user("author").value().unwrap().by.author,
        "Bo"
    );
    assert_eq!(sent(None, "body=Wet.").await.with_user("author").errors().len(), 1);
    assert_eq!(sent(Some("Ada"), "body=Wet.&author=Bo").await.value().unwrap().by.author, "Bo");
}

#[test]
fn a_form_is_filled_from_the_fields_of_a_row() {
    #[derive(Serialize)]
    struct Row {
        author: &'static str,
        shown: bool,
        title: [&'static str; 2],
        body: Option<&'static str>,
        number: u64,
    }
    let row = Row { author: "Ada", shown: true, title: ["a", "b"], body: None, number: 7 };
    let form = serde_json::to_value(Comment::form_of(&row)).unwrap();
    let value = |name: &str| form["fields"][name]["value"].as_str().unwrap().to_owned();
    assert_eq!(["author", "title", "body", "town"].map(value), ["Ada", "a, b", "", ""]);
    assert_eq!(form["fields"]["shown"]["is_checked"], true);
    assert!(serde_json::to_value(Comment::form_of(&7)).is_err());
}

#[test]
fn the_fields_of_a_group_are_at_the_position_of_the_group() {
    let names: Vec<_> = Comment::spec().fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["title", "author", "shown", "body", "town"]);
}

#[test]
fn a_form_with_groups_is_read_and_filled_again() {
    let comment = submitted("Ada", "york").valid(|_| text("")).unwrap();
    let by = Author { author: "Ada".to_owned(), shown: false };
    let place = Place { town: Some("york".to_owned()) };
    let expected = Comment { title: "No".to_owned(), by, body: "Wet.".to_owned(), place };
    assert_eq!(comment, expected);
    let form = serde_json::to_value(comment.filled_form()).unwrap();
    for (name, value) in [("title", "No"), ("author", "Ada"), ("body", "Wet."), ("town", "york")] {
        assert_eq!(form["fields"][name]["value"], value, "{name}");
        assert_eq!(form["fields"][name]["id"], format!("comment-{name}"));
    }
}

#[test]
fn the_rules_of_a_group_hold_in_each_form_that_has_it() {
    let codes = |author, town| {
        let form = submitted(author, town);
        let of =
            |name| form.errors().of(name).map(|error| error.code()).collect::<Vec<_>>().join("+");
        (of("author"), of("town"), form.errors().len())
    };
    assert_eq!(codes("", "york"), ("valueMissing".to_owned(), String::new(), 1));
    assert_eq!(codes("Ada Lovelace", "1"), ("tooLong".to_owned(), "patternMismatch".to_owned(), 2));
}

#[test]
fn a_group_has_rules_of_its_own() {
    #[derive(Form)]
    struct Kept {
        #[form(group)]
        by: Author,
    }
    let wrong = |author: &str| Submitted::<Kept>::of(&[("author", author)]).errors().len();
    assert_eq!((wrong("Ada"), wrong("none")), (0, 1));
    drop(Kept { by: Author { author: String::new(), shown: false } }.by);
}

#[test]
fn a_name_that_two_groups_have_is_found_at_the_start() {
    #[derive(Form)]
    struct Twice {
        #[form(group)]
        by: Author,
        author: String,
    }
    let wrong = Twice::spec().wrong().unwrap_or_default();
    assert_eq!(wrong, "two fields of a form have the name `author`");
    drop(Twice { by: Author { author: String::new(), shown: false }, author: String::new() }.by);
}
