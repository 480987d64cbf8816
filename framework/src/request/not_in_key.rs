use std::fmt;

use super::RequestScope;
use crate::http::names::SESSION_USER;

/// A controller asked for a value of the request that its answer must not depend on: the route caches, and the value
/// is not in the cache key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotInKey {
    route: String,
    query: Option<Vec<String>>,
    vary: Vec<String>,
    asked: Asked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Header(String),
    Parameter(&'static str),
    AllHeaders,
    Cookies,
    RequestId,
    Remote,
    Session,
    SessionUser,
    Form,
    Changes,
    Texts,
}

impl NotInKey {
    pub(crate) fn check_header(scope: &RequestScope, name: &str) -> Result<(), NotInKey> {
        match scope {
            RequestScope::Key { vary, .. } if !names(vary, name) => {
                NotInKey::refuse(scope, Asked::Header(name.to_ascii_lowercase()))
            }
            RequestScope::Full | RequestScope::Key { .. } => Ok(()),
        }
    }

    pub(crate) fn check_parameter(
        scope: &RequestScope,
        name: &'static str,
    ) -> Result<(), NotInKey> {
        match scope {
            RequestScope::Key { query: Some(query), .. } if !query.iter().any(|it| it == name) => {
                NotInKey::refuse(scope, Asked::Parameter(name))
            }
            RequestScope::Full | RequestScope::Key { .. } => Ok(()),
        }
    }

    pub(crate) fn check_cookies(scope: &RequestScope) -> Result<(), NotInKey> {
        match scope {
            RequestScope::Key { vary, .. } if names(vary, "cookie") => Ok(()),
            RequestScope::Full | RequestScope::Key { .. } => {
                NotInKey::refuse(scope, Asked::Cookies)
            }
        }
    }

    pub(crate) fn check_all_headers(scope: &RequestScope) -> Result<(), NotInKey> {
        NotInKey::refuse(scope, Asked::AllHeaders)
    }

    pub(crate) fn check_request_id(scope: &RequestScope) -> Result<(), NotInKey> {
        NotInKey::refuse(scope, Asked::RequestId)
    }

    pub(crate) fn check_remote(scope: &RequestScope) -> Result<(), NotInKey> {
        NotInKey::refuse(scope, Asked::Remote)
    }

    pub(crate) fn check_session(scope: &RequestScope) -> Result<(), NotInKey> {
        NotInKey::refuse(scope, Asked::Session)
    }

    pub(crate) fn check_session_user(scope: &RequestScope) -> Result<(), NotInKey> {
        match scope {
            RequestScope::Key { vary, .. } if names(vary, SESSION_USER.as_str()) => Ok(()),
            _ => NotInKey::refuse(scope, Asked::SessionUser),
        }
    }

    pub(crate) fn check_form(scope: &RequestScope) -> Result<(), NotInKey> {
        NotInKey::refuse(scope, Asked::Form)
    }

    pub(crate) fn check_changes(scope: &RequestScope) -> Result<(), NotInKey> {
        NotInKey::refuse(scope, Asked::Changes)
    }

    pub(crate) fn check_texts(scope: &RequestScope) -> Result<(), NotInKey> {
        NotInKey::refuse(scope, Asked::Texts)
    }

    /// Fails unless the controller may see the whole request.
    fn refuse(scope: &RequestScope, asked: Asked) -> Result<(), NotInKey> {
        match scope {
            RequestScope::Full => Ok(()),
            RequestScope::Key { route, query, vary } => {
                let (route, query, vary) = (route.clone(), query.clone(), vary.clone());
                Err(NotInKey { route, query, vary, asked })
            }
        }
    }
}

fn names(vary: &[String], name: &str) -> bool {
    vary.iter().any(|declared| declared.eq_ignore_ascii_case(name))
}

impl fmt::Display for NotInKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let route = &self.route;
        f.write_str("the controller asked for ")?;
        match &self.asked {
            Asked::Header(name) => write!(f, "the header `{name}`")?,
            Asked::Parameter(name) => write!(f, "the query parameter `{name}`")?,
            Asked::AllHeaders => f.write_str("all headers")?,
            Asked::Cookies => f.write_str("the cookies")?,
            Asked::RequestId => f.write_str("the request's id")?,
            Asked::Remote => f.write_str("the visitor's address")?,
            Asked::Session => f.write_str("the visitor's session")?,
            Asked::SessionUser => f.write_str("the user of the visitor's session")?,
            Asked::Form => f.write_str("a form, which reads a value in any spelling")?,
            Asked::Changes => f.write_str("data that it can change")?,
            Asked::Texts => {
                f.write_str("the site's texts, which it has as they were when its node started")?
            }
        }
        write!(
            f,
            ", but the route `{route}` caches its answer for all visitors, so the answer may depend \
             only on what is in the cache key; "
        )?;
        match &self.asked {
            Asked::Form => {
                f.write_str("take `Query` instead, which has one spelling for a value, or ")?;
            }
            Asked::Changes => f.write_str("take `Data` instead of `DataMut`, or ")?,
            Asked::Texts => {
                f.write_str("hand `t!(…)` to the template and write `t(message=…)` there, or ")?;
            }
            Asked::Session => f.write_str(
                "move the visitor's own content to a part of the page with a route of its own, or ",
            )?,
            _ => {}
        }
        f.write_str("in dispatch.conf, give the route ")?;
        match &self.asked {
            Asked::Header(name) => {
                let declared: Vec<&str> =
                    self.vary.iter().map(String::as_str).chain([name.as_str()]).collect();
                write!(f, "`vary = {declared:?}` to cache an answer for each value, or ")?;
            }
            Asked::Parameter(name) => {
                let declared = self.query.iter().flatten().map(String::as_str);
                let declared: Vec<&str> = declared.chain([*name]).collect();
                write!(f, "`query = {declared:?}` to cache an answer for each value, or ")?;
            }
            Asked::AllHeaders => {
                f.write_str(
                    "`vary = […]` with the headers that are needed and take them one by one with \
                     `Headers`, or ",
                )?;
            }
            Asked::SessionUser => {
                f.write_str("`session = \"user\"`, for a page of each user, or ")?
            }
            Asked::Cookies
            | Asked::RequestId
            | Asked::Remote
            | Asked::Session
            | Asked::Form
            | Asked::Changes
            | Asked::Texts => {}
        }
        f.write_str("`cache = \"no_cache\"`")
    }
}

impl std::error::Error for NotInKey {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RequestScope {
        RequestScope::Key {
            route: "story".to_owned(),
            query: None,
            vary: vec!["accept-language".to_owned()],
        }
    }

    #[test]
    fn the_message_contains_the_declaration_to_write() {
        let error = NotInKey::check_cookies(&key()).unwrap_err().to_string();
        assert!(error.contains("route `story`"), "{error}");
        assert!(error.ends_with("`cache = \"no_cache\"`"), "{error}");
        let error = NotInKey::check_header(&key(), "DNT").unwrap_err().to_string();
        assert!(error.contains(r#"`vary = ["accept-language", "dnt"]`"#), "{error}");
    }

    #[test]
    fn a_declared_header_is_permitted() {
        assert_eq!(NotInKey::check_header(&key(), "Accept-Language"), Ok(()));
        assert_eq!(NotInKey::check_header(&RequestScope::Full, "dnt"), Ok(()));
    }
}
