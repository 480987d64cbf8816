//! Assembles one gzip stream (RFC 1952) from pieces that were deflated separately.
//!
//! A page that is assembled from pieces for each response cannot be compressed each time. Its pieces can be compressed
//! once, and the compressed pieces can be concatenated. Varnish does the same for its ESI.
//!
//! # Why the result is a valid stream
//!
//! A deflate stream (RFC 1951) is a sequence of blocks, the last of which is marked. Three properties of blocks could
//! prevent the concatenation of blocks from different streams:
//!
//! - *A block may begin within a byte.* A [`Deflated`] piece ends with a sync flush: an empty stored block, whose
//!   length and its complement begin and end at a byte boundary (section 3.2.4). The same holds for every stored block.
//!   So each piece begins at a byte boundary if the piece before it ends at one, and the first piece follows the
//!   header, which consists of whole bytes.
//! - *A block may refer to up to 32 KiB before it.* Each piece has its own compressor, which has seen nothing before
//!   the piece. So its blocks refer only to the piece itself, wherever the piece is placed.
//! - *A block may be the last.* A sync flush does not end the stream, so no block of a piece is marked as the last. An
//!   empty block with the mark follows the last piece.
//!
//! Each block has its own Huffman tables, and no other state is carried from one block to the next. So the sequence of
//! blocks decodes to the pieces, one after the other.
//!
//! The CRC-32 of all bytes and their number, modulo 2³², follow the blocks. The CRC of the whole is computed from those
//! of the pieces: a CRC is the remainder of a polynomial over two elements, so appending content multiplies the CRC
//! before it by a power of *x* and adds its own. That power depends only on the length of the appended content and is
//! stored with each piece, so each response costs one multiplication per piece.
//!
//! Content that was not deflated is placed in stored blocks, which add five bytes for up to 65,535.

use bytes::{BufMut, Bytes, BytesMut};
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};
use zlib_rs::crc32::{crc32_combine_gen, crc32_combine_op};

use super::encoding::GZIP_LEVEL;

/// The header: deflate, no name, no time, compression level and file system unspecified (section 2.3).
static HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// An empty block with fixed codes, marked as the last, padded to the end of its second byte.
const LAST_BLOCK: [u8; 2] = [0b011, 0];

/// The most bytes in a stored block.
const MOST_STORED: usize = u16::MAX as usize;

/// The minimum that deflating must save: a sixteenth. For less, no client should have to decode.
const SAVED: usize = 16;

/// A deflated piece of content that can be placed before and after any other.
#[derive(Debug, Clone)]
pub struct Deflated {
    blocks: Bytes,
    /// The length of the piece, in bytes.
    length: usize,
    /// The CRC-32 of the piece.
    crc: u32,
    /// The factor for the CRC of all content before this piece.
    shift: u32,
}

impl Deflated {
    /// Deflates a piece; `None` if that saves less than a sixteenth. This blocks a core for as long as `gzip` does in
    /// [`encoding`](super::encoding).
    pub fn of(piece: &[u8]) -> Option<Deflated> {
        let mut blocks = vec![0; piece.len() - piece.len() / SAVED];
        let mut compress = Compress::new(Compression::new(GZIP_LEVEL), false);
        compress.compress(piece, &mut blocks, FlushCompress::Sync).ok()?;
        let written = usize::try_from(compress.total_out()).ok()?;
        // The flush is known to be complete only if room is left.
        if written == blocks.len() {
            return None;
        }
        blocks.truncate(written);
        blocks.shrink_to_fit();
        Some(Deflated {
            blocks: blocks.into(),
            length: piece.len(),
            crc: crc32fast::hash(piece),
            shift: crc32_combine_gen(piece.len() as u64),
        })
    }

    /// Returns the deflated size in bytes.
    pub fn size(&self) -> usize {
        self.blocks.len()
    }
}

/// A gzip stream under construction.
#[derive(Debug)]
pub(crate) struct Splice {
    stream: Vec<Bytes>,
    crc: u32,
    length: usize,
    /// The stored block at the end, whose header is not written yet: the index of the header in `stream`, and the
    /// number of bytes in the block.
    stored: Option<(usize, usize)>,
}

impl Splice {
    /// Starts a stream, with capacity for this many pieces.
    pub(crate) fn with_capacity(pieces: usize) -> Splice {
        // Stored blocks may precede and follow each deflated piece; each has a header.
        let mut stream = Vec::with_capacity(2 * pieces + 2);
        stream.push(Bytes::from_static(&HEADER));
        Splice { stream, crc: 0, length: 0, stored: None }
    }

    /// Appends a deflated piece.
    pub(crate) fn add(&mut self, piece: Deflated) {
        self.end_block();
        self.stream.push(piece.blocks);
        self.crc = crc32_combine_op(self.crc, piece.crc, piece.shift);
        self.length += piece.length;
    }

    /// Appends bytes without compression.
    pub(crate) fn store(&mut self, mut bytes: Bytes) {
        let mut crc = Hasher::new_with_initial(self.crc);
        crc.update(&bytes);
        self.crc = crc.finalize();
        self.length += bytes.len();
        while !bytes.is_empty() {
            let (header, stored) = *self.stored.get_or_insert_with(|| {
                self.stream.push(Bytes::new());
                (self.stream.len() - 1, 0)
            });
            let next = bytes.split_to(bytes.len().min(MOST_STORED - stored));
            self.stored = Some((header, stored + next.len()));
            self.stream.push(next);
            if self.stored == Some((header, MOST_STORED)) {
                self.end_block();
            }
        }
    }

    /// Returns the whole stream as a list of pieces.
    pub(crate) fn end(mut self) -> Vec<Bytes> {
        self.end_block();
        let mut end = BytesMut::with_capacity(LAST_BLOCK.len() + 8);
        end.put_slice(&LAST_BLOCK);
        end.put_u32_le(self.crc);
        end.put_u32_le(self.length as u32);
        self.stream.push(end.freeze());
        self.stream
    }

    /// Writes the header of the pending stored block (RFC 1951, section 3.2.4): not the last, stored, and its length.
    fn end_block(&mut self) {
        if let Some((header, length)) = self.stored.take() {
            let [low, high] = (length as u16).to_le_bytes();
            self.stream[header] = Bytes::copy_from_slice(&[0, low, high, !low, !high]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    fn decode(stream: &[Bytes]) -> Vec<u8> {
        let stream = stream.concat();
        let (mut decoder, mut content) = (GzDecoder::new(&stream[..]), Vec::new());
        decoder.read_to_end(&mut content).unwrap();
        assert!(decoder.into_inner().is_empty(), "nothing follows the one member");
        content
    }

    /// Builds a stream of pieces. Those that are marked are deflated if that saves enough.
    fn splice(pieces: &[(Vec<u8>, bool)]) -> Vec<Bytes> {
        let mut splice = Splice::with_capacity(pieces.len());
        for (piece, deflate) in pieces {
            match Deflated::of(piece).filter(|_| *deflate) {
                Some(deflated) => splice.add(deflated),
                None => splice.store(Bytes::copy_from_slice(piece)),
            }
        }
        splice.end()
    }

    #[test]
    fn a_piece_does_not_refer_to_content_before_it() {
        let text = b"The river is high, and the ferry does not run. ".repeat(8);
        let once = Deflated::of(&text).unwrap();
        let mut splice = Splice::with_capacity(3);
        splice.add(once.clone());
        splice.store(Bytes::from_static(b"Nor does the train. "));
        splice.add(once);
        let stream = splice.end();
        assert_eq!(decode(&stream), [&text[..], b"Nor does the train. ", &text].concat());
        assert!(stream.concat().len() < text.len() / 2);
    }

    #[test]
    fn nothing_is_copied_but_headers() {
        let stored: Vec<Bytes> =
            ["a", "bc"].map(|text| Bytes::copy_from_slice(text.as_bytes())).into();
        let mut splice = Splice::with_capacity(2);
        stored.iter().for_each(|bytes| splice.store(bytes.clone()));
        let stream = splice.end();
        assert_eq!(stream.len(), 5, "one block is enough for both");
        assert_eq!(stream[1], [0, 3, 0, 252, 255][..]);
        for (bytes, sent) in stored.iter().zip(&stream[2..]) {
            assert_eq!(bytes.as_ptr(), sent.as_ptr());
        }
    }

    #[test]
    fn more_than_fits_into_a_block_takes_several() {
        let bytes: Vec<u8> = (0..2 * MOST_STORED).map(|n| (n % 251) as u8).collect();
        for pieces in [
            vec![0],
            vec![MOST_STORED],
            vec![MOST_STORED, 1],
            vec![1, MOST_STORED],
            vec![MOST_STORED - 1, 2, 0],
            vec![MOST_STORED + 1, 0, MOST_STORED - 1, MOST_STORED],
        ] {
            let pieces: Vec<_> =
                pieces.iter().map(|length| (bytes[..*length].to_vec(), false)).collect();
            let content: Vec<u8> = pieces.iter().flat_map(|(piece, _)| piece.clone()).collect();
            let stream = splice(&pieces);
            assert_eq!(decode(&stream), content);
            let blocks = content.len().div_ceil(MOST_STORED);
            assert_eq!(stream.concat().len(), 20 + 5 * blocks + content.len());
        }
    }

    #[test]
    fn content_that_hardly_gets_shorter_is_not_deflated() {
        let noise: Vec<u8> = (0..4096).map(|_| rand::random()).collect();
        assert!(Deflated::of(&noise).is_none());
        assert!(Deflated::of(b"").is_none() && Deflated::of(b"abc").is_none());
        assert!(Deflated::of(&[b'a'; 4096]).is_some_and(|deflated| deflated.size() < 64));
    }

    proptest! {
        #[test]
        fn any_pieces_are_decoded_to_their_bytes(
            pieces in prop::collection::vec(
                (prop::collection::vec(prop_oneof![4 => b'a'..b'd', 1 => any::<u8>()], 0..60), 0..200_usize, any::<bool>()),
                0..12,
            ),
        ) {
            let pieces: Vec<_> = pieces
                .into_iter()
                .map(|(bytes, times, deflate)| (bytes.repeat(times), deflate))
                .collect();
            let content: Vec<u8> = pieces.iter().flat_map(|(piece, _)| piece.clone()).collect();
            prop_assert_eq!(decode(&splice(&pieces)), content);
        }
    }
}
