//! Checks whether an encoded sibling is an encoding of its original.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};

use moka::sync::Cache;

use super::overlay::OverlaidFile;
use crate::http::negotiation::Coding;

/// The maximum number of cached results.
const MOST_KEPT: u64 = 10_000;

/// The number of bytes that are decoded at a time.
const PIECE: usize = 128 * 1024;

/// The largest window of Zstandard that browsers must support (RFC 9659), as a power of two.
#[cfg(feature = "zstd")]
const ZSTD_WINDOW: u32 = 23;

/// The siblings that were decoded, and whether the result was the original.
#[derive(Clone)]
pub(super) struct Siblings(Cache<Pair, bool>);

/// A coding, and the hashes of the encoded and of the original content.
type Pair = (Coding, [u8; 32], [u8; 32]);

impl fmt::Debug for Siblings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Siblings").field(&self.0.entry_count()).finish()
    }
}

impl Siblings {
    pub(super) fn new() -> Siblings {
        Siblings(Cache::new(MOST_KEPT))
    }

    /// Returns whether `sibling` is `original` in this coding. Decodes it if the result is not cached, which blocks; a
    /// sibling that cannot be decoded does not match.
    pub(super) fn belongs(
        &self,
        coding: Coding,
        sibling: &OverlaidFile,
        original: &OverlaidFile,
    ) -> bool {
        let pair = (coding, sibling.hash, original.hash);
        if let Some(known) = self.0.get(&pair) {
            return known;
        }
        // A failure to open the file proves nothing about its content, so it is not cached.
        let Ok(file) = (sibling.open)() else { return false };
        self.0.get_with(pair, || {
            decodes_to(coding, file, original.length, original.hash).unwrap_or(false)
        })
    }
}

/// Returns whether `encoded` decodes to content of this length and BLAKE3 hash. Decoding stops after that length.
/// Returns an error if the Cargo feature of the coding is off, and the sibling is then ignored.
fn decodes_to(coding: Coding, encoded: File, length: u64, hash: [u8; 32]) -> io::Result<bool> {
    let encoded = BufReader::with_capacity(PIECE, encoded);
    let decoded: Box<dyn Read> = match coding {
        Coding::Identity => Box::new(encoded),
        Coding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(encoded)),
        #[cfg(feature = "brotli")]
        Coding::Brotli => Box::new(brotli::Decompressor::new(encoded, PIECE)),
        #[cfg(feature = "zstd")]
        Coding::Zstd => {
            let mut decoder = zstd::stream::Decoder::with_buffer(encoded)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
        #[cfg(not(all(feature = "brotli", feature = "zstd")))]
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let mut hasher = blake3::Hasher::new();
    let decoded = io::copy(&mut decoded.take(length.saturating_add(1)), &mut hasher)?;
    Ok(decoded == length && *hasher.finalize().as_bytes() == hash)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::http::encoding::{MADE, encode};

    fn is_coding(coding: Coding, encoded: &[u8], original: &[u8]) -> bool {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(encoded).unwrap();
        let hash = *blake3::hash(original).as_bytes();
        decodes_to(coding, file.reopen().unwrap(), original.len() as u64, hash).unwrap_or(false)
    }

    #[test]
    fn a_sibling_must_decode_to_the_same_content() {
        let original = b"The river is high, and the ferry does not run.\n".repeat(10_000);
        let mut other = original.clone();
        other[300_000] ^= 1;
        for &coding in MADE {
            let encoded = encode(coding, &original).unwrap();
            assert!(is_coding(coding, &encoded, &original), "{coding:?}");
            assert!(!is_coding(coding, &encoded, &other), "{coding:?}");
            assert!(!is_coding(coding, &encoded, &original[1..]), "{coding:?}");
            assert!(!is_coding(coding, &encoded[..encoded.len() - 1], &original), "{coding:?}");
            assert!(!is_coding(coding, &original, &original), "{coding:?}");
            assert!(!is_coding(coding, b"", &original), "{coding:?}");
            assert!(is_coding(coding, &encode(coding, b"").unwrap(), b""), "{coding:?}");
        }
    }

    #[test]
    fn a_gzip_of_several_members_is_read_to_its_end() {
        let two = [encode(Coding::Gzip, b"one, ").unwrap(), encode(Coding::Gzip, b"two").unwrap()];
        assert!(is_coding(Coding::Gzip, &two.concat(), b"one, two"));
        assert!(!is_coding(Coding::Gzip, &two.concat(), b"one, "));
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn decoding_stops_after_the_length_of_the_original() {
        let bomb = encode(Coding::Zstd, &vec![0; 200 << 20]).unwrap();
        let start = std::time::Instant::now();
        assert!(!is_coding(Coding::Zstd, &bomb, b"short"));
        assert!(start.elapsed() < std::time::Duration::from_secs(1));
    }
}
