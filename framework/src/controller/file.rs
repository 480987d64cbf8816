use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LAST_MODIFIED};
use http_body::{Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, Take};
use tokio_util::io::ReaderStream;

use super::{Error, Result};
use crate::body::Body;
use crate::http::files::{OpenPlace, is_exhaustion};
use crate::media_type;
use crate::reply::{Content, Reply, error};

/// How much is read from the disk at a time, in bytes.
const PIECE: usize = 64 << 10;

/// A file from the disk, streamed. Its media type follows from the name's extension.
///
/// The file is opened now and read while the reply is sent. Never make the path of what a visitor
/// sends: a `..` in it leads anywhere.
///
/// # Errors
/// A 404 when there is no such file, a 503 when too many files are open, a 500 when it cannot be
/// opened.
pub async fn file(path: impl AsRef<Path>) -> Result {
    let path = path.as_ref();
    let opened = async {
        let place = OpenPlace::take()?;
        let file = File::open(path).await?;
        let metadata = file.metadata().await?;
        Ok::<_, io::Error>((file, metadata, place))
    };
    let (file, metadata, place) = opened.await.map_err(|cause| unavailable(path, &cause))?;
    if !metadata.is_file() {
        return Err(unavailable(path, &io::Error::from(io::ErrorKind::NotFound)));
    }
    let length = metadata.len();
    let pieces = FileBody { rest: length, pieces: stream_of(file, length), _place: place };
    let mut reply = Reply::new(StatusCode::OK, Content::Body(Body::stream(pieces)))
        .header(CONTENT_TYPE, media_type::of(path))
        .header(CONTENT_LENGTH, length);
    if let Ok(time) = metadata.modified() {
        reply = reply.header(LAST_MODIFIED, httpdate::fmt_http_date(time));
    }
    Ok(reply)
}

fn unavailable(path: &Path, cause: &io::Error) -> Error {
    let status = match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StatusCode::NOT_FOUND,
        _ if is_exhaustion(cause) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Error::from(error(status).cause(format_args!("the file {}: {cause}", path.display())))
}

fn stream_of(file: File, length: u64) -> ReaderStream<Take<File>> {
    ReaderStream::with_capacity(file.take(length), PIECE)
}

/// A file's content, of the length that was promised in the headers.
struct FileBody {
    rest: u64,
    pieces: ReaderStream<Take<File>>,
    _place: OpenPlace,
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = ready!(Pin::new(&mut self.pieces).poll_next(context));
        Poll::Ready(match piece {
            Some(Ok(bytes)) => {
                self.rest = self.rest.saturating_sub(bytes.len() as u64);
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => Some(Err(error)),
            None if self.rest > 0 => {
                self.rest = 0;
                let message = "the file became shorter while it was sent";
                Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, message)))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;

    #[tokio::test]
    async fn a_file_is_streamed_with_type_and_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let page = "x".repeat(3 * PIECE + 1);
        std::fs::write(&path, &page).unwrap();
        let reply = file(&path).await.unwrap();
        assert_eq!(reply.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(reply.headers()["content-length"], page.len().to_string().as_str());
        let Content::Body(body) = reply.into_parts().content else { panic!() };
        assert_eq!(body.collect(u64::MAX).await.unwrap(), page);
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_a_404() {
        let folder = tempfile::tempdir().unwrap();
        let missing = file(folder.path().join("none.txt")).await.unwrap_err();
        assert_eq!(missing.into_reply().status(), 404);
        assert_eq!(file(folder.path()).await.unwrap_err().into_reply().status(), 404);
    }

    #[tokio::test]
    async fn a_file_that_is_cut_while_it_is_sent_breaks_the_body() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        std::fs::write(&path, "twelve bytes").unwrap();
        let reply = file(&path).await.unwrap();
        std::fs::write(&path, "five").unwrap();
        let Content::Body(body) = reply.into_parts().content else { panic!() };
        assert!(body.collect(u64::MAX).await.is_err());
    }
}
