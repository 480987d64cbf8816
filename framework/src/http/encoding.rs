//! Content in a content coding (RFC 9110, section 8.4.1).
//!
//! # How much effort
//!
//! Content is encoded once and sent many times, but a front end that has just lost its pages has many to encode. Beyond
//! the levels in bold, more time saves little. Measured on pages of HTML, on one core of an AMD EPYC, the whole page
//! being 100 %:
//!
//! | coding | 8 KiB | | 60 KiB | |
//! |---|---|---|---|---|
//! | gzip 4 | 30.4 % | 46 µs | 25.1 % | 0.4 ms |
//! | **gzip 6** | 30.1 % | 54 µs | 24.7 % | 0.6 ms |
//! | gzip 9 | 30.1 % | 70 µs | 24.5 % | 1.0 ms |
//! | br 4 | 29.6 % | 107 µs | 24.5 % | 0.7 ms |
//! | **br 5** | 27.2 % | 135 µs | 22.8 % | 1.2 ms |
//! | br 9 | 27.1 % | 5122 µs | 22.5 % | 21.5 ms |
//! | br 11 | 24.1 % | 15721 µs | 20.1 % | 105 ms |
//! | zstd 3 | 31.6 % | 28 µs | 25.9 % | 0.1 ms |
//! | **zstd 6** | 30.4 % | 55 µs | 24.1 % | 0.5 ms |
//! | zstd 12 | 30.0 % | 237 µs | 23.6 % | 2.0 ms |
//! | zstd 19 | 29.7 % | 1583 µs | 22.9 % | 20.5 ms |
//!
//! So a page of 8 KiB in all three codings takes a quarter of a millisecond.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Coding;

pub(super) const GZIP_LEVEL: u32 = 6;
/// The shortest content that is worth encoding, in bytes.
pub(crate) const SHORTEST: usize = 1024;

#[cfg(feature = "brotli")]
const BROTLI_QUALITY: i32 = 5;
#[cfg(feature = "zstd")]
const ZSTD_LEVEL: i32 = 6;

/// The codings that this build supports.
#[cfg(test)]
pub(crate) const MADE: &[Coding] = &[
    Coding::Gzip,
    #[cfg(feature = "brotli")]
    Coding::Brotli,
    #[cfg(feature = "zstd")]
    Coding::Zstd,
];

/// Encodes `content`. This blocks a core for the time in the table of the [module](self).
///
/// # Errors
/// Fails if the encoder fails, which for content in memory means that memory is exhausted, and for a coding whose Cargo
/// feature is off.
pub(crate) fn encode(coding: Coding, content: &[u8]) -> io::Result<Vec<u8>> {
    let room = content.len() / 2;
    match coding {
        Coding::Identity => Ok(content.to_vec()),
        Coding::Gzip => {
            let mut gzip = GzEncoder::new(Vec::with_capacity(room), Compression::new(GZIP_LEVEL));
            gzip.write_all(content)?;
            gzip.finish()
        }
        #[cfg(feature = "brotli")]
        Coding::Brotli => {
            let params = brotli::enc::BrotliEncoderParams {
                quality: BROTLI_QUALITY,
                size_hint: content.len(),
                ..brotli::enc::BrotliEncoderParams::default()
            };
            let mut encoded = Vec::with_capacity(room);
            brotli::BrotliCompress(&mut &content[..], &mut encoded, &params)?;
            Ok(encoded)
        }
        #[cfg(feature = "zstd")]
        Coding::Zstd => zstd::bulk::compress(content, ZSTD_LEVEL),
        #[cfg(not(all(feature = "brotli", feature = "zstd")))]
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use proptest::prelude::*;

    fn decode(coding: Coding, encoded: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        let mut reader: Box<dyn Read> = match coding {
            Coding::Identity => Box::new(encoded),
            Coding::Gzip => Box::new(flate2::read::GzDecoder::new(encoded)),
            #[cfg(feature = "brotli")]
            Coding::Brotli => Box::new(brotli::Decompressor::new(encoded, 4096)),
            #[cfg(feature = "zstd")]
            Coding::Zstd => Box::new(zstd::stream::Decoder::new(encoded).unwrap()),
            #[cfg(not(all(feature = "brotli", feature = "zstd")))]
            other => panic!("{other:?} is not in this build"),
        };
        reader.read_to_end(&mut content).unwrap();
        content
    }

    #[test]
    fn text_gets_shorter_in_every_coding() {
        let text = "<li>The river is high, and the ferry does not run.</li>\n".repeat(100);
        for &coding in MADE {
            let encoded = encode(coding, text.as_bytes()).unwrap();
            assert!(encoded.len() < text.len() / 10, "{coding:?}: {}", encoded.len());
        }
    }

    proptest! {
        #[test]
        fn encoded_content_decodes_to_the_same_bytes(
            content in proptest::collection::vec(any::<u8>(), 0..2000),
            times in 0..20_usize,
        ) {
            let content = content.repeat(times);
            for &coding in [Coding::Identity].iter().chain(MADE) {
                let encoded = encode(coding, &content).unwrap();
                prop_assert_eq!(&decode(coding, &encoded), &content);
                prop_assert_eq!(encode(coding, &content).unwrap(), encoded, "always the same");
            }
        }
    }
}
