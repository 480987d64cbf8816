use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::Secret;

/// The time limit for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The size limit of an answer.
const LARGEST_ANSWER: usize = 4 << 20;

/// The size limit of an answer with records of the log, each of which has at most 16 MiB.
const LARGEST_LOG: usize = 128 << 20;

/// The admin port of a node: `http://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AdminPort {
    /// `host:port`
    address: String,
    secret: Option<Secret>,
}

/// The answer of a node.
#[derive(Debug)]
pub(super) struct AdminAnswer {
    /// The status code.
    pub(super) status: StatusCode,
    /// The body.
    pub(super) body: Bytes,
}

/// The reason why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// The address does not accept connections.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(AdminPort, std::io::Error),
    /// The connection is accepted, but no answer arrives in time.
    #[error("{0} has not answered within {1:?}")]
    TimedOut(AdminPort, Duration),
    /// The peer does not speak HTTP, closes the connection, or sends too much.
    #[error("{0} has not answered properly: {1}")]
    Broken(AdminPort, Box<dyn std::error::Error + Send + Sync>),
}

impl AdminPort {
    fn at(address: String) -> AdminPort {
        AdminPort { address, secret: None }
    }

    /// Sets the secret that requests contain.
    pub(super) fn with_secret(self, secret: Option<&Secret>) -> AdminPort {
        AdminPort { secret: secret.cloned(), ..self }
    }

    /// Sends a GET request, and waits up to `patience` for the answer.
    pub(super) async fn get(
        &self,
        path: &str,
        patience: Duration,
    ) -> Result<AdminAnswer, ClientError> {
        self.request(Method::GET, path, Bytes::new(), patience, LARGEST_ANSWER).await
    }

    /// Sends a GET request whose answer may contain records of the log.
    pub(super) async fn get_long(
        &self,
        path: &str,
        patience: Duration,
    ) -> Result<AdminAnswer, ClientError> {
        self.request(Method::GET, path, Bytes::new(), patience, LARGEST_LOG).await
    }

    /// Sends the JSON text `body`, and waits up to `patience` for the answer.
    pub(super) async fn post(
        &self,
        path: &str,
        body: impl Into<Bytes>,
        patience: Duration,
    ) -> Result<AdminAnswer, ClientError> {
        self.request(Method::POST, path, body.into(), patience, LARGEST_ANSWER).await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        patience: Duration,
        largest: usize,
    ) -> Result<AdminAnswer, ClientError> {
        let stream = timeout(CONNECT_TIMEOUT.min(patience), TcpStream::connect(&self.address))
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .map_err(|error| ClientError::Unreachable(self.clone(), error))?;
        match timeout(patience, self.exchange(stream, method, path, body, largest)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(ClientError::Broken(self.clone(), error)),
            Err(_) => Err(ClientError::TimedOut(self.clone(), patience)),
        }
    }

    async fn exchange(
        &self,
        stream: TcpStream,
        method: Method,
        path: &str,
        body: Bytes,
        largest: usize,
    ) -> Result<AdminAnswer, Box<dyn std::error::Error + Send + Sync>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.address)
            .header(CONTENT_TYPE, "application/json");
        if let Some(secret) = &self.secret {
            request = request.header(AUTHORIZATION, format!("Bearer {}", secret.expose()));
        }
        let request = request.body(Full::new(body))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let answer = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = Limited::new(body, largest).collect().await?.to_bytes();
            Ok(AdminAnswer { status: head.status, body })
        };
        // The answer may be complete while the connection is still open, and vice versa.
        let connection = async {
            let _ = connection.await;
            std::future::pending().await
        };
        tokio::select! {
            answer = answer => answer,
            never = connection => never,
        }
    }
}

impl fmt::Display for AdminPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.address)
    }
}

impl From<SocketAddr> for AdminPort {
    /// Returns the admin port at `address`; loopback stands for an address that listens on all interfaces.
    fn from(mut address: SocketAddr) -> AdminPort {
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        AdminPort::at(address.to_string())
    }
}

/// The error for text that is not the address of an admin port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write the address of an admin port, as in http://127.0.0.1:8300")]
pub(super) struct NoNode;

impl FromStr for AdminPort {
    type Err = NoNode;

    fn from_str(text: &str) -> Result<AdminPort, NoNode> {
        let uri: Uri = match text.contains("://") {
            true => text.parse().map_err(|_| NoNode)?,
            false => format!("http://{text}").parse().map_err(|_| NoNode)?,
        };
        let plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/");
        let authority = uri.authority().filter(|authority| {
            plain && uri.query().is_none() && !authority.as_str().contains('@')
        });
        let authority = authority.ok_or(NoNode)?;
        Ok(AdminPort::at(match authority.port_u16() {
            Some(port) => format!("{}:{port}", authority.host()),
            None => format!("{}:80", authority.host()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Starts a node that reads one request, answers with `bytes`, and keeps the connection open. The task returns
    /// the request.
    async fn node(bytes: &'static [u8]) -> (AdminPort, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = AdminPort::from(listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = vec![0; 4096];
            let mut length = 0;
            while !read[..length].ends_with(b"\r\n\r\n") && !read[..length].ends_with(b"}") {
                length += stream.read(&mut read[length..]).await.unwrap();
            }
            stream.write_all(bytes).await.unwrap();
            let _ = stream.read(&mut [0]).await;
            String::from_utf8(read[..length].to_vec()).unwrap()
        });
        (node, task)
    }

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_request_is_answered() {
        let (node, task) = node(b"HTTP/1.1 400 Bad\r\ncontent-length: 2\r\n\r\nno").await;
        let answer = node.post("/invalidate", "{\"groups\":[]}", PATIENCE).await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::BAD_REQUEST, &b"no"[..]));
        let request = task.await.unwrap();
        assert!(request.starts_with("POST /invalidate HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("host: {}", node.address)), "{request}");
        assert!(request.ends_with("{\"groups\":[]}"), "{request}");
    }

    #[tokio::test]
    async fn a_node_that_does_not_answer_is_not_awaited() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = AdminPort::from(listener.local_addr().unwrap());
        let asking = tokio::spawn(async move { node.get("/status", PATIENCE).await });
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 64]).await.unwrap(), 0);
        // From here on only the client's time limit can end the request.
        tokio::time::pause();
        let error = asking.await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::TimedOut(..)), "{error}");
    }

    #[tokio::test]
    async fn a_node_that_is_absent_or_does_not_speak_http_is_reported() {
        let (chatter, _task) = node(b"220 mail\r\n").await;
        let error = chatter.get("/status", PATIENCE).await.unwrap_err();
        assert!(matches!(error, ClientError::Broken(..)), "{error}");

        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let error = AdminPort::from(gone).get("/status", PATIENCE).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable(..)), "{error}");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = AdminPort::from(listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
        });
        let error = node.get("/status", PATIENCE).await.unwrap_err();
        assert!(matches!(error, ClientError::Broken(..)), "{error}");
    }

    #[test]
    fn an_admin_address_is_a_host_and_a_port() {
        for (text, node) in [
            ("http://127.0.0.1:8300", "http://127.0.0.1:8300"),
            ("http://127.0.0.1:8300/", "http://127.0.0.1:8300"),
            ("localhost:8300", "http://localhost:8300"),
            ("http://[::1]:8300", "http://[::1]:8300"),
            ("http://b1.internal", "http://b1.internal:80"),
        ] {
            assert_eq!(text.parse::<AdminPort>().unwrap().to_string(), node);
        }
        for text in ["", "https://b1:1", "http://b1:1/status", "http://u@b1:1", "ftp://b1", "a b:1"]
        {
            assert_eq!(text.parse::<AdminPort>(), Err(NoNode), "{text}");
        }
        assert_eq!(
            AdminPort::from("0.0.0.0:80".parse::<SocketAddr>().unwrap()).address,
            "127.0.0.1:80"
        );
    }
}
