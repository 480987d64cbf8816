use cookie::Cookie;
use http::header::SET_COOKIE;

use super::Reply;
use crate::http::{is_cookie_name, is_cookie_value};

impl Reply {
    /// Sets a cookie. Its value is sent without encoding, and [`Cookies`](crate::extract::Cookies) returns the same
    /// text: it must be ASCII without spaces, commas, semicolons, quotation marks, backslashes and control characters
    /// (RFC 6265, section 4.1.1). Encode other text with [`encode_cookie_value`](crate::http::encode_cookie_value)
    /// first. A cookie without a path applies to the whole site. A reply that sets a cookie is never stored in the
    /// cache.
    #[track_caller]
    pub fn cookie(self, cookie: impl Into<Cookie<'static>>) -> Reply {
        let mut cookie = cookie.into();
        if cookie.path().is_none() {
            cookie.set_path("/");
        }
        let attributes = [cookie.path(), cookie.domain()];
        let problem = if !is_cookie_name(cookie.name()) {
            "it is not a name of a cookie"
        } else if !is_cookie_value(cookie.value()) {
            "its value cannot be sent as it is: give it `encode_cookie_value(value)`, and read it \
             with `decode_cookie_value`"
        } else if attributes.into_iter().flatten().any(|value| value.contains(';')) {
            "path and domain hold no semicolon"
        } else {
            return self.append_header(SET_COOKIE, cookie.to_string());
        };
        let mut reply = self;
        reply.fail(format_args!("the cookie `{}`: {problem}", cookie.name()));
        reply
    }

    /// Makes the browser delete a cookie: pass its name if it was set for the whole site, otherwise a [`Cookie`] with
    /// the same path and domain.
    #[track_caller]
    pub fn remove_cookie(self, cookie: impl Into<Cookie<'static>>) -> Reply {
        let mut cookie = cookie.into();
        cookie.make_removal();
        self.cookie(cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cookie, text};

    #[test]
    fn a_cookie_is_sent_without_encoding_and_applies_to_the_whole_site() {
        let reply = text("x").cookie(("name", "Ana%20Maria")).cookie(("__Host-sid", "a=b"));
        let cookies: Vec<_> = reply.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["name=Ana%20Maria; Path=/", "__Host-sid=a=b; Path=/"]);
    }

    #[test]
    fn a_value_that_needs_encoding_is_rejected() {
        for (name, value) in
            [("name", "Ana; Maria"), ("name", " a"), ("name", "é"), ("a b", "c"), ("", "")]
        {
            let reply = text("x").cookie((name, value));
            assert_eq!(reply.status(), 500, "{name}={value}");
            assert!(!reply.headers().contains_key("set-cookie"));
        }
        let cause = format!("{:?}", text("x").cookie(("name", "a b")).content());
        assert!(cause.contains("encode_cookie_value"), "{cause}");
    }

    #[test]
    fn a_removed_cookie_is_expired() {
        let reply = text("x").remove_cookie("session");
        let header = reply.headers()["set-cookie"].to_str().unwrap();
        assert!(header.starts_with("session=; Path=/; Max-Age=0"), "{header}");
    }

    #[test]
    fn a_path_cannot_smuggle_attributes_in() {
        let cookie = Cookie::build(("a", "b")).path("/; Domain=example.com");
        assert_eq!(text("x").cookie(cookie).status(), 500);
    }
}
