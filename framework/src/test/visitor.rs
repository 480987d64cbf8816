use std::sync::Arc;

use bytes::Bytes;
use cookie::Cookie;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use scraper::Selector;

use super::Page;
use super::address::resolve;
use super::form::{Edit, Submission, kind_of, number, others_of_group, submission, value_of};
use super::label::{button, field, link, selector, words};
use super::links;
use super::nodes::Nodes;
use super::page::parse;
use crate::body::Body;
use crate::session::SessionData;

/// The site's origin, as its visitors see it.
pub(super) const ORIGIN: &str = "https://site.test";
const HOST: &str = "site.test";

/// The longest body of a response, in bytes.
const LONGEST: u64 = 64 << 20;

/// The maximum number of redirects that are followed.
const REDIRECTS: usize = 10;

/// A visitor of a test's site: a browser without scripts and without a cache. It keeps cookies, finds fields by their
/// labels, and sends forms as a browser does. A step that cannot be done panics with a message that shows the page.
///
/// ```no_run
/// # use headwater::prelude::*;
/// # let site = headwater::test::Site::of(App::new());
/// let mut visitor = site.visitor();
/// visitor.open("/submit").fill("Title", "Rain").press("Publish").follow();
/// visitor.page().has("h1", "Rain");
/// ```
pub struct TestVisitor {
    nodes: Arc<Nodes>,
    cookies: Vec<(String, String)>,
    headers: HeaderMap,
    /// The front end that receives all requests, or the number of requests sent so far.
    frontend: Result<usize, usize>,
    page: Option<Page>,
    within: Option<(String, Selector)>,
}

impl TestVisitor {
    pub(super) fn new(nodes: Arc<Nodes>) -> TestVisitor {
        let (cookies, headers) = (Vec::new(), HeaderMap::new());
        TestVisitor { nodes, cookies, headers, frontend: Err(0), page: None, within: None }
    }

    /// Sends all following requests to the front end with this number, counted from 0.
    ///
    /// # Panics
    /// When the site has no front end with this number.
    #[track_caller]
    pub fn on(&mut self, frontend: usize) -> &mut TestVisitor {
        let frontends = self.nodes.frontends();
        assert!(frontend < frontends, "the site has {frontends} front ends, counted from 0");
        self.frontend = Ok(frontend);
        self
    }

    /// Sends this `Accept-Language` header with all following requests.
    #[track_caller]
    pub fn speaks(&mut self, languages: &str) -> &mut TestVisitor {
        self.sends("accept-language", languages)
    }

    /// Sends a header with all following requests.
    ///
    /// # Panics
    /// When the name or the value is not valid in a header.
    #[track_caller]
    pub fn sends(&mut self, name: &str, value: &str) -> &mut TestVisitor {
        let header = name.parse::<HeaderName>().ok().zip(value.parse::<HeaderValue>().ok());
        let (name, value) = header.unwrap_or_else(|| panic!("`{name}: {value}` is not a header"));
        self.headers.insert(name, value);
        self
    }

    /// Gives the visitor a session, as a controller's reply would, without the site's sign-in form.
    ///
    /// # Panics
    /// When the site has no sessions.
    #[track_caller]
    pub fn sign_in<S: SessionData>(&mut self, session: &S) -> &mut TestVisitor {
        let frontend = self.nodes.frontend(0);
        match frontend.frontend().begin_session(session) {
            Ok(headers) => self.take_cookies(&headers),
            Err(error) => panic!("{error}"),
        }
        self
    }

    /// Returns the value of one of the visitor's cookies.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut cookies = self.cookies.iter();
        cookies.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Gives the visitor a cookie.
    pub fn set_cookie(&mut self, name: &str, value: &str) -> &mut TestVisitor {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Opens an address of the site: a path with or without a query. Redirects are followed only by
    /// [`follow`](TestVisitor::follow).
    #[track_caller]
    pub fn open(&mut self, address: &str) -> &mut TestVisitor {
        assert!(
            address.starts_with('/'),
            "`{address}` is not an address of the site: it begins with a slash"
        );
        self.go(Method::GET, address, None)
    }

    /// Opens `/` and every page of the site that can be reached from there over links, in each of the site's languages,
    /// with this visitor's session and other cookies. Returns the opened addresses in sorted order. The visitor's own
    /// page does not change.
    ///
    /// # Panics
    /// When the address of a link, picture, script or style sheet returns an error, or a link's fragment does not exist
    /// in its page. The message lists all of them, with the pages that contain them.
    #[track_caller]
    pub fn check_links(&self) -> Vec<String> {
        let another = || TestVisitor {
            nodes: Arc::clone(&self.nodes),
            cookies: self.cookies.clone(),
            headers: self.headers.clone(),
            frontend: self.frontend,
            page: None,
            within: None,
        };
        let checked = links::check(another, &self.nodes.languages);
        checked.unwrap_or_else(|broken| panic!("{broken}"))
    }

    /// Restricts the search for fields, buttons and links to the first element that matches the CSS selector, on this
    /// page.
    ///
    /// # Panics
    /// When the page has no such element.
    #[track_caller]
    pub fn within(&mut self, selector: &str) -> &mut TestVisitor {
        let parsed = parse(selector);
        if self.page().scope(Some(&parsed)).is_none() {
            self.page().fail(format_args!("there is no `{selector}`"));
        }
        self.within = Some((selector.to_owned(), parsed));
        self
    }

    /// Fills in the field with this label. In a `<select>` it selects the option with this text.
    ///
    /// # Panics
    /// When there is no such field, or more than one.
    #[track_caller]
    pub fn fill(&mut self, label: &str, value: &str) -> &mut TestVisitor {
        let edit = self.on_field(label, |field| match (field.value().name(), &*kind_of(field)) {
            ("input", kind @ ("checkbox" | "radio")) => {
                Err(format!("\"{label}\" is a {kind}, which is checked: `check(\"{label}\")`"))
            }
            ("input", "file") => Err(format!("\"{label}\" takes a file: `attach(\"{label}\", …)`")),
            ("select", _) => {
                let options: Vec<_> = field.select(&selector("option")).collect();
                let found = options.iter().find(|option| words(**option) == value);
                let names = || {
                    options.iter().map(|option| words(*option)).collect::<Vec<_>>().join("\", \"")
                };
                let found = found.ok_or_else(|| {
                    format!("\"{label}\" has no option \"{value}\"; it has \"{}\"", names())
                });
                found.map(|option| Edit::Text(value_of(*option)))
            }
            _ => Ok(Edit::Text(value.to_owned())),
        });
        self.edit(edit)
    }

    /// Checks the checkbox or the radio button with this label.
    ///
    /// # Panics
    /// When there is no such box, or more than one.
    #[track_caller]
    pub fn check(&mut self, label: &str) -> &mut TestVisitor {
        let edit = self.on_field(label, |field| match &*kind_of(field) {
            "checkbox" | "radio" => Ok(Edit::Checked(true)),
            _ => Err(format!("\"{label}\" is neither a checkbox nor a radio button")),
        });
        let page = self.page();
        let scope = page.scope(self.within.as_ref().map(|(_, within)| within));
        let radio = scope.and_then(|scope| field(&page.document, scope, label).ok());
        let others: Vec<_> = match radio.filter(|radio| kind_of(*radio) == "radio") {
            Some(radio) => {
                let others = others_of_group(&page.document, radio);
                others.into_iter().map(|other| number(&page.document, other)).collect()
            }
            None => Vec::new(),
        };
        for other in others {
            self.page_mut().edits.insert(other, Edit::Checked(false));
        }
        self.edit(edit)
    }

    /// Unchecks the checkbox with this label.
    ///
    /// # Panics
    /// When there is no such box, or more than one.
    #[track_caller]
    pub fn uncheck(&mut self, label: &str) -> &mut TestVisitor {
        let edit = self.on_field(label, |field| match &*kind_of(field) {
            "checkbox" => Ok(Edit::Checked(false)),
            _ => Err(format!("\"{label}\" is not a checkbox")),
        });
        self.edit(edit)
    }

    /// Chooses a file for the field with this label.
    ///
    /// # Panics
    /// When there is no such field, or more than one.
    #[track_caller]
    pub fn attach(
        &mut self,
        label: &str,
        name: &str,
        content: impl Into<Bytes>,
    ) -> &mut TestVisitor {
        let media_type = mime_guess::from_path(name).first_or_octet_stream().to_string();
        let (name, content) = (name.to_owned(), content.into());
        let edit = self.on_field(label, |field| match &*kind_of(field) {
            "file" => Ok(Edit::File { name, media_type, content }),
            _ => Err(format!("\"{label}\" is not a file field")),
        });
        self.edit(edit)
    }

    /// Presses the button with this text and sends its form.
    ///
    /// # Panics
    /// When there is no such button, or more than one, or it sends nothing.
    #[track_caller]
    pub fn press(&mut self, name: &str) -> &mut TestVisitor {
        let page = self.page();
        let found = self.scope().and_then(|scope| {
            submission(&page.document, &page.target, button(scope, name)?, &page.edits)
        });
        let sent = found.unwrap_or_else(|error| page.fail(format_args!("{error}")));
        let Submission { method, target, content_type, body } = sent;
        self.go(method, &target, content_type.map(|content_type| (content_type, body)))
    }

    /// Follows the link with this text.
    ///
    /// # Panics
    /// When there is no such link, or more than one, or it leaves the site.
    #[track_caller]
    pub fn click(&mut self, name: &str) -> &mut TestVisitor {
        let page = self.page();
        let target = self.scope().and_then(|scope| {
            let href = link(scope, name)?.attr("href").unwrap_or_default();
            let target = resolve(&page.target, href);
            target.ok_or_else(|| format!("the link \"{name}\" leads out of the site, to {href}"))
        });
        let target = target.unwrap_or_else(|error| page.fail(format_args!("{error}")));
        self.go(Method::GET, &target, None)
    }

    /// Follows the redirect in the last response, and further redirects up to a limit of 10.
    ///
    /// # Panics
    /// When the last response is not a redirect, when a redirect leaves the site or repeats a posted form (307, 308),
    /// or when the limit is reached.
    #[track_caller]
    pub fn follow(&mut self) -> &mut TestVisitor {
        for followed in 0.. {
            let page = self.page();
            let Some(location) = page.location() else {
                if followed == 0 {
                    page.fail(format_args!(
                        "the answer is not a redirect, so there is nothing to follow"
                    ));
                }
                break;
            };
            if followed == REDIRECTS {
                page.fail(format_args!("there are more than {REDIRECTS} redirects"));
            }
            if matches!(
                page.status(),
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
            ) && followed == 0
                && self.was_sent()
            {
                page.fail(format_args!(
                    "the redirect repeats the form at another address (307 or 308), which `follow` does not support"
                ));
            }
            let Some(target) = resolve(&page.target, location) else {
                page.fail(format_args!("the redirect leads out of the site, to {location}"));
            };
            self.go(Method::GET, &target, None);
        }
        self
    }

    /// Sends any request with the visitor's cookies: for requests that neither a link nor a form can send.
    #[track_caller]
    pub fn send(&mut self, request: Request<impl Into<Bytes>>) -> &mut TestVisitor {
        let (parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        self.ask(parts.method, &target, parts.headers, body.into())
    }

    /// Returns the visitor's current page.
    ///
    /// # Panics
    /// When the visitor has opened no page yet.
    #[track_caller]
    pub fn page(&self) -> &Page {
        self.page.as_ref().expect("the visitor has opened no page yet: `open(\"/\")`")
    }

    fn page_mut(&mut self) -> &mut Page {
        self.page.as_mut().expect("a page was looked at")
    }

    /// Whether the last request was a form that was posted.
    fn was_sent(&self) -> bool {
        self.page().posted
    }

    fn scope(&self) -> Result<scraper::ElementRef<'_>, String> {
        match &self.within {
            None => Ok(self.page().document.root_element()),
            Some((text, within)) => {
                self.page().scope(Some(within)).ok_or_else(|| format!("there is no `{text}`"))
            }
        }
    }

    /// Finds the field with this label and returns its number with the edit that `edit` makes for it.
    fn on_field(
        &self,
        label: &str,
        edit: impl FnOnce(scraper::ElementRef<'_>) -> Result<Edit, String>,
    ) -> Result<(usize, Edit), String> {
        let field = field(&self.page().document, self.scope()?, label)?;
        Ok((number(&self.page().document, field), edit(field)?))
    }

    #[track_caller]
    fn edit(&mut self, edit: Result<(usize, Edit), String>) -> &mut TestVisitor {
        match edit {
            Ok((field, edit)) => {
                self.page_mut().edits.insert(field, edit);
                self
            }
            Err(error) => self.page().fail(format_args!("{error}")),
        }
    }

    /// Sends the request of a browser that navigates from the current page to `target`.
    #[track_caller]
    fn go(
        &mut self,
        method: Method,
        target: &str,
        form: Option<(String, Bytes)>,
    ) -> &mut TestVisitor {
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: &str| {
            headers.insert(name, value.parse().expect("the headers of a browser are headers"));
        };
        set(header::ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        let from = self.page.as_ref().map(|page| page.target.as_str());
        set(
            HeaderName::from_static("sec-fetch-site"),
            match from {
                Some(_) => "same-origin",
                None => "none",
            },
        );
        set(HeaderName::from_static("sec-fetch-mode"), "navigate");
        set(HeaderName::from_static("sec-fetch-dest"), "document");
        let (content_type, body) = form.unzip();
        if let Some(content_type) = &content_type {
            set(header::CONTENT_TYPE, content_type);
            set(header::ORIGIN, ORIGIN);
        }
        let target = target.split('#').next().unwrap_or_default();
        self.ask(method, target, headers, body.unwrap_or_default())
    }

    #[track_caller]
    fn ask(
        &mut self,
        method: Method,
        target: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> &mut TestVisitor {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        headers.insert(header::HOST, HeaderValue::from_static(HOST));
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            let value = HeaderValue::try_from(cookies.join("; "));
            headers.insert(header::COOKIE, value.expect("a cookie that can be sent"));
        }
        let posted = !method.is_safe();
        let request = Request::builder().method(method).uri(target).body(Body::from(body));
        let mut request =
            request.unwrap_or_else(|error| panic!("`{target}` is not an address: {error}"));
        *request.headers_mut() = headers;
        let number = match &mut self.frontend {
            Ok(number) => *number,
            Err(sent) => {
                *sent += 1;
                *sent - 1
            }
        };
        let frontend = self.nodes.frontend(number);
        let answer = self.nodes.worker.wait(async move {
            let (parts, body) = frontend.answer(request).await.into_parts();
            (parts.status, parts.headers, body.collect(LONGEST).await)
        });
        let (status, headers, body) = answer;
        let body =
            body.unwrap_or_else(|error| panic!("the answer for {target} broke off: {error}"));
        self.take_cookies(&headers);
        let mut page = Page::new(target.to_owned(), status, headers, body);
        page.posted = posted;
        self.page = Some(page);
        self.within = None;
        self
    }

    fn take_cookies(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let cookie = value.to_str().ok().and_then(|value| Cookie::parse(value).ok());
            let Some(cookie) = cookie else { continue };
            self.cookies.retain(|(name, _)| name != cookie.name());
            if cookie.max_age().is_none_or(|age| age > cookie::time::Duration::ZERO) {
                self.cookies.push((cookie.name().to_owned(), cookie.value().to_owned()));
            }
        }
    }
}
