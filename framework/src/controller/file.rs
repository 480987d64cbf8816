use std::io;
use std::path::Path;

use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LAST_MODIFIED};
use tokio::fs::File;

use super::{Error, Result};
use crate::body::Body;
use crate::files::{FileBody, OpenFile, is_exhaustion};
use crate::http::validators::date;
use crate::media_type;
use crate::reply::{Content, Reply, error};

/// Replies with a file from the disk, which is streamed. Its media type follows from the name's
/// extension.
///
/// The file is opened immediately and read while the reply is sent. Never build the path from a
/// visitor's input: a `..` in it leads anywhere.
///
/// # Errors
/// A 404 if the file does not exist, a 503 if too many files are open, a 500 if it cannot be
/// opened.
pub async fn file(path: impl AsRef<Path>) -> Result {
    let path = path.as_ref();
    let opened = async {
        let file = File::open(path).await?;
        let metadata = file.metadata().await?;
        Ok::<_, io::Error>((OpenFile::new(file.into_std().await)?, metadata))
    };
    let (file, metadata) = opened.await.map_err(|cause| unavailable(path, &cause))?;
    if !metadata.is_file() {
        return Err(unavailable(path, &io::Error::from(io::ErrorKind::NotFound)));
    }
    let length = metadata.len();
    let body = Body::stream(FileBody::whole(file, length));
    let mut reply = Reply::new(StatusCode::OK, Content::Body(body))
        .header(CONTENT_TYPE, media_type::of(path))
        .header(CONTENT_LENGTH, length);
    if let Ok(time) = metadata.modified() {
        reply = reply.header(LAST_MODIFIED, date(time));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;

    #[tokio::test]
    async fn a_file_is_streamed_with_type_and_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let page = "x".repeat((200 << 10) + 1);
        std::fs::write(&path, &page).unwrap();
        let reply = file(&path).await.unwrap();
        assert_eq!(reply.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(reply.headers()["content-length"], page.len().to_string().as_str());
        let Content::Body(body) = reply.into_parts().content else { panic!() };
        assert_eq!(body.collect(u64::MAX).await.unwrap(), page);
    }

    #[tokio::test]
    async fn a_missing_file_is_a_404() {
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
