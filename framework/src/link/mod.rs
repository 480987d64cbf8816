//! The link joins front ends (its clients) and back ends (its servers): HTTP/2 over hyper, with
//! messages in postcard.
//!
//! # What is here
//!
//! - [`message`](Call): what precedes the bodies of a forwarded request and of its answer.
//! - `feed`: the messages of the feed, up and down.
//! - `files`: the messages about files of the docroot, beside the feed.
//! - [`Host`] and [`Follower`]: what the link asks of the back end and of the front end.
//! - [`Connector`] and [`Incoming`]: TCP, or memory for a back end in the same process.
//! - `client`: [`Link`], the front end's half. [`Link::call`] forwards a request; a task of its own
//!   follows the feed.
//! - [`serve`]: the back end's half.
//! - `keep_alive`: notices when the peer of a connection has vanished.
//! - `frame` and `wire`: how messages and bodies are encoded in the streams; `multiplex`: calls
//!   that share a stream.
//!
//! # How it flows
//!
//! A front end keeps two connections, one for calls to each back end and one for the feed of the
//! back end that it follows, so that no upload can delay the feed. Every stream may have
//! `STREAM_WINDOW` bytes under way, and a connection has room for that many bytes of each of
//! its streams at once, so a stalled stream holds up none of the others. A body is read from its
//! source only as its window opens.
//!
//! A connection for the feed begins with `FEED_PREFACE`, so that the back
//! end knows at once in which runtime it is to be served: feeds, with their leases and
//! acknowledgements, have one of their own on either side, which runs no code of the site. A feed that
//! is opened on another connection is served all the same.
//!
//! A call is `POST /headwater/{version}/call`: the length of the head (u32, big endian), the head
//! ([`Call`]), then the body of the request as it is; the answer likewise, with [`Answer`]. A body
//! whose length is not announced is whole only with its closing trailer. Calls without a body are
//! multiplexed over one stream, `POST /headwater/{version}/calls`. The feed is `POST /headwater/{version}/feed`,
//! open as long as both processes are: messages, each after its length. `POST /headwater/{version}/hello`
//! asks a back end for its name and log before a connection is used. `POST /headwater/{version}/lookup`
//! asks what the log says about files of the docroot, `POST /headwater/{version}/content` for a content
//! from some byte on; they go over the connection for calls.
//!
//! # What it must not know
//!
//! What a record means. To the link a record is a position and some bytes.
//!
//! # The argument of the feed
//!
//! A front end serves from its cache only while it holds a lease, and a writer's answer waits for
//! every front end that may hold one. To be shown: *when a write at position `q` has been answered
//! without the acknowledgement of a front end, that front end holds no lease, or has applied `q`.*
//!
//! The front end sends `Renew { stamp }`, where `stamp` is its own clock, read before the frame is
//! given to the transport. The back end, when it reads the frame, does these things in this order:
//!
//! 1. [`Host::granted`]: it records that the member may hold a lease until *now* + lease; where it
//!    cannot, because the front end follows another feed by now, the feed ends;
//! 2. it fixes `p` = [`Host::committed`];
//! 3. it sends every record up to `p`, and behind them `Renewed { stamp }`.
//!
//! The front end applies frames in the order they come, so when it reads `Renewed` it has applied
//! `p`; then its lease runs until `stamp` + lease on its own clock.
//!
//! Now take a writer. It commits `q` first, and then looks at which front ends may hold a lease.
//!
//! - It looks before step 1. Then `q` was committed before step 2, hence `q ≤ p`, and this
//!   renewal gives the front end a lease only after it has applied `q`.
//! - It looks after step 1. Then it sees a lease until (time of step 1) + lease and waits for the
//!   acknowledgement or until then. The front end's lease ends at `stamp` + lease, and the stamp
//!   was read before step 1: the front end's lease is over first.
//!
//! The order of the steps matters: with `p` fixed before the grant, a writer could commit `q` and
//! look between the two, find no lease, answer, and the front end would get a lease without `q`.
//! For the same reason `committed` must include every write whose writer may already have looked.
//!
//! Further:
//!
//! - A writer need never wait longer than one lease after it committed `q` at time `T`: a lease
//!   that is given without `q` comes from a step 2 before `T`, so from a stamp before `T`, and is
//!   over at `T` + lease. Only the rates of the two clocks enter, never their values; the host adds
//!   a margin for their drift.
//! - A front end joins through [`Host::admit`], which returns when the join is durable, and no
//!   lease is given before. So no back end can be unaware of a front end that may hold one.
//! - A feed that is cut takes no lease away: [`Host::left`] with [`How::Cut`] means that the member
//!   may hold its lease until the bound that was last recorded. With [`How::Goodbye`] it has given
//!   it up: the front end stops serving from its cache before it calls [`Link::leave`], and no
//!   renewal is believed after that.
//! - Only one feed is followed at a time, by one task, so a `Renewed` of an earlier feed cannot be
//!   taken for one of the present feed. `Renewed` with a stamp that was never sent ends the feed.
//! - Acknowledgements say what was applied, so one beyond what was sent ends the feed too.
//! - What is lacking of a record's files is reported before the record is acknowledged, and before the
//!   first lease of a feed is asked for; reports follow one another in the order in which they are
//!   true. So a back end that looks at a lease and an acknowledgement knows what is lacking.
//! - A feed is resumed only where the back end's log includes everything that the front end has
//!   seen ([`Followed`]): what it has applied, and what answers from beyond that have put into its
//!   cache. Otherwise the positions of the two are those of different records, and the front end
//!   drops its cache. Each opening of a log has an epoch by which this is recognised; the feed's
//!   welcome carries it, and so do calls and answers. An answer of another opening than the feed's
//!   is not stored: its position may be one that the feed gives to another record.
//! - A renewal may be refused: then step 1 notes nothing, and `Withheld { stamp }` is sent where
//!   `Renewed` would be. The front end keeps the lease that it has until it is over. It receives a
//!   message either way, so that it does not take the back end for lost. A renewal carries the time
//!   that the answer before took, from which the back end knows the member's delay.
//! - Renewals that wait while records are being sent are answered by the last of them: its `p` and
//!   its stamp are the latest. The one being served is never put back, so the front end gets its
//!   leases however fast the log grows, and what waits is bounded.

mod client;
mod connector;
mod feed;
mod files;
mod follower;
mod frame;
#[cfg(feature = "internals")]
pub mod fuzzed;
mod host;
mod keep_alive;
mod message;
mod multiplex;
mod server;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use client::{CallError, Link, LinkOptions};
pub(crate) use connector::{Connector, Incoming, in_memory};
pub(crate) use feed::{FeedRecord, Followed, Holding, Holdings, Open, SnapshotPiece, Welcome};
pub(crate) use files::{FileLookup, FoundFiles};
pub(crate) use follower::Follower;
pub(crate) use host::{Admission, BackEndRefusal, FeedBatch, Grant, Greeting, Host, How, MemberId};
pub(crate) use message::group_of_url;
pub use message::{Answer, AnswerContent, Call, CallRate, VERSION};
pub(crate) use server::{ServerOptions, serve};

/// How many bytes of one stream may be under way, each way.
const STREAM_WINDOW: u32 = 256 * 1024;
/// How many streams one connection carries at a time.
const STREAMS: u32 = 1024;
/// Room for the windows of all streams, so that stalled ones cannot use up the connection's.
const CONNECTION_WINDOW: u32 = STREAMS * STREAM_WINDOW;
/// How many bytes of headers the other end may send with a request or answer.
const HEADER_LIMIT: u32 = 16 * 1024;
/// The longest [`Call`], encoded, in bytes.
const CALL_LIMIT: usize = 1024 * 1024;
/// The longest [`Answer`], encoded, in bytes: the values of its template are in it.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;
/// The longest question about files, and the longest head of its answer, in bytes.
const FILES_LIMIT: usize = 64 * 1024;
/// The longest message from a front end in the feed, in bytes.
const UP_LIMIT: usize = 64 * 1024;
/// The longest message from a back end in the feed, in bytes.
const DOWN_LIMIT: usize = 64 * 1024 * 1024;

/// The path of an action of the link.
fn path(version: u32, action: &str) -> String {
    format!("/headwater/{version}/{action}")
}
