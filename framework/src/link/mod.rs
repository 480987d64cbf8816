//! The link joins front ends (its clients) and back ends (its servers): HTTP/2 over hyper, with
//! messages in postcard.
//!
//! # Contents
//!
//! - [`message`](Call): the heads of a forwarded request and of its answer, which precede their
//!   bodies.
//! - `feed`: the messages of the feed, up and down.
//! - `files`: the messages about files of the docroot, beside the feed.
//! - [`Host`] and [`Follower`]: the traits that the back end and the front end implement for the
//!   link.
//! - [`Connector`] and [`Incoming`]: TCP, or memory for a back end in the same process.
//! - `client`: [`Link`], the front end's half. [`Link::call`] forwards a request; a task of its own
//!   follows the feed.
//! - [`serve`]: the back end's half.
//! - `keep_alive`: detects that the peer of a connection has vanished.
//! - `frame` and `wire`: how messages and bodies are encoded in the streams; `multiplex`: calls
//!   that share a stream.
//!
//! # Connections and streams
//!
//! A front end keeps one connection for calls to each back end, and one for the feed of the back
//! end that it follows, so that no upload can delay the feed. Every stream may have
//! `STREAM_WINDOW` bytes in flight, and a connection's window has room for that many bytes of each
//! of its streams at once, so a stalled stream blocks none of the others. A body is read from its
//! source only as its window opens.
//!
//! A connection for the feed begins with `FEED_PREFACE`, which tells the back end in which runtime
//! to serve it: on either side, feeds with their leases and acknowledgements have a runtime of
//! their own, which runs no code of the site. A feed that is opened on another connection is served
//! all the same.
//!
//! A call is `POST /headwater/{version}/call`: the length of the head (u32, big endian), the head
//! ([`Call`]), then the unchanged body of the request; the answer has the same form, with
//! [`Answer`]. A body without an announced length is complete only with its closing trailer. Short
//! calls of GET and HEAD are multiplexed over one stream, `POST /headwater/{version}/calls`. The feed is
//! `POST /headwater/{version}/feed`, a sequence of messages, each preceded by its length; it is
//! open as long as both processes run. `POST /headwater/{version}/hello` asks a back end for its
//! name and log before a connection is used. `POST /headwater/{version}/lookup` asks for the log's
//! present state of files of the docroot, `POST /headwater/{version}/content` for a content from
//! some byte on, and `POST /headwater/{version}/held` reports missing files; they use the
//! connection for calls.
//!
//! # Boundary
//!
//! The meaning of a record: to the link a record is a position and some bytes.
//!
//! # The argument of the feed
//!
//! A front end serves valid pages from its cache only while it holds a lease (without one only old
//! pages under `stale_if_error`, marked as stale), and a writer's answer waits for
//! every front end that may hold one. The claim: *when a write at position `q` has been answered
//! without the acknowledgement of a front end, that front end holds no lease, or has applied `q`.*
//!
//! The front end sends `Renew { stamp }`, where `stamp` is its own clock, read before the frame is
//! given to the transport. When the back end reads the frame, it takes these steps in this order:
//!
//! 1. [`Host::grant`]: it records that the member may hold a lease until *now* + lease; if it
//!    cannot, because the front end follows another feed by now, the feed ends;
//! 2. it sets `p` = [`Host::committed`];
//! 3. it sends every record up to `p`, and after them `Renewed { stamp }`.
//!
//! The front end applies frames in the order of their arrival, so when it reads `Renewed` it has
//! applied `p`; then its lease runs until `stamp` + lease on its own clock.
//!
//! A writer commits `q` first, and then checks which front ends may hold a lease.
//!
//! - If it checks before step 1, `q` was committed before step 2. Hence `q ≤ p`, and this renewal
//!   gives the front end a lease only after it has applied `q`.
//! - If it checks after step 1, it sees a lease until (time of step 1) + lease, and waits for the
//!   acknowledgement or until then. The front end's lease ends at `stamp` + lease, and the stamp
//!   was read before step 1: the front end's lease is over first.
//!
//! The order of the steps matters: with `p` set before the grant, a writer could commit `q` and
//! check between the two, find no lease, and answer; then the front end would get a lease without
//! `q`. For the same reason `committed` must include every write whose writer may already have
//! checked.
//!
//! Further:
//!
//! - A writer never needs to wait longer than one lease after it committed `q` at time `T`: a lease
//!   that is granted without `q` results from a step 2 before `T`, so from a stamp before `T`, and
//!   is over at `T` + lease. Only the rates of the two clocks matter, never their values; the host
//!   adds a margin for their drift.
//! - A front end joins through [`Host::admit`], which returns when the join is durable, and no
//!   lease is granted before. So no back end can be unaware of a front end that may hold one.
//! - The end of a feed revokes no lease: [`Host::leave`] with [`Departure::Cut`] means that the
//!   member may hold its lease until the bound that was last recorded. With [`Departure::Goodbye`]
//!   the member has given it up: the front end stops serving from its cache before it calls
//!   [`Link::leave`], and accepts no renewal after that.
//! - Only one feed is followed at a time, by one task, so a `Renewed` of an earlier feed cannot be
//!   mistaken for one of the present feed. `Renewed` with a stamp that was never sent ends the
//!   feed.
//! - An acknowledgement names the position that was applied, so one beyond the records that were
//!   sent ends the feed too.
//! - The front end reports missing files of a record before it acknowledges the record, and before
//!   it asks for the first lease of a feed; reports are sent in the order in which they become
//!   true. So a back end that reads a renewal or an acknowledgement has the report on the missing
//!   files.
//! - A feed is resumed only if the back end's log includes everything that the front end has seen
//!   ([`Followed`]): the records that it has applied, and the later positions of answers in its
//!   cache. Otherwise the positions of the two belong to different records, and the front end drops
//!   its cache. Each opening of a log has an epoch by which this is recognised; the feed's welcome
//!   carries it, and so do calls and answers. An answer of another opening than the feed's is not
//!   stored: the feed may assign its position to another record.
//! - A renewal may be refused: then step 1 records nothing, and `Withheld { stamp }` is sent in
//!   place of `Renewed`. The front end keeps its present lease until that is over. It receives a
//!   message either way, so that it does not consider the back end lost. A renewal carries the time
//!   that the previous answer took, from which the back end derives the member's delay.
//! - Of the renewals that wait while records are being sent, only the last is answered: its `p` and
//!   its stamp are the latest. The renewal that is being served is never postponed, so the front
//!   end gets its leases however fast the log grows, and the number of waiting renewals is bounded.

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
pub(crate) use host::{
    Admission, BackEndRefusal, Departure, FeedBatch, Grant, Greeting, Host, MemberId,
};
pub(crate) use message::group_of_url;
pub use message::{Answer, AnswerContent, Call, CallRate, VERSION};
pub(crate) use server::{ServerOptions, serve};

/// The number of bytes of one stream that may be in flight, each way.
const STREAM_WINDOW: u32 = 256 * 1024;
/// The number of concurrent streams of a connection.
const STREAMS: u32 = 1024;
/// Room for the windows of all streams, so that stalled ones cannot use up the connection's.
const CONNECTION_WINDOW: u32 = STREAMS * STREAM_WINDOW;
/// The number of bytes of headers that the peer may send with a request or answer.
const HEADER_LIMIT: u32 = 16 * 1024;
/// The longest [`Call`], encoded, in bytes.
const CALL_LIMIT: usize = 1024 * 1024;
/// The longest [`Answer`], encoded, in bytes; it contains the values of its template.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;
/// The longest question about files, and the longest head of its answer, in bytes.
const FILES_LIMIT: usize = 64 * 1024;
/// The longest message from a front end in the feed, in bytes.
const UP_LIMIT: usize = 64 * 1024;
/// The longest message from a back end in the feed, in bytes.
const DOWN_LIMIT: usize = 64 * 1024 * 1024;

/// Returns the path of an action of the link.
fn path(version: u32, action: &str) -> String {
    format!("/headwater/{version}/{action}")
}
