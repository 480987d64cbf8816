//! Large requests and replies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use headwater::prelude::*;
use http_body_util::BodyExt;
use hyper::body::Frame;

/// The content of a download: this line of 64 bytes, repeated.
const LINE: &[u8; 64] = b"All work and no play makes Jack a dull boy, said the water mill\n";

/// The size of the pieces of a download, in bytes.
const PIECE: usize = 64 << 10;

/// Reads a body piece by piece without keeping it, and returns its length and a checksum.
#[controller("bodies.upload")]
pub(crate) async fn upload(mut body: Body) -> Reply {
    let (mut length, mut sum) = (0_u64, 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return error_of_body(&error),
        };
        let Ok(piece) = frame.into_data() else { continue };
        length += piece.len() as u64;
        sum = piece.iter().fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    }
    text(format!("{length} {sum}"))
}

fn error_of_body(error: &impl std::fmt::Display) -> Reply {
    text(error.to_string()).with_status(400)
}

/// Reads a body as a whole and returns its length.
#[controller("bodies.read")]
pub(crate) async fn read(body: Bytes) -> Reply {
    text(body.len().to_string())
}

/// Sends this number of MiB, piece by piece.
#[controller("bodies.download")]
pub(crate) async fn download(Path(mebibytes): Path<u64>) -> Reply {
    Body::stream(Download { left: mebibytes << 20, piece: LINE.repeat(PIECE / LINE.len()).into() })
        .into_reply()
}

/// Sends this number of KiB, on a cached route.
#[controller("bodies.filled")]
pub(crate) async fn filled(Path(kibibytes): Path<usize>) -> Reply {
    bytes("text/plain", LINE.repeat((kibibytes << 10) / LINE.len()))
}

struct Download {
    left: u64,
    piece: Bytes,
}

impl hyper::body::Body for Download {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let length = self.left.min(self.piece.len() as u64);
        self.left -= length;
        let piece = self.piece.slice(..usize::try_from(length).unwrap_or(usize::MAX));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}
