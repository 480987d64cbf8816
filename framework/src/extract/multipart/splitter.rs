use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use memchr::memmem::{self, Finder};

use super::MultipartError;
use crate::body::Body;

/// The maximum size of the headers of one field, in bytes.
const HEAD_LIMIT: usize = 16 << 10;

/// Splits a body at its delimiter (RFC 2046, section 5.1). It buffers the last received piece, and
/// of the content before only a possible beginning of a delimiter.
#[derive(Debug)]
pub(super) struct Splitter {
    body: Body,
    held: BytesMut,
    delimiter: Finder<'static>,
    stage: Stage,
}

/// The kind of data at the beginning of `held`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Content, or the preamble before the first field.
    Content,
    /// Data after a delimiter: headers, or the end.
    Head,
    /// The epilogue, which is ignored.
    End,
}

impl Splitter {
    pub(super) fn new(body: Body, boundary: String) -> Splitter {
        let delimiter = Finder::new(&format!("\r\n--{boundary}")).into_owned();
        // The first delimiter may be at the very beginning, without a line break before it.
        let held = BytesMut::from("\r\n");
        Splitter { body, held, delimiter, stage: Stage::Content }
    }

    /// Returns the next piece of the content, `None` at its end.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, MultipartError> {
        if self.stage != Stage::Content {
            return Ok(None);
        }
        loop {
            match self.delimiter.find(&self.held) {
                Some(0) => {
                    self.held.advance(self.delimiter.needle().len());
                    self.stage = Stage::Head;
                    return Ok(None);
                }
                Some(end) => return Ok(Some(self.held.split_to(end).freeze())),
                None => {}
            }
            let certain = self.held.len().saturating_sub(self.delimiter.needle().len() - 1);
            if certain > 0 {
                return Ok(Some(self.held.split_to(certain).freeze()));
            }
            self.receive().await?;
        }
    }

    /// Returns the headers of the next field, `None` after the last one. Must be called at the end
    /// of the content.
    pub(super) async fn head(&mut self) -> Result<Option<Bytes>, MultipartError> {
        if self.stage == Stage::End {
            return Ok(None);
        }
        loop {
            if self.held.starts_with(b"--") {
                self.stage = Stage::End;
                return Ok(None);
            }
            // The line break at the end of the delimiter's line counts as the first one.
            if let Some(end) = memmem::find(&self.held, b"\r\n\r\n") {
                let head = self.held.split_to(end).freeze();
                self.held.advance(4);
                self.stage = Stage::Content;
                return Ok(Some(head));
            }
            if self.held.len() > HEAD_LIMIT {
                return Err(MultipartError::Head("they are longer than 16 KiB"));
            }
            self.receive().await?;
        }
    }

    async fn receive(&mut self) -> Result<(), MultipartError> {
        let frame = self.body.frame().await.ok_or(MultipartError::Incomplete)??;
        if let Ok(data) = frame.into_data() {
            self.held.extend_from_slice(&data);
        }
        Ok(())
    }
}
