//! Frames and messages of the link.

use bytes::Bytes;
use futures_util::FutureExt;
use headwater::internals::link::fuzzed;
use http_body_util::BodyExt;

use super::in_pieces;

const LIMIT: usize = 512;

/// `data` is the size of a piece in one byte, and the bytes of a stream.
pub fn run(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let (messages, end) = read(stream, usize::from(*size).max(1));
    assert_eq!(read(stream, stream.len().max(1)), (messages.clone(), end.clone()));
    let written: Vec<u8> = messages.iter().flat_map(|message| fuzzed::frame(message)).collect();
    assert!(stream.starts_with(&written) && messages.iter().all(|message| message.len() <= LIMIT));
    assert_eq!(
        end.is_none(),
        written.len() == stream.len(),
        "all of it was read, or it is an error"
    );
    for message in &messages {
        for (kind, encoded) in fuzzed::encoded_again(message) {
            let again = fuzzed::encoded_again(&encoded).find(|(again, _)| *again == kind);
            assert_eq!(
                again.map(|(_, again)| again),
                Some(encoded),
                "what is written is read back"
            );
        }
    }
}

fn read(bytes: &[u8], size: usize) -> (Vec<Bytes>, Option<String>) {
    let stream = in_pieces(bytes, size).map_err(|never| match never {});
    fuzzed::read_all(stream, LIMIT).now_or_never().expect("all of it is there")
}
