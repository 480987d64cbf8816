//! A minimal client of HTTP/1.1 for known servers: one request at a time, answers with a length or
//! in chunks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Result;

/// The longest head that is read, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;

/// The fields of an answer's head that are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// The length of the head with the empty line at its end, in bytes.
    pub(crate) length: usize,
    /// The length of the body, in bytes.
    pub(crate) content_length: usize,
}

impl Head {
    /// Parses a head. Returns `None` when it is incomplete.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Head>> {
        let Some(length) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else {
            return match bytes.len() > HEAD_LIMIT {
                true => Err("the head of an answer is too long".into()),
                false => Ok(None),
            };
        };
        let head = &bytes[..length + 2];
        let status = head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| number(rest.get(..3)?));
        let status = status.ok_or("an answer is not HTTP/1.1")?;
        let mut content_length = None;
        for line in lines(head).skip(1) {
            const NAME: &[u8] = b"content-length:";
            if line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
                content_length = number(line[NAME.len()..].trim_ascii());
            }
        }
        Ok(Some(Head {
            status: u16::try_from(status)?,
            length: length + 4,
            content_length: match status {
                // A 304 never has a body (RFC 9112, section 6.3).
                304 => 0,
                _ => content_length.ok_or("an answer declares no length")?,
            },
        }))
    }

    /// Returns the length of the whole answer, in bytes.
    pub(crate) fn total(&self) -> usize {
        self.length + self.content_length
    }
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn number(digits: &[u8]) -> Option<usize> {
    str::from_utf8(digits).ok()?.parse().ok()
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    /// Head and body.
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[self.head.length..self.head.total()]
    }

    /// Returns the header fields that are text.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        lines(&self.bytes[..self.head.length]).skip(1).filter_map(|line| {
            let (name, value) = str::from_utf8(line).ok()?.split_once(':')?;
            Some((name, value.trim()))
        })
    }

    /// Returns the first header with this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the answer's `Cache-Status`.
    pub(crate) fn cache_status(&self) -> &str {
        self.header("cache-status").unwrap_or_default()
    }
}

/// A connection for one request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Connection> {
        Connection::patient(address, Duration::from_secs(20))
    }

    /// Opens a connection on which an answer may take up to `patience`.
    pub(crate) fn patient(address: SocketAddr, patience: Duration) -> Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        Ok(Connection { stream })
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Answer> {
        self.get_with(path, "")
    }

    /// Sends a request with further lines in its head, each with its line end.
    pub(crate) fn get_with(&mut self, path: &str, headers: &str) -> Result<Answer> {
        self.ask(&get(path, headers))
    }

    pub(crate) fn post(&mut self, path: &str, content_type: &str, body: &str) -> Result<Answer> {
        self.ask(&post(path, content_type, body))
    }

    /// Sends a complete request and waits for the answer. The chunks of a chunked answer are
    /// joined.
    pub(crate) fn ask(&mut self, request: &str) -> Result<Answer> {
        self.stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::with_capacity(16 * 1024);
        let mut piece = [0; 16 * 1024];
        loop {
            let read = self.stream.read(&mut piece)?;
            bytes.extend_from_slice(&piece[..read]);
            if is_chunked(&bytes) {
                match without_chunks(&bytes)? {
                    Some(answer) => return Ok(answer),
                    None if read == 0 => return Err("an answer has broken off".into()),
                    None => continue,
                }
            }
            match Head::parse(&bytes)? {
                Some(head) if bytes.len() == head.total() => return Ok(Answer { head, bytes }),
                Some(head) if bytes.len() > head.total() => {
                    return Err("an answer is longer than its declared length".into());
                }
                _ if read == 0 => return Err("an answer has broken off".into()),
                _ => {}
            }
        }
    }
}

/// Returns whether the head is complete and declares a chunked body.
fn is_chunked(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let mut head = lines(&bytes[..end]);
    head.any(|line| line.eq_ignore_ascii_case(b"transfer-encoding: chunked"))
}

/// Joins the chunks of an answer (RFC 9112, section 7.1), if all of them have arrived.
fn without_chunks(bytes: &[u8]) -> Result<Option<Answer>> {
    let end = |bytes: &[u8]| bytes.windows(2).position(|end| end == b"\r\n");
    let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let (mut body, mut rest) = (Vec::new(), &bytes[head + 4..]);
    loop {
        let Some(line) = end(rest) else { return Ok(None) };
        let size = str::from_utf8(&rest[..line])?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)?;
        let Some(chunk) = rest.get(line + 2..line + 2 + size + 2) else { return Ok(None) };
        body.extend_from_slice(&chunk[..size]);
        rest = &rest[line + 2 + size + 2..];
        if size == 0 {
            break;
        }
    }
    let mut whole = bytes[..head + 2].to_vec();
    whole.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    whole.append(&mut body);
    let head = Head::parse(&whole)?.ok_or("an answer has no end of its head")?;
    Ok(Some(Answer { head, bytes: whole }))
}

/// Builds a GET request for `path`, with further lines in its head.
pub(crate) fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n")
}

/// Builds a request that posts `body` to `path`.
pub(crate) fn post(path: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Status: headwater; hit\r\n\r\nok";

    #[test]
    fn a_head_is_parsed_when_it_is_complete() {
        let whole = ANSWER.len() - 2;
        assert!((0..whole).all(|length| Head::parse(&ANSWER[..length]).unwrap().is_none()));
        let head = Head::parse(ANSWER).unwrap().unwrap();
        assert_eq!(head, Head { status: 200, length: whole, content_length: 2 });
    }

    #[test]
    fn unsupported_answers_are_refused() {
        let endless = vec![b'x'; HEAD_LIMIT + 1];
        for bytes in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"220 mail\r\n\r\n", &endless] {
            assert!(Head::parse(bytes).is_err());
        }
    }

    #[test]
    fn chunks_are_joined() {
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3;x\r\nay!\r\n0\r\n\r\n";
        assert!(is_chunked(chunked) && !is_chunked(ANSWER));
        let whole = without_chunks(chunked).unwrap().unwrap();
        assert_eq!(whole.body(), b"okay!");
        for length in 0..chunked.len() {
            assert!(without_chunks(&chunked[..length]).unwrap().is_none(), "{length}");
        }
        assert!(without_chunks(b"HTTP/1.1 200 OK\r\n\r\nz\r\n").is_err());
    }

    #[test]
    fn headers_are_found_whatever_their_case() {
        let head = Head::parse(ANSWER).unwrap().unwrap();
        let answer = Answer { head, bytes: ANSWER.to_vec() };
        assert_eq!((answer.cache_status(), answer.body()), ("headwater; hit", &b"ok"[..]));
    }
}
