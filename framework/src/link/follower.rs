use tokio::sync::watch;

use super::feed::{FeedRecord, Followed, Holdings, SnapshotPiece, Welcome};
use crate::clock::Moment;
use crate::log::Position;

/// The interface of a front end to the link: following the log.
///
/// All functions are called by one task, one after the other, in the order of the feed. They
/// must not block: while one runs, no lease is renewed.
pub(crate) trait Follower: Send + Sync + 'static {
    /// Returns which log was followed, and how far; `None` before the first welcome.
    fn followed(&self) -> Option<Followed>;

    /// Handles the admission by a back end. Unless the feed is resumed, everything cached, and the
    /// lease, must be dropped before this returns; and `snapshot` contains the state of the log up
    /// to `welcome.start`, from the back end's host. `resumed` is the earlier result of
    /// [`followed`](Follower::followed), if the feed continues from there.
    fn welcomed(&self, welcome: &Welcome, resumed: Option<Followed>, snapshot: &[SnapshotPiece]);

    /// Applies the records. Afterwards the position is `through`, and the link acknowledges it.
    fn apply(&self, records: &[FeedRecord], through: Position);

    /// Returns the contents of files that are stored here, and notifies of every change. The link
    /// reports changes, those made by `welcomed` and `apply` before it acknowledges the position.
    fn holdings(&self) -> watch::Receiver<Holdings>;

    /// Extends the lease, counted from `stamp`, a moment of the front end's own clock. Everything
    /// that was in the log at that moment has been applied.
    fn renewed(&self, stamp: Moment);

    /// Handles the end of the feed. A lease expires by itself.
    fn cut(&self);
}
