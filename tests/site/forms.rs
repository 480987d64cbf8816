//! Forms with rules: one with a file in it, and one with ranges, steps and groups.

use headwater::prelude::*;

/// The form of a new member.
#[derive(Form)]
pub struct Joining {
    #[form(required, minlength = 3, maxlength = 20)]
    name: String,
    #[form(type = "password", required, minlength = 8)]
    password: String,
    #[form(min = 18)]
    age: Option<u8>,
    #[form(type = "textarea", maxlength = 8)]
    about: String,
    #[form(accept = "image/png", max_size = 100_000)]
    picture: Option<FormFile>,
}

/// A form that browsers and the server must check alike.
#[derive(Form)]
pub struct Dinner {
    #[form(type = "radio", options = &[("pan", "A pan"), ("pot", "A pot")], required, hint = "To cook in.")]
    vessel: String,
    #[form(type = "checkbox", options = &[("nuts", "Nuts"), ("milk", "Milk")], required)]
    contains: Vec<String>,
    #[form(step = 2)]
    guests: Option<i32>,
    #[form(min = 1, step = 2)]
    candles: Option<i32>,
    #[form(min = "0.5", max = 3, step = 0.1)]
    litres: Option<f64>,
    #[form(type = "time")]
    begin: Option<String>,
    #[form(type = "time", min = "21:00", max = "06:00", step = 1800)]
    end: Option<String>,
    #[form(type = "date", min = "2026-03-02", max = "2026-12-31", step = 7)]
    day: Option<String>,
    #[form(type = "datetime-local", step = 900)]
    reminder: Option<String>,
    #[form(type = "month", step = 3)]
    quarter: Option<String>,
    #[form(type = "week", step = 2)]
    week: Option<String>,
}

/// Shows the form, filled in with the values in the query.
#[controller("forms.dinner")]
pub async fn dinner(Query(shown): Query<std::collections::BTreeMap<String, String>>) -> Reply {
    let number = |name: &str| shown.get(name).and_then(|text| text.parse().ok());
    let form = Dinner {
        vessel: "pot".to_owned(),
        contains: vec!["nuts".to_owned()],
        guests: number("guests"),
        candles: number("candles"),
        litres: None,
        begin: shown.get("begin").cloned(),
        end: None,
        day: None,
        reminder: None,
        quarter: None,
        week: None,
    };
    template("dinner.html").with("form", form.filled_form())
}

/// Accepts the form if it conforms to all rules.
#[controller("forms.order")]
pub async fn order(form: Submitted<Dinner>) -> Result<Reply> {
    form.valid(|form| template("dinner.html").with("form", form)).map(|_| text("taken"))
}

fn page(form: FilledForm) -> Reply {
    template("join.html").with("form", form)
}

/// The empty form.
#[controller("forms.show")]
pub async fn show() -> Reply {
    page(Joining::empty_form())
}

/// Shows the accepted values.
#[controller("forms.take")]
pub async fn take(form: Submitted<Joining>) -> Result<Reply> {
    let Joining { name, password, age, about, picture } = form.valid(page)?;
    let picture = picture.map(|file| (file.name().map(str::to_owned), file.content().len()));
    Ok(json(&(name, password.len(), age, about, picture)))
}

/// Returns the requested page number.
#[controller("forms.number")]
pub async fn number(page: PageNumber) -> String {
    page.get().to_string()
}
