//! A form with rules, and a file in it.

use headwater::prelude::*;

/// What a new member enters.
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

fn page(form: FilledForm) -> Reply {
    template("join.html").with("form", form)
}

/// The empty form.
#[controller("forms.show")]
pub async fn show() -> Reply {
    page(Joining::empty_form())
}

/// Shows what was taken.
#[controller("forms.take")]
pub async fn take(form: Submitted<Joining>) -> Result<Reply> {
    let Joining { name, password, age, about, picture } = form.valid(page)?;
    let picture = picture.map(|file| (file.name().map(str::to_owned), file.content().len()));
    Ok(json(&(name, password.len(), age, about, picture)))
}

/// Which page of nothing is asked for.
#[controller("forms.number")]
pub async fn number(page: PageNumber) -> String {
    page.get().to_string()
}
