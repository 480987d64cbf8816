//! The code of the fuzz targets in `fuzz/`: one module for each target, with a function `run`.
//!
//! Each `run` asserts properties that must hold for any bytes, besides that nothing panics. The committed corpora run
//! as ordinary tests, in `tests/corpora.rs`.

pub mod calls;
pub mod canonical;
pub mod conditions;
pub mod cookies;
pub mod form;
pub mod fragments;
pub mod frames;
pub mod host;
pub mod http1;
pub mod multipart;
pub mod multiplexed;
pub mod negotiation;
pub mod packed;
pub mod patterns;
pub mod proxies;
pub mod scanner;
pub mod spelling;

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;

/// Returns a body that arrives in pieces of `size` bytes.
fn in_pieces(
    data: &[u8],
    size: usize,
) -> StreamBody<impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + use<>> {
    let piece = |piece: &[u8]| Ok(Frame::data(Bytes::copy_from_slice(piece)));
    StreamBody::new(stream::iter(data.chunks(size).map(piece).collect::<Vec<_>>()))
}

/// Splits an input into lines, without their ends.
fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Parses lines of the form `name: value` as headers and ignores others.
fn headers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}
