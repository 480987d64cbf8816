use std::fmt;

use http::{HeaderName, HeaderValue};

use super::Reply;

impl Reply {
    /// Sets a header, and replaces its previous values.
    ///
    /// Text is checked when it is set: a name or value that HTTP does not allow makes the reply an error. Values of the
    /// types [`HeaderName`] and [`HeaderValue`], and numbers as values, are always valid; constants of these types are
    /// checked when the site is compiled.
    ///
    /// ```
    /// use headwater::prelude::*;
    /// use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
    ///
    /// const OWN_SCRIPTS: HeaderValue = HeaderValue::from_static("script-src 'self'");
    ///
    /// let page = html("<p>Hello").header(CONTENT_SECURITY_POLICY, OWN_SCRIPTS);
    /// # assert_eq!(page.status(), 200);
    /// ```
    #[track_caller]
    pub fn header<N, V>(mut self, name: N, value: V) -> Reply
    where
        N: TryInto<HeaderName, Error: fmt::Display>,
        V: TryInto<HeaderValue, Error: fmt::Display>,
    {
        if let Some((name, value)) = self.checked(name, value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Adds a header beside those of the same name. The errors are those of [`header`](Reply::header).
    #[track_caller]
    pub fn append_header<N, V>(mut self, name: N, value: V) -> Reply
    where
        N: TryInto<HeaderName, Error: fmt::Display>,
        V: TryInto<HeaderValue, Error: fmt::Display>,
    {
        if let Some((name, value)) = self.checked(name, value) {
            self.headers.append(name, value);
        }
        self
    }

    #[track_caller]
    fn checked<N, V>(&mut self, name: N, value: V) -> Option<(HeaderName, HeaderValue)>
    where
        N: TryInto<HeaderName, Error: fmt::Display>,
        V: TryInto<HeaderValue, Error: fmt::Display>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => return Some((name, value)),
            (Ok(name), Err(error)) => self.fail(format_args!("the header `{name}`: {error}")),
            (Err(error), _) => self.fail(format_args!("the name of a header: {error}")),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::cause_of;
    use super::super::text;

    #[test]
    fn a_header_replaces_and_an_appended_one_is_added() {
        let reply = text("x").header("vary", "a").header("vary", "b").append_header("vary", "c");
        let values: Vec<_> = reply.headers().get_all("vary").iter().collect();
        assert_eq!(values, ["b", "c"]);
    }

    #[test]
    fn an_invalid_header_becomes_a_500_that_names_it() {
        let reply = text("x").header("x-title", "a\r\nset-cookie: b=c");
        assert_eq!(reply.status(), 500);
        assert!(cause_of(&reply).contains("`x-title`"), "{reply:?}");
        assert_eq!(text("x").header("not a name", "a").status(), 500);
    }
}
