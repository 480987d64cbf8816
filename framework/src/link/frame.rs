use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The length that precedes a message.
const LENGTH: usize = size_of::<u32>();

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

/// The message behind its length.
pub(super) fn encode<T: Serialize>(message: &T, limit: usize) -> Result<Bytes, FrameError> {
    let frame = vec![0; LENGTH];
    let mut frame = postcard::to_extend(message, frame).map_err(FrameError::Malformed)?;
    let size = frame.len() - LENGTH;
    let too_long = FrameError::TooLong { size, limit };
    let Some(length) = u32::try_from(size).ok().filter(|_| size <= limit) else {
        return Err(too_long);
    };
    frame[..LENGTH].copy_from_slice(&length.to_be_bytes());
    Ok(frame.into())
}

/// Reads messages from a stream. What it holds never exceeds one message and one frame of HTTP/2:
/// memory is taken as the bytes come, not as their length is announced.
#[derive(Debug)]
pub(super) struct Frames {
    stream: Incoming,
    buffer: BytesMut,
    limit: usize,
}

impl Frames {
    /// Messages of at most `limit` bytes.
    pub(super) fn new(stream: Incoming, limit: usize) -> Frames {
        Frames { stream, buffer: BytesMut::new(), limit }
    }

    /// The next message; `None` at the end of the stream. May be dropped at any time without losing
    /// anything.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        loop {
            if let Some(message) = self.take()? {
                return postcard::from_bytes(&message).map(Some).map_err(FrameError::Malformed);
            }
            match self.stream.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(FrameError::Broken(error)),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(FrameError::Torn),
            }
        }
    }

    /// What has been read beyond the last message, and the rest of the stream.
    pub(super) fn into_rest(self) -> (Bytes, Incoming) {
        (self.buffer.freeze(), self.stream)
    }

    fn take(&mut self) -> Result<Option<BytesMut>, FrameError> {
        let Some(length) = self.buffer.first_chunk::<LENGTH>() else { return Ok(None) };
        let size = u32::from_be_bytes(*length) as usize;
        if size > self.limit {
            return Err(FrameError::TooLong { size, limit: self.limit });
        }
        if self.buffer.len() - LENGTH < size {
            return Ok(None);
        }
        self.buffer.advance(LENGTH);
        Ok(Some(self.buffer.split_to(size)))
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
