//! Counts the bytes of response content on an HTTP/2 connection.

/// Follows the frames that are written (RFC 9113, section 4.1) and counts the payload of `DATA`.
///
/// Other frames do not show whether the client receives its responses: a client with all windows closed still receives
/// an answer to each `PING` and each `SETTINGS`, and `HEADERS` for each further request.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// The number of bytes of the next frame's head that were read.
    read: usize,
    /// The number of bytes left in the payload of the current frame, and whether it is content.
    left: usize,
    is_content: bool,
}

const HEAD: usize = 9;

/// The type of a `DATA` frame.
const DATA: u8 = 0;

impl Frames {
    /// Returns how many of `bytes`, which follow those of the last call, are content.
    pub(super) fn content_of(&mut self, mut bytes: &[u8]) -> usize {
        let mut content = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let payload = self.left.min(bytes.len());
                content += if self.is_content { payload } else { 0 };
                self.left -= payload;
                bytes = &bytes[payload..];
                continue;
            }
            let part = (HEAD - self.read).min(bytes.len());
            self.head[self.read..self.read + part].copy_from_slice(&bytes[..part]);
            self.read += part;
            bytes = &bytes[part..];
            if self.read == HEAD {
                let [a, b, c, kind, ..] = self.head;
                self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.is_content = kind == DATA;
                self.read = 0;
            }
        }
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let [.., a, b, c] = length.to_be_bytes();
        [&[a, b, c, kind, 0, 0, 0, 0, 1][..], &vec![DATA; length]].concat()
    }

    #[test]
    fn only_data_is_content_however_it_is_cut() {
        let frames =
            [frame(4, 18), frame(6, 8), frame(0, 70_000), frame(1, 9), frame(0, 0), frame(0, 5)];
        let all = frames.concat();
        for size in [1, 2, 8, 9, 10, 1000, all.len()] {
            let mut frames = Frames::default();
            let content = all.chunks(size).map(|piece| frames.content_of(piece)).sum::<usize>();
            assert_eq!(content, 70_005, "in pieces of {size}");
        }
    }
}
