//! Responses as hyper writes them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf, Bytes};
use http::header::{self, HeaderMap};
use http::{Method, Response, StatusCode, Version};
use tokio::io::AsyncWrite;

use crate::body::Body;
use crate::http::prepared::{Prepared, is_of_connection, write_line};

/// A response on its way out.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    head: Vec<u8>,
    /// How much of the head is out.
    sent: usize,
    /// Whether the head has a date already.
    dated: bool,
    /// What of the body is not yet out.
    body: VecDeque<Bytes>,
}

/// How many pieces are written at once.
const PIECES: usize = 16;

impl Outgoing {
    /// Begins with the response to a request of this method, as hyper would write it.
    ///
    /// # Errors
    /// The response, and nothing is begun, where hyper would do something else than write it down: the
    /// body is not at hand, or there is one where none may be, a length is told where there is none, or
    /// several are, a header is about the connection, or the response is not a final one of HTTP/1.1.
    pub(super) fn begin(
        &mut self,
        method: &Method,
        response: Response<Body>,
    ) -> Result<(), Response<Body>> {
        let (parts, body) = response.into_parts();
        let body = match body.into_pieces() {
            Ok(body) => body,
            Err(body) => return Err(Response::from_parts(parts, body)),
        };
        let has_none = matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let is_head = *method == Method::HEAD;
        let is_empty = body.is_empty() && !is_head && !has_none;
        let told = self.write_head(parts.status, &parts.headers, is_empty);
        let is_simple = match told {
            None => false,
            Some(_) if is_empty => true,
            Some(0) => body.is_empty() || !(is_head || has_none),
            Some(1) => !has_none && is_head == body.is_empty(),
            Some(_) => false,
        };
        if !is_simple || parts.status.is_informational() || parts.version != Version::HTTP_11 {
            self.head.clear();
            return Err(Response::from_parts(parts, Body::pieces(body)));
        }
        // Hyper writes a length that is not told at the end, and that of nothing always there.
        let is_untold = is_empty || (told == Some(0) && !body.is_empty());
        self.write_end(is_untold.then(|| body.iter().map(Bytes::len).sum()), 0);
        self.body = body;
        Ok(())
    }

    /// Begins with an answer that was there before: as the response that it stands for.
    pub(super) fn begin_prepared(&mut self, prepared: impl Prepared) {
        self.begin_head(prepared.status());
        prepared.write_headers(&mut self.head);
        self.write_end(None, prepared.age());
        let body = prepared.into_body();
        if !body.is_empty() {
            self.body.push_back(body);
        }
    }

    fn begin_head(&mut self, status: StatusCode) {
        let head = &mut self.head;
        (self.sent, self.dated) = (0, false);
        head.clear();
        head.extend_from_slice(b"HTTP/1.1 ");
        head.extend_from_slice(status.as_str().as_bytes());
        head.push(b' ');
        // A reason must be there, as many clients expect it.
        head.extend_from_slice(status.canonical_reason().unwrap_or("<none>").as_bytes());
        head.extend_from_slice(b"\r\n");
    }

    /// Writes the head but for its end, and without the length where there is no content. Returns how
    /// often it tells one, `None` if it is a head for hyper.
    fn write_head(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        is_empty: bool,
    ) -> Option<usize> {
        self.begin_head(status);
        let head = &mut self.head;
        let mut lengths = 0;
        for (name, value) in headers {
            match *name {
                header::CONTENT_LENGTH if is_empty => continue,
                header::CONTENT_LENGTH => lengths += 1,
                header::DATE => self.dated = true,
                _ if is_of_connection(name) => {
                    head.clear();
                    return None;
                }
                _ => {}
            }
            write_line(head, name, value.as_bytes());
        }
        Some(lengths)
    }

    /// Writes the end of the head, with the length if that is still to be told, and the date of so many
    /// seconds ago if there is none.
    fn write_end(&mut self, length: Option<usize>, age: u64) {
        let head = &mut self.head;
        if let Some(length) = length {
            head.extend_from_slice(b"content-length: ");
            head.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        if !self.dated {
            head.extend_from_slice(b"date: ");
            DATES.with_borrow_mut(|dates| {
                head.extend_from_slice(dates.of(SystemTime::now(), Duration::from_secs(age)));
            });
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
    }

    /// Writes until all is out. Ready at once if there is nothing.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.sent < self.head.len() || !self.body.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            slices[0] = IoSlice::new(&self.head[self.sent..]);
            for (slice, piece) in slices[1..].iter_mut().zip(&self.body) {
                *slice = IoSlice::new(piece);
            }
            let count = PIECES.min(1 + self.body.len());
            let stream = Pin::new(&mut *stream);
            let written = ready!(stream.poll_write_vectored(context, &slices[..count]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, written: usize) {
        let of_head = written.min(self.head.len() - self.sent);
        self.sent += of_head;
        let mut left = written - of_head;
        while let Some(piece) = self.body.front_mut() {
            if piece.len() > left {
                piece.advance(left);
                break;
            }
            left -= piece.len();
            self.body.pop_front();
        }
    }
}

thread_local! {
    static DATES: RefCell<Dates> = RefCell::new(Dates::default());
}

/// Values of `Date`. Nearly all are of the last few seconds, and each is made once.
#[derive(Debug, Default)]
struct Dates([Date; 4]);

#[derive(Debug, Default)]
struct Date {
    text: Vec<u8>,
    second: Duration,
}

impl Dates {
    /// That of so long before the present.
    fn of(&mut self, now: SystemTime, ago: Duration) -> &[u8] {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(ago);
        let second = Duration::from_secs(since.as_secs());
        let date = &mut self.0[second.as_secs() as usize % 4];
        if date.text.is_empty() || second != date.second {
            date.second = second;
            date.text.clear();
            // Writing to memory cannot fail.
            let _ = write!(date.text, "{}", httpdate::HttpDate::from(UNIX_EPOCH + second));
        }
        &date.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_that_of_the_second() {
        let mut dates = Dates::default();
        let mut date = |millis, ago| {
            let now = UNIX_EPOCH + Duration::from_millis(millis);
            String::from_utf8(dates.of(now, Duration::from_secs(ago)).to_vec()).unwrap()
        };
        assert_eq!(date(784_111_777_999, 0), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(784_111_778_000, 0), "Sun, 06 Nov 1994 08:49:38 GMT");
        assert_eq!(date(784_111_778_000, 1), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(784_111_781_500, 4), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(784_111_781_500, 0), "Sun, 06 Nov 1994 08:49:41 GMT");
        assert_eq!(date(500, 1), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    /// Takes so many bytes at a time.
    struct Narrow(Vec<u8>, usize);

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.1);
            self.0.extend_from_slice(&bytes[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let all = slices.iter().flat_map(|slice| slice.iter().copied());
            let taken: Vec<u8> = all.take(self.1).collect();
            self.0.extend_from_slice(&taken);
            Poll::Ready(Ok(taken.len()))
        }
    }

    #[test]
    fn all_is_written_however_little_is_taken_at_a_time() {
        let pieces: Vec<Bytes> =
            (0..40).map(|n| Bytes::from(vec![b'a' + n % 26; n as usize])).collect();
        let whole = pieces.concat();
        for taken in [1, 2, 7, 100, 10_000] {
            let response = Response::builder().header("content-length", whole.len());
            let response = response.body(Body::pieces(pieces.clone())).unwrap();
            let mut outgoing = Outgoing::default();
            outgoing.begin(&Method::GET, response).unwrap();
            let mut narrow = Narrow(Vec::new(), taken);
            let mut context = Context::from_waker(std::task::Waker::noop());
            assert!(outgoing.poll_write(&mut narrow, &mut context).is_ready());
            let end = narrow.0.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
            assert_eq!(&narrow.0[end..], whole);
            assert!(outgoing.poll_write(&mut narrow, &mut context).is_ready());
            assert_eq!(narrow.0.len(), end + whole.len(), "once");
        }
    }
}
