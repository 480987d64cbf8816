//! Fields that several forms share.

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

#[test]
fn the_fields_of_a_group_stand_where_the_group_does() {
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
