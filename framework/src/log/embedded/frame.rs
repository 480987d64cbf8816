//! The bytes of a record: checksum (8), length of the content (4), time (8), content in `postcard`; numbers are
//! little-endian. The checksum is XXH3-64 over everything behind it, seeded with the position, so that a record
//! at a wrong position counts as damaged.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::log::{AppendError, Draft, Position, Record};

/// The most bytes that a record's content may have.
pub(super) const LIMIT: usize = 16 * 1024 * 1024;

const CHECKSUM: usize = 8;
const LENGTH: usize = 4;
const HEAD: usize = CHECKSUM + LENGTH + 8;

/// A draft, encoded; after [`Frame::seal`] a record's bytes.
#[derive(Debug)]
pub(in crate::log) struct Frame(Vec<u8>);

/// The reason why bytes are not a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// They differ from what was written.
    Damaged(String),
    /// They are as they were written, but this build cannot decode them.
    Unknown(String),
}

impl Frame {
    /// Encodes a draft.
    ///
    /// # Errors
    ///
    /// When it is too large for a record.
    pub(in crate::log) fn new(draft: &Draft) -> Result<Frame, AppendError> {
        let bytes = postcard::to_extend(draft, vec![0; HEAD]).expect(
            "a draft consists of strings, bytes and numbers, and all of them can be encoded",
        );
        let size = bytes.len() - HEAD;
        if size > LIMIT {
            return Err(AppendError::TooLarge { size, limit: LIMIT });
        }
        Ok(Frame(bytes))
    }

    /// Completes the record with this position and time.
    pub(in crate::log) fn seal(&mut self, position: Position, time: u64) {
        let bytes = &mut self.0;
        let length = (bytes.len() - HEAD) as u32;
        bytes[CHECKSUM..CHECKSUM + LENGTH].copy_from_slice(&length.to_le_bytes());
        bytes[CHECKSUM + LENGTH..HEAD].copy_from_slice(&time.to_le_bytes());
        let checksum = xxh3_64_with_seed(&bytes[CHECKSUM..], position.0);
        bytes[..CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Returns the bytes.
    pub(in crate::log) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Decodes the record at `position` from its bytes.
pub(super) fn decode(position: Position, bytes: &[u8]) -> Result<Record, Bad> {
    let damaged = |reason: &str| Err(Bad::Damaged(reason.to_owned()));
    let Some((checksum, checked)) = bytes.split_first_chunk::<CHECKSUM>() else {
        return damaged("the record is shorter than its head");
    };
    let Some((length, rest)) = checked.split_first_chunk::<LENGTH>() else {
        return damaged("the record is shorter than its head");
    };
    let Some((time, content)) = rest.split_first_chunk::<8>() else {
        return damaged("the record is shorter than its head");
    };
    if u32::from_le_bytes(*length) as usize != content.len() {
        return damaged("the record's length is wrong");
    }
    if xxh3_64_with_seed(checked, position.0) != u64::from_le_bytes(*checksum) {
        return damaged("the record's checksum is wrong");
    }
    let content = postcard::from_bytes::<Draft>(content)
        .map_err(|error| Bad::Unknown(format!("the record cannot be decoded: {error}")))?;
    Ok(Record { position, time: u64::from_le_bytes(*time), content })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::log::{
        ContentId, FileChange, IdSource, Invalidation, Membership, RequestDigest, Revocation,
        Revoked, StateHash, StateUpdate, UpdateId,
    };

    fn sealed() -> (Draft, Frame) {
        let update = StateUpdate {
            state: "site".into(),
            update: Bytes::from_static(b"update"),
            seed: 7,
            version: 1,
            id: None,
        };
        let invalidation = Invalidation::new().group("news").pattern("^/$");
        let draft = Draft { update: Some(update), invalidation, ..Draft::default() };
        let mut frame = Frame::new(&draft).unwrap();
        frame.seal(Position(7), 1234);
        (draft, frame)
    }

    #[test]
    fn a_record_round_trips() {
        let (content, frame) = sealed();
        let record = Record { position: Position(7), time: 1234, content };
        assert_eq!(decode(Position(7), frame.bytes()), Ok(record));
    }

    /// A change of these bytes changes the file's format, whose number is in `meta.rs`.
    #[test]
    fn a_record_has_the_bytes_of_this_format() {
        let (draft, _) = sealed();
        let lease = Duration::from_secs(2);
        let membership = Membership::Joined { incarnation: 7, name: "f1".to_owned(), lease };
        let content = Some(ContentId { hash: [0xab; 32], length: 300 });
        let mut update = draft.update.unwrap();
        let request = RequestDigest { head: 3, body: Some(4) };
        let source = IdSource::Client { request, kept: 60 };
        update.id = Some(UpdateId { call: 5, number: 1, source });
        let sessions = Revoked::User("ada".to_owned());
        let draft = Draft {
            update: Some(update),
            revocations: vec![Revocation { sessions, until: 99 }],
            deferred: Invalidation::new().group("later"),
            settles: Some(Position(3)),
            membership: Some(membership),
            files: vec![FileChange { path: "a.png".to_owned(), content }],
            hash: Some(StateHash {
                after: Position(6),
                fingerprint: 9,
                fields: vec![Some(1), None],
            }),
            ..draft
        };
        let mut frame = Frame::new(&draft).unwrap();
        frame.seal(Position(7), 1234);
        let mut hex: String = frame.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        hex.push('\n');
        let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/record.hex");
        if std::env::var_os("HEADWATER_RECORD").is_some() {
            std::fs::write(recorded, &hex).unwrap();
        }
        assert_eq!(hex, std::fs::read_to_string(recorded).unwrap());
    }

    #[test]
    fn every_flipped_bit_and_every_missing_end_is_noticed() {
        let (_, frame) = sealed();
        for bit in 0..frame.bytes().len() * 8 {
            let mut bytes = frame.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(decode(Position(7), &bytes), Err(Bad::Damaged(_))), "bit {bit}");
        }
        for length in 0..frame.bytes().len() {
            let short = &frame.bytes()[..length];
            assert!(matches!(decode(Position(7), short), Err(Bad::Damaged(_))), "{length}");
        }
    }

    #[test]
    fn a_record_at_another_position_is_damaged() {
        let (_, frame) = sealed();
        assert!(matches!(decode(Position(8), frame.bytes()), Err(Bad::Damaged(_))));
    }

    #[test]
    fn a_record_of_more_than_16_mib_is_refused() {
        let update = StateUpdate {
            state: "site".into(),
            update: vec![0; LIMIT].into(),
            seed: 7,
            version: 1,
            id: None,
        };
        let draft = Draft { update: Some(update), ..Draft::default() };
        let error = Frame::new(&draft).unwrap_err();
        assert!(matches!(error, AppendError::TooLarge { limit: LIMIT, .. }), "{error}");
    }
}
