use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The length that precedes a message.
pub(super) const LENGTH: usize = size_of::<u32>();

/// The initial capacity of a frame, enough for most messages, in bytes.
const USUAL: usize = 512;

/// Why a message could not be sent or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a message of {size} bytes is longer than the {limit} that are allowed")]
    TooLong { size: usize, limit: usize },
    #[error("a message cannot be understood: {0}")]
    Malformed(postcard::Error),
    #[error("the stream ended within a message")]
    Torn,
    #[error("the stream broke: {0}")]
    Broken(hyper::Error),
}

/// Encodes the message, preceded by its length.
pub(super) fn encode<T: Serialize>(message: &T, limit: usize) -> Result<Bytes, FrameError> {
    encode_long(message, 0, limit)
}

/// Does the same, with room for so many bytes in one slice of the message.
pub(super) fn encode_long<T: Serialize>(
    message: &T,
    bytes: usize,
    limit: usize,
) -> Result<Bytes, FrameError> {
    let mut frame = Vec::with_capacity(USUAL + bytes);
    frame.extend([0; LENGTH]);
    let mut frame = postcard::to_extend(message, frame).map_err(FrameError::Malformed)?;
    let size = frame.len() - LENGTH;
    let too_long = FrameError::TooLong { size, limit };
    let Some(length) = u32::try_from(size).ok().filter(|_| size <= limit) else {
        return Err(too_long);
    };
    frame[..LENGTH].copy_from_slice(&length.to_be_bytes());
    Ok(frame.into())
}

/// Reads messages from a stream. It never holds more than one message and one frame of HTTP/2:
/// memory is allocated as bytes arrive, not as their length is announced.
#[derive(Debug)]
pub(super) struct Frames<S = Incoming> {
    stream: S,
    /// The unread rest of the last frame of HTTP/2, unless it is in the buffer.
    frame: Bytes,
    /// The beginning of a message that continues in further frames.
    buffer: BytesMut,
    limit: usize,
}

impl<S: Body<Data = Bytes, Error = hyper::Error> + Unpin> Frames<S> {
    /// Reads messages of at most `limit` bytes.
    pub(super) fn new(stream: S, limit: usize) -> Frames<S> {
        Frames { stream, frame: Bytes::new(), buffer: BytesMut::new(), limit }
    }

    /// Returns the next message; `None` at the end of the stream. Cancel-safe.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let message = self.message().await?;
        message
            .map(|message| postcard::from_bytes(&message))
            .transpose()
            .map_err(FrameError::Malformed)
    }

    /// Returns the next message, not decoded. Cancel-safe.
    pub(super) async fn message(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            match self.stream.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        match self.buffer.is_empty() && self.frame.is_empty() {
                            true => self.frame = data,
                            false => self.buffer_all(data),
                        }
                    }
                }
                Some(Err(error)) => return Err(FrameError::Broken(error)),
                None if self.frame.is_empty() && self.buffer.is_empty() => return Ok(None),
                None => return Err(FrameError::Torn),
            }
        }
    }

    /// Returns the bytes read beyond the last message, and the rest of the stream.
    pub(super) fn into_rest(self) -> (Bytes, S) {
        let rest = if self.buffer.is_empty() { self.frame } else { self.buffer.freeze() };
        (rest, self.stream)
    }

    /// Appends `data` to the unread bytes.
    fn buffer_all(&mut self, data: Bytes) {
        self.buffer.extend_from_slice(&std::mem::take(&mut self.frame));
        self.buffer.extend_from_slice(&data);
    }

    fn take(&mut self) -> Result<Option<Bytes>, FrameError> {
        // One of the two is empty.
        let unread = if self.buffer.is_empty() { &self.frame[..] } else { &self.buffer[..] };
        let Some((length, unread)) = unread.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let size = u32::from_be_bytes(*length) as usize;
        if size > self.limit {
            return Err(FrameError::TooLong { size, limit: self.limit });
        }
        if unread.len() < size {
            return Ok(None);
        }
        Ok(Some(if self.buffer.is_empty() {
            self.frame.advance(LENGTH);
            self.frame.split_to(size)
        } else {
            self.buffer.advance(LENGTH);
            self.buffer.split_to(size).freeze()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_length_before_it() {
        let frame = encode(&"stories", 100).unwrap();
        assert_eq!(frame[..LENGTH], [0, 0, 0, 8]);
        assert_eq!(postcard::from_bytes::<&str>(&frame[LENGTH..]).unwrap(), "stories");
    }

    #[test]
    fn a_message_over_the_limit_is_not_sent() {
        let error = encode(&"stories", 7).unwrap_err();
        assert!(matches!(error, FrameError::TooLong { size: 8, limit: 7 }));
    }
}
