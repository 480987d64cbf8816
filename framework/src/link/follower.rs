use tokio::sync::watch;

use super::feed::{FeedRecord, Followed, Holdings, SnapshotPiece, Welcome};
use crate::clock::Moment;
use crate::log::Position;

/// What the link asks of a front end: to follow the log.
///
/// All functions are called by one task, one after the other, in the order of the feed. They
/// must not block: while one runs, no lease is renewed.
pub(crate) trait Follower: Send + Sync + 'static {
    /// How far which log was followed; `None` before the first welcome.
    fn followed(&self) -> Option<Followed>;

    /// A back end has admitted the front end. Unless `welcome.resumed`, everything that is cached
    /// is to be dropped, and the lease with it, before this returns; and `snapshot` holds what there
    /// is to know of the log up to `welcome.start`, as the back end's host gave it. `resumed` is what
    /// [`followed`](Follower::followed) had said, if the feed goes on from there.
    fn welcomed(&self, welcome: &Welcome, resumed: Option<Followed>, snapshot: &[SnapshotPiece]);

    /// Applies the records. Afterwards the position is `through`, and the link acknowledges it.
    fn apply(&self, records: &[FeedRecord], through: Position);

    /// Which contents of files are here, whenever it changes: the link reports it, what `welcomed`
    /// and `apply` have changed before it acknowledges the position.
    fn holdings(&self) -> watch::Receiver<Holdings>;

    /// A lease may run from `stamp`, a moment of the front end's own clock. Everything that was in
    /// the log at that moment has been applied.
    fn renewed(&self, stamp: Moment);

    /// The feed has ended. A lease that is held runs out by itself.
    fn cut(&self);
}
