use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Draft, FileChange, Invalidation};

/// The format of a notice on the feed.
const FORMAT: u8 = 1;

/// What a record says to front ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct RecordNotice {
    /// What becomes wrong in their caches.
    pub invalidation: Invalidation,
    /// What becomes of files of the docroot.
    pub files: Vec<FileChange>,
}

/// A notice that is still part of its record.
#[derive(Serialize)]
struct Borrowed<'a> {
    invalidation: &'a Invalidation,
    files: &'a [FileChange],
}

impl Draft {
    /// What the record says to front ends, as the feed carries it; empty when it says nothing.
    pub(crate) fn notice(&self) -> Bytes {
        if self.invalidation.is_empty() && self.files.is_empty() {
            return Bytes::new();
        }
        let notice = Borrowed { invalidation: &self.invalidation, files: &self.files };
        let bytes = postcard::to_extend(&notice, vec![FORMAT]);
        bytes.expect("strings and numbers can always be encoded to memory").into()
    }
}

impl RecordNotice {
    /// Reads what [`Draft::notice`] made; `None` when it is something else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<RecordNotice> {
        match bytes {
            [] => Some(RecordNotice::default()),
            [FORMAT, notice @ ..] => postcard::from_bytes(notice).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::ContentId;

    #[test]
    fn a_notice_is_read_as_the_record_says_it() {
        let content = Some(ContentId { hash: [7; 32], length: 3 });
        let invalidation = Invalidation::new().group("news").pattern("^/$");
        let files = vec![
            FileChange { path: "a.png".to_owned(), content },
            FileChange { path: "b.png".to_owned(), content: None },
        ];
        let draft =
            Draft { invalidation: invalidation.clone(), files: files.clone(), ..Draft::default() };
        assert_eq!(
            RecordNotice::from_bytes(&draft.notice()),
            Some(RecordNotice { invalidation, files })
        );
        assert!(Draft::default().notice().is_empty());
        assert_eq!(RecordNotice::from_bytes(&[]), Some(RecordNotice::default()));
        for other in [&[9][..], &[FORMAT], &[FORMAT, 0xff, 0xff, 0xff]] {
            assert_eq!(RecordNotice::from_bytes(other), None);
        }
    }
}
