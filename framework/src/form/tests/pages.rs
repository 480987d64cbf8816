use serde_json::{Value, json};

use crate::prelude::*;
use crate::reply::Content;

#[derive(Form)]
#[form(id = "account")]
struct Account {
    #[form(required, maxlength = 20, label = "Your name", autocomplete = "nickname")]
    name: String,
    #[form(name = "password", type = "password", required, minlength = 8)]
    _password: String,
    #[form(min = 18, hint = "Your age in years.")]
    age: Option<u8>,
    #[form(label = "Letters, please")]
    news: bool,
    #[form(options = &[("de", "Deutsch"), ("en", "English")])]
    language: String,
}

fn page(form: FilledForm) -> Reply {
    template("account.html").with("form", form)
}

fn shown(reply: &Reply) -> Value {
    let Content::Template { values, .. } = reply.content() else { panic!("{reply:?}") };
    values.to_json()["form"].clone()
}

#[test]
fn the_empty_form_has_the_attributes_of_its_rules() {
    let form = shown(&page(Account::empty_form()));
    let name = &form["fields"]["name"];
    assert_eq!(
        name["attributes"],
        json!({"required": true, "maxlength": "20", "autocomplete": "nickname"})
    );
    assert_eq!((&name["id"], &name["label"]), (&json!("account-name"), &json!("Your name")));
    assert_eq!(form["fields"]["age"]["attributes"], json!({"min": "18"}));
    assert_eq!(form["fields"]["age"]["type"], "number");
    assert_eq!(form["fields"]["news"]["type"], "checkbox");
    assert_eq!(
        form["fields"]["language"]["options"][0],
        json!({"value": "de", "label": "Deutsch"})
    );
    assert_eq!(form["errors"], json!([]));
    let Value::Object(fields) = &form["fields"] else { panic!() };
    assert_eq!(fields.len(), 5);
}

#[test]
fn a_refused_form_shows_entered_values_except_passwords() {
    let form = Submitted::<Account>::of(&[
        ("name", "<Ana>"),
        ("password", "secret"),
        ("age", "17"),
        ("news", "on"),
        ("language", "de"),
    ]);
    let reply = form.valid(page).map(|_| ()).unwrap_err().into_reply();
    assert_eq!(reply.status(), 422);
    assert_eq!(reply.headers()["cache-control"], "no-store");
    assert_eq!(reply.cache_type(), Some(CacheType::NoCache));
    let form = shown(&reply);
    assert!(!form.to_string().contains("secret"), "{form}");
    let value = |name: &str| form["fields"][name]["value"].clone();
    assert_eq!((value("name"), value("age")), (json!("<Ana>"), json!("17")));
    assert_eq!(form["fields"]["news"]["is_checked"], true);
    let codes = form["errors"].as_array().unwrap().iter().map(|error| error["code"].clone());
    assert_eq!(codes.collect::<Vec<_>>(), ["tooShort", "rangeUnderflow"]);
    assert_eq!(form["errors"][0]["id"], "account-password");
    assert_eq!(form["fields"]["age"]["errors"][0]["arguments"], json!({"min": "18"}));
}

#[test]
fn a_form_can_be_refused_for_a_reason_in_the_data() {
    let mut form =
        Submitted::<Account>::of(&[("name", "Ana"), ("password", "a secret"), ("language", "en")]);
    assert_eq!(form.value().unwrap().name, "Ana");
    form.add_error("name", "This name is taken.");
    assert!(form.value().is_none());
    let reply = form.valid(page).map(|_| ()).unwrap_err().into_reply();
    assert_eq!(shown(&reply)["fields"]["name"]["errors"][0]["key"], "This name is taken.");
    // An error of an unknown field belongs to the form.
    let reply = Account::empty_form().with_error("nmae", "taken").refused(page).into_reply();
    assert_eq!(shown(&reply)["errors"][0]["field"], Value::Null);
}

#[test]
fn an_error_of_the_page_is_returned_unchanged() {
    let form = Submitted::<Account>::of(&[]);
    let reply = form.valid(|_| -> Result<Reply> { Err(not_found()) }).map(|_| ());
    assert_eq!(reply.unwrap_err().status(), 404);
}

#[test]
fn a_form_is_filled_with_existing_data() {
    let (name, _password) = ("Ana".to_owned(), "a secret".to_owned());
    let account = Account { name, _password, age: None, news: true, language: "en".to_owned() };
    let form = shown(&page(account.filled_form()));
    assert_eq!(form["fields"]["name"]["value"], "Ana");
    assert_eq!(form["fields"]["age"]["values"], json!([]));
    assert_eq!(form["fields"]["news"]["is_checked"], true);
    assert_eq!(form["fields"]["language"]["value"], "en");
    assert!(!form.to_string().contains("secret"), "{form}");
}
