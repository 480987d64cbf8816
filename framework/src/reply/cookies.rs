use cookie::Cookie;
use http::header::SET_COOKIE;

use super::Reply;

impl Reply {
    /// Sets a cookie. Its value is percent-encoded, as [`Cookies`](crate::extract::Cookies) reads
    /// it. A cookie without a path counts for the whole site. A reply that sets a cookie is never
    /// stored in the cache.
    #[track_caller]
    pub fn cookie(self, cookie: impl Into<Cookie<'static>>) -> Reply {
        let mut cookie = cookie.into();
        if cookie.path().is_none() {
            cookie.set_path("/");
        }
        let attributes = [cookie.path(), cookie.domain()];
        if attributes.into_iter().flatten().any(|value| value.contains(';')) {
            let mut reply = self;
            reply.fail(format_args!(
                "the cookie `{}`: path and domain hold no semicolon",
                cookie.name()
            ));
            return reply;
        }
        self.append_header(SET_COOKIE, cookie.encoded().to_string())
    }

    /// Makes the browser forget a cookie: by name when it was set for the whole site, otherwise by
    /// a [`Cookie`] with the same path and domain.
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
    fn a_cookie_is_encoded_and_counts_for_the_whole_site() {
        let reply = text("x").cookie(("name", "Ana; Maria")).cookie(("theme", "dark"));
        let cookies: Vec<_> = reply.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["name=Ana%3B%20Maria; Path=/", "theme=dark; Path=/"]);
    }

    #[test]
    fn a_removed_cookie_is_past_its_life() {
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
