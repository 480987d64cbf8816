use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;

use crate::{Client, Cluster, Node, Response};

impl Client {
    /// Sends a request with these headers and this body.
    ///
    /// # Panics
    /// When there is no answer, or the request is not valid.
    pub async fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a sound request");
        let response = self.send(request).await;
        response.unwrap_or_else(|failed| panic!("{target} at {}: {failed}", self.address()))
    }

    /// Requests a page and returns it, or an error page.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn page(&self, target: &str) -> Response {
        self.ask("GET", target, &[], Bytes::new()).await
    }

    /// Requests a page with these request headers.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn page_with(&self, target: &str, headers: &[(&str, &str)]) -> Response {
        self.ask("GET", target, headers, Bytes::new()).await
    }

    /// Sends a form, its fields already encoded.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn form(&self, target: &str, fields: &str) -> Response {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        self.ask("POST", target, &form, fields.to_owned()).await
    }
}

impl Node {
    /// Returns a visitor.
    ///
    /// # Panics
    /// When it is a back end.
    pub fn visitor(&self) -> Client {
        Client::new(self.http())
    }

    /// Returns an operator.
    pub fn operator(&self) -> Client {
        Client::new(self.admin())
    }
}

impl Cluster {
    /// Returns a visitor of the front end with this number, counted from 0.
    pub fn visitor(&self, frontend: usize) -> Client {
        self.frontends[frontend].visitor()
    }
}
