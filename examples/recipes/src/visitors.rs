//! Who visits: signing in and out, and which version of a page a visitor is shown.

use headwater::prelude::*;

use crate::changes::Author;

/// The site's variant function. Pages for cooks greet them by a part, and ask for no names; guests share pages without parts. A
/// request with `x-fresh: 1` is answered by a page that is made anew and not kept, which tests compare with those in the caches.
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

/// Signs a visitor out: no copy of the session is honoured any more.
#[controller("visitors.sign_out")]
pub async fn sign_out(cook: Session<Author>) -> Result {
    Ok(redirect_to("/").sign_out(cook.end().await?).flash("notice", "signed-out", ()))
}
