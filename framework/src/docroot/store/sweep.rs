use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::{PART, Store};
use crate::clock::Moment;
use crate::log::ContentId;

/// The grace period: the time for which a content without references is kept. A front end that is
/// behind may still fetch it meanwhile, and a file that is added again need not be copied again.
pub(super) const GRACE: Duration = Duration::from_secs(60);

impl Store {
    /// Removes contents that have not been used for a minute. `referred` are the contents that the
    /// manifest referred to a moment ago. Returns the number of removed contents.
    ///
    /// A reference to a content is created before the store is asked whether it contains the
    /// content, and asking extends the grace period. So no content is removed that is referred to:
    /// either it was asked for before the decision, so its grace period is not over, or the answer
    /// is that the store does not contain it.
    pub(crate) fn sweep(&self, referred: &HashSet<ContentId>, now: Moment) -> usize {
        let mut gone: Vec<PathBuf> = Vec::new();
        let mut removed = 0;
        {
            let mut inner = self.lock();
            if inner.is_closed {
                return 0;
            }
            inner.blobs.retain(|content, blob| {
                if referred.contains(content) || blob.pins > 0 {
                    blob.used = blob.used.max(now);
                }
                if blob.used.after(GRACE) > now {
                    return true;
                }
                self.put_away(&content.hex(), &mut gone);
                removed += 1;
                false
            });
            let wanted: HashSet<String> =
                referred.iter().map(|content| content.hex() + PART).collect();
            inner.partials.retain(|name, part| {
                if wanted.contains(name) || part.writers > 0 {
                    part.used = part.used.max(now);
                }
                if part.used.after(GRACE) > now {
                    return true;
                }
                self.put_away(name, &mut gone);
                false
            });
        }
        for path in gone {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(file = %path.display(), %error, "a stored file cannot be removed");
            }
        }
        removed
    }
    /// Renames a file that will be removed, and appends its new name to `gone`. A rename is quick,
    /// so the lock is not held during the removal.
    fn put_away(&self, name: &str, gone: &mut Vec<PathBuf>) {
        let away = self.folder.join(format!("gone-{name}"));
        match fs::rename(self.folder.join(name), &away) {
            Ok(()) => gone.push(away),
            Err(error) => tracing::warn!(name, %error, "a stored file cannot be removed"),
        }
    }
}
