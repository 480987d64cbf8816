use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{FileChange, Invalidation, Revocation};

/// The format of a notice on the feed.
const FORMAT: u8 = 2;

/// What a record says to front ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordNotice {
    /// What becomes wrong in their caches.
    pub invalidation: Invalidation,
    /// What becomes of files of the docroot.
    pub files: Vec<FileChange>,
    /// Which sessions have ended.
    pub revocations: Vec<Revocation>,
}

impl RecordNotice {
    /// As the feed carries it; empty when it says nothing.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let RecordNotice { invalidation, files, revocations } = self;
        if invalidation.is_empty() && files.is_empty() && revocations.is_empty() {
            return Bytes::new();
        }
        let bytes = postcard::to_extend(self, vec![FORMAT]);
        bytes.expect("strings and numbers can always be encoded to memory").into()
    }

    /// Reads what [`to_bytes`](RecordNotice::to_bytes) made; `None` when it is something else.
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
    use crate::log::{ContentId, Revoked};

    #[test]
    fn a_notice_is_read_as_the_record_says_it() {
        let content = Some(ContentId { hash: [7; 32], length: 3 });
        let invalidation = Invalidation::new().group("news").pattern("^/$");
        let files = vec![
            FileChange { path: "a.png".to_owned(), content },
            FileChange { path: "b.png".to_owned(), content: None },
        ];
        let sessions = Revoked::User("ana".to_owned());
        let revocations = vec![Revocation { sessions, until: 7 }];
        let notice = RecordNotice { invalidation, files, revocations };
        assert_eq!(RecordNotice::from_bytes(&notice.to_bytes()), Some(notice));
        assert!(RecordNotice::default().to_bytes().is_empty());
        assert_eq!(RecordNotice::from_bytes(&[]), Some(RecordNotice::default()));
        for other in [&[9][..], &[FORMAT], &[FORMAT, 0xff, 0xff, 0xff]] {
            assert_eq!(RecordNotice::from_bytes(other), None);
        }
    }
}
