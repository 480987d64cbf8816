use proptest::prelude::*;

use crate::prelude::*;

#[derive(Debug, Form)]
struct Story {
    #[form(required, minlength = 3, maxlength = 8)]
    title: String,
    #[form(required, type = "textarea", maxlength = 5)]
    body: String,
    #[form(type = "email")]
    email: Option<String>,
    #[form(type = "url")]
    link: Option<String>,
    #[form(pattern = r"[a-z]{2}\d", title = "two letters and a digit")]
    code: Option<String>,
    #[form(min = 1, max = 5)]
    stars: Option<u8>,
    #[form(min = -1, step = 0.1)]
    price: Option<f64>,
    #[form(type = "date", min = "2026-01-01", max = "2026-12-31")]
    day: Option<String>,
    #[form(type = "time", min = "09:00")]
    time: Option<String>,
    #[form(type = "color")]
    colour: Option<String>,
    #[form(options = &[("a", "A"), ("b", "B")])]
    letter: Option<String>,
    #[form(type = "checkbox", options = &[("x", "X"), ("y", "Y")])]
    marks: Vec<String>,
    #[form(label = "I have read the rules")]
    agreed: bool,
    #[form(type = "password", minlength = 4, trim = true)]
    password: String,
    year: Option<i16>,
}

impl Story {
    fn check(&self, errors: &mut Errors) {
        if self.title == self.body {
            errors.add("body", "The text must say more than the title.");
        }
        if self.marks.len() == 2 {
            errors.add_to_form(t!("too-many-marks", marks = 2));
        }
    }
}

/// Returns the errors of a story that is valid except for these fields, in the order of the fields.
fn wrong(fields: &[(&str, &str)]) -> Vec<(&'static str, &'static str)> {
    let story = sent(fields);
    let mut wrong = Vec::new();
    for field in Story::spec().fields() {
        wrong.extend(story.errors().of(field.name()).map(|error| (field.name(), error.code())));
    }
    assert_eq!(story.value().is_none(), !story.errors().is_empty());
    wrong
}

fn sent(fields: &[(&str, &str)]) -> Submitted<Story> {
    let mut all = vec![("title", "Rain"), ("body", "Wet.")];
    all.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    all.extend(fields);
    Submitted::of(&all)
}

#[test]
fn each_rule_has_the_code_of_the_browser() {
    assert_eq!(wrong(&[]), []);
    for (field, text, code) in [
        ("title", "", "valueMissing"),
        ("title", " \t ", "valueMissing"),
        ("title", "ab", "tooShort"),
        ("title", "abcdefghi", "tooLong"),
        ("email", "ana", "typeMismatch"),
        ("link", "javascript:alert(1)", "typeMismatch"),
        ("code", "abc", "patternMismatch"),
        ("code", "xab1", "patternMismatch"),
        ("code", "ab\u{663}", "patternMismatch"),
        ("stars", "0", "rangeUnderflow"),
        ("stars", "6", "rangeOverflow"),
        ("stars", "1.5", "stepMismatch"),
        ("stars", "many", "badInput"),
        ("price", "0.25", "stepMismatch"),
        ("price", "-1.1", "rangeUnderflow"),
        ("price", "NaN", "badInput"),
        ("day", "2025-12-31", "rangeUnderflow"),
        ("day", "2027-01-01", "rangeOverflow"),
        ("day", "2026-02-30", "badInput"),
        ("time", "08:59", "rangeUnderflow"),
        ("time", "09:00:00.001", "stepMismatch"),
        ("colour", "red", "badInput"),
        ("letter", "c", "badInput"),
        ("marks", "z", "badInput"),
        ("password", "abc", "tooShort"),
        ("year", "99999", "badInput"),
    ] {
        assert_eq!(wrong(&[(field, text)]), [(field, code)], "{text}");
    }
    for (field, text) in [
        ("code", "ab1"),
        ("stars", "5"),
        ("stars", "5.0"),
        ("stars", "50e-1"),
        ("price", "0.7"),
        ("price", "123456.7"),
        ("day", "2026-02-28"),
        ("time", "09:00"),
        ("letter", "b"),
        ("marks", "x"),
        ("year", "-44"),
    ] {
        assert_eq!(wrong(&[(field, text)]), [], "{field}={text}");
    }
}

#[test]
fn all_errors_are_found_at_once() {
    let found = wrong(&[("title", ""), ("body", ""), ("email", "x"), ("stars", "9"), ("day", "x")]);
    let fields: Vec<_> = found.into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["title", "body", "email", "stars", "day"]);
}

#[test]
fn lengths_are_counted_as_a_browser_counts_them() {
    // UTF-16 code units: an emoji has two, and so does a letter with a combining accent.
    assert_eq!(wrong(&[("title", "😀😀😀😀")]), []);
    assert_eq!(wrong(&[("title", "😀😀😀😀a")]), [("title", "tooLong")]);
    assert_eq!(wrong(&[("title", "😀a")]), []);
    assert_eq!(wrong(&[("title", "ÄÖÜÄÖÜÄÖ")]), []);
    // A line break of a textarea is sent as two bytes but counts as one character.
    assert_eq!(wrong(&[("body", "a\r\nb\rc")]), []);
    assert_eq!(sent(&[("body", "a\r\nb\rc")]).value().unwrap().body, "a\nb\nc");
    assert_eq!(wrong(&[("body", "a\r\nb\r\ncd")]), [("body", "tooLong")]);
}

#[test]
fn a_line_has_no_line_breaks_and_no_space_around_it() {
    let story = sent(&[("title", " Ra\r\nin "), ("email", " a@b "), ("password", " a b ")]);
    let story = story.value().unwrap();
    assert_eq!((&*story.title, story.email.as_deref()), ("Rain", Some("a@b")));
    assert_eq!(story.password, " a b ");
}

#[test]
fn an_empty_optional_field_is_none_regardless_of_its_rules() {
    let empty = ["email", "link", "code", "stars", "price", "day", "time", "colour", "letter"];
    let fields: Vec<_> = empty.iter().map(|name| (*name, "")).collect();
    let story = sent(&fields);
    let story = story.value().unwrap();
    assert!(story.email.is_none() && story.stars.is_none() && story.day.is_none());
    assert!(story.letter.is_none() && story.marks.is_empty() && !story.agreed);
    assert_eq!(story.password, "");
    let story = sent(&[]);
    assert!(story.value().unwrap().stars.is_none());
}

#[test]
fn boxes_are_ticked_or_not() {
    assert!(sent(&[("agreed", "on")]).value().unwrap().agreed);
    assert!(!sent(&[("agreed", "false")]).value().unwrap().agreed);
    assert_eq!(sent(&[("marks", "y"), ("marks", "x")]).errors().len(), 1);
    assert_eq!(sent(&[("marks", "y")]).value().unwrap().marks, ["y"]);
    #[derive(Form)]
    struct Rules {
        #[form(required)]
        agreed: bool,
    }
    for fields in [&[][..], &[("agreed", "")], &[("agreed", "false")]] {
        let rules = Submitted::<Rules>::of(fields);
        let found: Vec<_> = rules.errors().of("agreed").map(FormError::code).collect();
        assert_eq!(found, ["valueMissing"]);
    }
    assert!(Submitted::<Rules>::of(&[("agreed", "on")]).value().unwrap().agreed);
}

#[test]
fn several_values_of_a_single_field_are_an_error() {
    assert_eq!(wrong(&[("title", "Rain"), ("title", "Snow")]), [("title", "badInput")]);
    assert_eq!(wrong(&[("agreed", "on"), ("agreed", "on")]), [("agreed", "badInput")]);
}

#[test]
fn own_rules_are_checked_after_all_others() {
    assert_eq!(wrong(&[("title", "Wet."), ("body", "Wet.")]), [("body", "customError")]);
    // Own rules are skipped: a missing title is not compared.
    assert_eq!(wrong(&[("title", ""), ("body", "")]).len(), 2);
    let story = sent(&[("marks", "x"), ("marks", "y")]);
    assert!(story.value().is_none());
    assert_eq!(story.errors().len(), 1);
}

#[test]
fn omitted_bounds_and_types_are_checked_too() {
    #[derive(Form)]
    struct Sound {
        #[form(type = "range")]
        volume: u8,
        channels: Vec<u8>,
        #[form(options = &[("true", "Yes"), ("false", "No")])]
        muted: Option<bool>,
    }
    let sound = |fields: &[(&str, &str)]| Submitted::<Sound>::of(fields);
    assert_eq!(sound(&[("volume", "101")]).errors().len(), 1);
    let form =
        sound(&[("volume", "100"), ("channels", "1"), ("channels", "2"), ("muted", "false")]);
    let value = form.value().unwrap();
    assert_eq!((value.volume, &*value.channels, value.muted), (100, &[1, 2][..], Some(false)));
    assert_eq!(sound(&[("volume", "1")]).value().unwrap().muted, None);
    assert_eq!(sound(&[("volume", "1"), ("channels", "300")]).errors().len(), 1);
}

#[test]
fn a_field_whose_type_has_no_empty_value_is_required() {
    #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Soup,
        Salad,
    }
    #[derive(Debug, Form)]
    struct Dish {
        kind: Kind,
        portions: u32,
    }
    let dish = Submitted::<Dish>::of(&[("kind", ""), ("portions", "")]);
    let codes: Vec<_> = ["kind", "portions"]
        .iter()
        .flat_map(|name| dish.errors().of(name).map(FormError::code))
        .collect();
    assert_eq!(codes, ["valueMissing", "valueMissing"]);
    let dish = Submitted::<Dish>::of(&[("kind", "salad"), ("portions", "4")]);
    let dish = dish.value().unwrap();
    assert_eq!((&dish.kind, dish.portions), (&Kind::Salad, 4));
    let dish = Submitted::<Dish>::of(&[("kind", "cake"), ("portions", "-4")]);
    let found = |name: &str| dish.errors().of(name).map(FormError::code).collect::<Vec<_>>();
    assert_eq!((found("kind"), found("portions")), (vec!["badInput"], vec!["rangeUnderflow"]));
}

#[test]
fn errors_say_what_to_do() {
    let said = |field: &str, text: &str| {
        sent(&[(field, text)]).errors().of(field).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(said("title", ""), ["Please fill in this field."]);
    assert_eq!(said("title", "ab"), ["Please use 3 characters at least; there are 2."]);
    assert_eq!(
        said("code", "x"),
        ["This does not have the required format: two letters and a digit."]
    );
    assert_eq!(said("stars", "1.5"), ["This must be a whole number."]);
    let story = sent(&[("title", "ab")]);
    let error = story.errors().of("title").next().unwrap();
    assert_eq!(error.message(), t!("form-too-short", min = 3, length = 2));
}

#[test]
fn a_pattern_that_is_too_large_is_an_error_of_the_start() {
    #[derive(Form)]
    struct Vast {
        #[form(name = "code", pattern = r"((a{1000}){1000}){1000}")]
        _code: String,
    }
    let wrong = Vast::spec().wrong().unwrap();
    assert!(wrong.contains("`code`"), "{wrong}");
    assert_eq!(Story::spec().wrong(), None);
}

proptest! {
    #[test]
    fn any_submission_is_accepted_or_refused(
        fields in proptest::collection::vec(
            (
                proptest::sample::select(vec![
                    "title", "body", "email", "link", "code", "stars", "price", "day", "time", "colour", "letter",
                    "marks", "agreed", "password", "year", "other",
                ]),
                "\\PC*|[-+0-9.e:T\r\n ]*|.*",
            ),
            0..12,
        ),
    ) {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let story = Submitted::<Story>::of(&fields);
        if let Some(story) = story.value() {
            let length = story.title.encode_utf16().count();
            prop_assert!((3..=8).contains(&length));
            prop_assert!(story.stars.is_none_or(|stars| (1..=5).contains(&stars)));
            // An accepted story is accepted again from the values of its own form.
            let page = serde_json::to_value(story.filled_form()).unwrap();
            let texts: Vec<(String, String)> = Story::spec().fields.iter().flat_map(|field| {
                let values = page["fields"][field.name()]["values"].as_array().unwrap().clone();
                values.into_iter().map(|value| (field.name().to_owned(), value.as_str().unwrap().to_owned()))
            }).collect();
            let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (&**name, &**text)).collect();
            let again = Submitted::<Story>::of(&texts);
            prop_assert_eq!(&again.value().unwrap().title, &story.title);
            prop_assert_eq!(again.value().unwrap().price, story.price);
        }
    }
}
