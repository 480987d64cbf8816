use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{FileChange, Invalidation, Revocation};

/// The format of a notice on the feed.
const FORMAT: u8 = 2;

/// The part of a record that front ends receive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordNotice {
    /// The invalidation of content in their caches.
    pub invalidation: Invalidation,
    /// The changes of files of the docroot.
    pub files: Vec<FileChange>,
    /// The sessions that have ended.
    pub revocations: Vec<Revocation>,
}

impl RecordNotice {
    /// Encodes it for the feed; the result is empty if the notice is.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let RecordNotice { invalidation, files, revocations } = self;
        if invalidation.is_empty() && files.is_empty() && revocations.is_empty() {
            return Bytes::new();
        }
        let bytes = postcard::to_extend(self, vec![FORMAT]);
        bytes.expect("strings and numbers can always be encoded to memory").into()
    }

    /// Decodes the result of [`to_bytes`](RecordNotice::to_bytes); returns `None` for anything else.
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
    fn a_notice_round_trips_and_other_bytes_are_rejected() {
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
