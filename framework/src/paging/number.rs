use std::num::NonZeroUsize;

use super::parameter::{parameter, respelled};
use crate::controller::{Error, Result, not_found};
use crate::extract::{FromRequestParts, Need};
use crate::request::RequestParts;

/// The requested page of a list: the query parameter `page`, counted from 1.
///
/// A page has one address: the first page has the one without the parameter, to which `?page=1` is redirected,
/// and `?page=02` is redirected to `?page=2`. A value that is not a number, or 0, is a 404. A cached route
/// names `page` in its `query`, or has the whole query in its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageNumber(NonZeroUsize);

impl PageNumber {
    /// The first page.
    pub const FIRST: PageNumber = PageNumber(NonZeroUsize::MIN);

    /// Returns the page with this number; the first one for 0.
    pub fn new(number: usize) -> PageNumber {
        PageNumber(NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN))
    }

    /// Returns the number.
    pub fn get(self) -> usize {
        self.0.get()
    }
}

impl FromRequestParts for PageNumber {
    type Rejection = Error;
    const NEEDS: &'static [Need] = &[Need::Parameter("page")];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<PageNumber> {
        let Some(text) = parameter(parts, "page")? else { return Ok(PageNumber::FIRST) };
        let number: NonZeroUsize = text.parse().map_err(|_| not_found())?;
        let written = number.to_string();
        if number == NonZeroUsize::MIN {
            return Err(respelled(parts, "page", None).into());
        }
        if written != text {
            return Err(respelled(parts, "page", Some(&written)).into());
        }
        Ok(PageNumber(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    async fn taken(uri: &str) -> Result<usize, (u16, String)> {
        let mut request = Request::builder().uri(uri).build().unwrap();
        let page = PageNumber::from_request_parts(&mut request.parts).await;
        page.map(PageNumber::get).map_err(|error| {
            let reply = crate::reply::Reply::from(error);
            let location = reply.headers().get("location");
            let location = location.map(|it| it.to_str().unwrap().to_owned());
            (reply.status().as_u16(), location.unwrap_or_default())
        })
    }

    #[tokio::test]
    async fn a_page_has_one_address() {
        assert_eq!(taken("/list").await, Ok(1));
        assert_eq!(taken("/list?page=").await, Ok(1));
        assert_eq!(taken("/list?page=2&tag=a").await, Ok(2));
        let redirected = |to: &str| Err((308, to.to_owned()));
        assert_eq!(taken("/list?page=1").await, redirected("/list"));
        assert_eq!(taken("/list?page=1&tag=a%26b").await, redirected("/list?tag=a%26b"));
        assert_eq!(taken("/list?page=%2B02").await, redirected("/list?page=2"));
        for wrong in ["0", "-1", "x", "1.5", "99999999999999999999999", "2&page=3"] {
            let found = taken(&format!("/list?page={wrong}")).await;
            assert_eq!(found, Err((404, String::new())), "{wrong}");
        }
    }

    #[test]
    fn a_cached_route_must_have_the_parameter_in_its_key() {
        let needs = |query: Option<&[&str]>| {
            let request = Request::builder().cached("list", query, &[]).build().unwrap();
            PageNumber::NEEDS[0].check_request(&request.parts.scope).map_err(|it| it.to_string())
        };
        assert_eq!(needs(None), Ok(()));
        assert_eq!(needs(Some(&["page"])), Ok(()));
        let error = needs(Some(&["tag"])).unwrap_err();
        assert!(error.contains(r#"`query = ["tag", "page"]`"#), "{error}");
    }
}
