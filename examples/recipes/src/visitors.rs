//! Visitors: signing in and out, and the variant of a page that a visitor is shown.

use headwater::prelude::*;

use crate::changes::Author;

/// The site's variant function. Pages for cooks greet them in a part and have no field for the name; guests share pages
/// without parts. A request with `x-fresh: 1` is answered with a new page that is not cached, which tests compare with
/// cached pages.
pub fn variant(visitor: &Visitor<'_>) -> Variant {
    let is_cook = visitor.session::<Author>().is_some();
    let variant = if is_cook { Variant::named("cook") } else { Variant::yes() };
    if visitor.header("x-fresh") == Some("1") { variant.uncached() } else { variant }
}

#[controller("visitors.sign_in")]
pub async fn sign_in(form: Submitted<Author>) -> Result {
    let cook = form.valid(|form| template!("sign_in.html").with("form", form))?;
    Ok(redirect_to("/").sign_in(&cook).flash("notice", "welcome", &cook))
}

/// Signs a visitor out: all copies of the session become invalid.
#[controller("visitors.sign_out")]
pub async fn sign_out(cook: Session<Author>) -> Result {
    Ok(redirect_to("/").sign_out(cook.end().await?).flash("notice", "signed-out", ()))
}
