//! Runs code of the site, whose running time is unknown, on threads that also do I/O.
//!
//! A template, a controller or a variant function may compute for seconds. The worker threads of
//! tokio's runtime do I/O as well, and tokio does not detect that one of them computes: the thread
//! that has just waited for the I/O driver runs the tasks that became ready, and wakes no other
//! thread to wait in its place. While such a task computes, nothing is read from any connection,
//! though the other workers sleep.
//!
//! # What happens here
//!
//! All such code runs through [`Code::run`] or [`Code::watch`], which choose between two ways:
//!
//! - *In place*: code that has been fast. It costs a few stores, no change of threads, and for one
//!   run of many a look at a clock.
//! - *Handed over*: code that has been slow, that has never run, or that starts while long
//!   computations occupy all workers but one. tokio's `block_in_place` moves the worker's queue and
//!   its role in the I/O driver to another thread; that costs two changes of threads. Slow code
//!   takes turns ([`Code::turn`]), so that the number of threads stays bounded.
//!
//! For that, and to detect long computations, there is the *watch* (`watch`): a thread that ticks
//! every millisecond while computations run. When one has run in place for more than a tick, the
//! watch wakes the runtime. A node's runtime has one worker more than there are cores, the
//! *reserve* (`reserve`): the watch holds it back until long computations occupy all the others.
//!
//! # Why nothing waits for a computation
//!
//! Suppose that code begins to compute in place on worker *A*.
//!
//! - *Tasks that are ready* are in queues from which other workers steal, except for the one in
//!   *A*'s LIFO slot, from which no worker steals. So an empty task is spawned first: it takes the
//!   slot, and the task in the slot is moved to the queue.
//! - *Events of sockets and timers* are received by a worker that waits in the driver. As soon as
//!   all workers but one run something long, nothing more begins in place. So at least one worker
//!   either runs other tasks and enters the driver afterwards, or sleeps and is woken by the watch
//!   after one to two ticks; it finds no task and waits in the driver. Only until the watch has
//!   detected that state, within eight ticks, can the last worker begin something long, too. Then
//!   the watch releases the reserve, which waits in the driver, and holds it back again when one of
//!   the others is free and a worker sleeps.
//! - *Code that is handed over* occupies no worker, up to [`MOST_HANDED_OVER`] computations at a
//!   time. Pages and controllers take turns before; only error pages, the variant function and code
//!   that has never run could reach that limit, and would run on workers from then on.
//!
//! So code that is slow for the first time after it was fast delays I/O by about two milliseconds,
//! or by eight if it is requested several times at that moment, and is recorded as slow afterwards.
//! The remaining case is that this happens twice before the reserve is held back again.
//!
//! The variant function runs for each hit, so no empty task is spawned before it: it runs before
//! anything is woken for its request. As soon as one call is long, not when it has ended, the calls
//! that follow are handed over.
//!
//! # What runs where
//!
//! | computation | where |
//! |---|---|
//! | templates with their values: pages, error pages; making a page of the output | here, by the template's name |
//! | controllers, their steps, conditions of `when`, packing of values, encoding of the answer | here, by the controller's name |
//! | variant functions | here |
//! | content codings | the encoder's own thread, below the priority of others |
//! | regular expressions over the ids of entries | the sweeper, on a thread that may block; a lookup tests an entry against a pattern once |
//! | patterns of an invalidation, compiled when they arrive | the link's runtime: the record may be acknowledged only after it was applied |
//! | `apply` of updates, also in replay | the log's own thread: updates are ordered |
//! | loading templates and routes, hashing files, unpacking siblings | threads that may block |
//! | the feed, leases and acknowledgements | the link's runtime, a thread of its own that runs no code of the site |
//!
//! An application that embeds a site uses its own runtime, which has no reserve: there I/O waits
//! for the first of several computations if all workers begin one within the same eight
//! milliseconds. In a runtime with one thread everything runs in place: there is no other thread
//! that could do I/O.

mod code;
mod reserve;
mod turns;
mod watch;

use std::future::Future;
use std::io;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

pub(crate) use code::Code;
use reserve::Reserve;
use turns::Turn;
use watch::Measurement;
pub(crate) use watch::{Attended, attend, is_crowded};

/// The number of computations that are handed over at a time: each occupies a thread, of which
/// tokio starts no more than 512.
const MOST_HANDED_OVER: usize = 128;

static HANDED_OVER: AtomicUsize = AtomicUsize::new(0);

/// Runs a node to its end, in a runtime of its own.
pub(crate) fn run<F: Future>(node: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores().max(2) + 1)
        .enable_all()
        .build()?;
    let _reserve = Reserve::of(runtime.handle());
    Ok(runtime.block_on(node))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

impl Code {
    /// Runs the code where it blocks no I/O.
    pub(crate) fn run<T>(self, work: impl FnOnce() -> T) -> T {
        let (measurement, done) = if !self.is_trusted() || is_crowded() {
            (Measurement::handed_over(), hand_over(work))
        } else if self.is_variant() {
            (Measurement::of_variant(), work())
        } else {
            vacate_slot();
            (Measurement::in_place(), work())
        };
        self.note(measurement.milliseconds());
        done
    }

    /// Wraps a future so that every poll is [`run`](Code::run).
    pub(crate) fn watch<F: Future>(self, future: F) -> Watched<F> {
        Watched { code: self, future: Box::pin(future), waiting: None }
    }
}

fn hand_over<T>(work: impl FnOnce() -> T) -> T {
    let has_threads =
        || Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
    match HandOver::take() {
        Some(_counted) if has_threads() => block_in_place(work),
        _ => work(),
    }
}

/// Makes tokio move the task in this worker's LIFO slot to a queue from which other workers can
/// steal it.
fn vacate_slot() {
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn(async {}));
    }
}

/// Counts one of the computations that are handed over.
struct HandOver;

impl HandOver {
    fn take() -> Option<HandOver> {
        let counted = HandOver;
        (HANDED_OVER.fetch_add(1, Ordering::Relaxed) < MOST_HANDED_OVER).then_some(counted)
    }
}

impl Drop for HandOver {
    fn drop(&mut self) {
        HANDED_OVER.fetch_sub(1, Ordering::Relaxed);
    }
}

/// See [`Code::watch`].
pub(crate) struct Watched<F> {
    code: Code,
    future: Pin<Box<F>>,
    /// The wait for a turn, if the code has been slow.
    waiting: Option<Pin<Box<dyn Future<Output = Option<Turn>> + Send>>>,
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let Watched { code, future, waiting } = &mut *self;
        let turn = match code.is_slow() {
            true => {
                let turn = waiting.get_or_insert_with(|| Box::pin(code.turn()));
                ready!(turn.as_mut().poll(task))
            }
            false => None,
        };
        // Code that has become fast while it waited may hold a turn that others wait for.
        *waiting = None;
        let polled = code.run(|| future.as_mut().poll(task));
        drop(turn);
        polled
    }
}
