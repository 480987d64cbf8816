use serde::Serialize;

use super::Reply;
use crate::session::Flash;

impl Reply {
    /// Attaches a message for the page that this redirect leads to: `{{ flash() }}` in its template shows it, once. The
    /// message is stored in a sealed cookie of the visitor, for a minute at most, so the page remains cached for all
    /// other visitors.
    ///
    /// `kind` is the kind of message, `notice` or `error` for example. `key` is the key of a text in the site's
    /// catalogues, which is shown in the visitor's language. If the catalogues do not contain it, `key` is the message
    /// itself, in which `{name}` is replaced by the argument with that name. `arguments` are a struct, a map or `()`.
    /// They may contain input of the visitor: all of them are escaped.
    ///
    /// On a reply that is not a redirect, the reply becomes an error.
    ///
    /// ```
    /// use headwater::prelude::*;
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct Saved {
    ///     title: String,
    /// }
    ///
    /// # fn reply(title: String) -> Reply {
    /// redirect_to("/recipes/rain").flash("notice", "“{title}” is saved.", Saved { title })
    /// # }
    /// ```
    #[track_caller]
    pub fn flash(
        mut self,
        kind: impl Into<String>,
        key: impl Into<String>,
        arguments: impl Serialize,
    ) -> Reply {
        let (kind, key) = (kind.into(), key.into());
        if !self.headers.contains_key(http::header::LOCATION) {
            self.fail(format_args!(
                "`flash(\"{kind}\", \"{key}\", …)` on a reply that is not a redirect: the message is for \
                 the page that a redirect leads to"
            ));
            return self;
        }
        match serde_json::to_value(arguments) {
            Ok(arguments @ (serde_json::Value::Object(_) | serde_json::Value::Null)) => {
                let arguments = arguments.to_string();
                self.flash = Some(Box::new(Flash { kind, key, arguments }));
            }
            Ok(other) => self.fail(format_args!(
                "the arguments of the message `{key}` have no names: {other}; give it a struct, a map or `()`"
            )),
            Err(error) => self.fail(format_args!("the arguments of the message `{key}`: {error}")),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::{redirect_to, text};

    #[test]
    fn a_message_goes_with_a_redirect_and_its_arguments_have_names() {
        let reply = redirect_to("/").flash("notice", "saved", serde_json::json!({ "title": "x" }));
        assert_eq!(reply.into_parts().flash.unwrap().arguments, r#"{"title":"x"}"#);
        assert_eq!(redirect_to("/").flash("notice", "saved", ()).status(), 303);
        assert_eq!(text("x").flash("notice", "saved", ()).status(), 500);
        assert_eq!(redirect_to("/").flash("notice", "saved", [1, 2]).status(), 500);
    }
}
