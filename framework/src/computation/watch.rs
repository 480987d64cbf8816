//! A thread that detects long computations.
//!
//! It ticks every millisecond, and each computation stores the tick of its beginning, in a cell of
//! its thread. So no clock is read here for a fast computation, and a late tick makes computations
//! look shorter, never longer. When none has begun for a while, and none occupies a worker, the
//! watch rests until the next one.
//!
//! On a machine with more work than cores a thread may be suspended for milliseconds, in the middle
//! of fast code too. So the measure is how long the thread has run; its clock is read for one
//! computation of [`READS_CLOCK_EACH`] or of a tick, and at the end of one that was longer than a
//! tick. A computation of more than [`BLOCKS`] ticks has waited for something itself, such as a
//! database that is called without `await`, and counts in full.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

use super::{Code, reserve};

/// The time between two ticks.
const TICK: Duration = Duration::from_millis(1);
/// From so many ticks on a computation occupies its worker, whether it runs or waits.
const OCCUPIES: u64 = 8;
/// From so many ticks on the delay of a computation is not only due to the machine.
const BLOCKS: u64 = 30;
/// Of so many computations of a thread in one tick, one reads the thread's clock.
const READS_CLOCK_EACH: u32 = 16;
/// The number of ticks without a new computation after which the watch rests.
const RESTS_AFTER: u64 = 50;
/// The longest rest: the wake-up by a computation that begins at that moment can be missed.
const REST: Duration = Duration::from_millis(250);
/// The number of cells. The computations of further threads are not watched.
const CELLS: usize = 256;

static NOW: Aligned<AtomicU64> = Aligned(AtomicU64::new(2));
static RESTS: Aligned<AtomicBool> = Aligned(AtomicBool::new(false));
static CELL: [Aligned<AtomicU64>; CELLS] = [const { Aligned(AtomicU64::new(0)) }; CELLS];
static TAKEN: [AtomicBool; CELLS] = [const { AtomicBool::new(false) }; CELLS];
static WORKERS: AtomicUsize = AtomicUsize::new(1);
static IS_CROWDED: AtomicBool = AtomicBool::new(false);
static RUNTIMES: Mutex<Vec<(u64, Handle)>> = Mutex::new(Vec::new());
static THREAD: OnceLock<Option<Thread>> = OnceLock::new();

/// A value in cache lines of its own: each thread writes into its own cell.
#[repr(align(128))]
struct Aligned<T>(T);

thread_local! {
    static OWN: Own = Own::take();
}

/// The state of a thread's computations.
struct Own {
    /// Its cell, which belongs to no other thread until it ends: runtimes start and end threads all
    /// the time. `None` if all are taken.
    cell: Option<usize>,
    /// The tick of the last reading of its clock, and how long it had run by then.
    clock: Cell<(u64, Duration)>,
    /// The number of computations since that reading.
    age: Cell<u32>,
}

impl Own {
    fn take() -> Own {
        let cell = (0..CELLS).find(|cell| !TAKEN[*cell].swap(true, Ordering::Acquire));
        Own { cell, clock: Cell::new((0, Duration::ZERO)), age: Cell::new(0) }
    }

    /// Writes a value into the cell, and returns the previous one.
    fn replace(&self, value: u64) -> u64 {
        let Some(cell) = self.cell.map(|cell| &CELL[cell].0) else { return IDLE };
        let before = cell.load(Ordering::Relaxed);
        cell.store(value, Ordering::Relaxed);
        before
    }

    /// Returns how long the thread had run a short time ago.
    fn ran(&self, now: u64) -> Duration {
        let (tick, ran) = self.clock.get();
        let age = self.age.get() + 1;
        if tick == now && age < READS_CLOCK_EACH {
            self.age.set(age);
            return ran;
        }
        let ran = thread_time();
        self.clock.set((now, ran));
        self.age.set(0);
        ran
    }
}

/// Returns how long the present thread has run.
fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(cell) = self.cell {
            TAKEN[cell].store(false, Ordering::Release);
        }
    }
}

/// The values of a cell: a tick, multiplied by `TICKS`, plus the kind of work since then.
const IDLE: u64 = 0;
const IN_PLACE: u64 = 1;
const HANDED_OVER: u64 = 2;
/// The variant function, in place.
const VARIANT: u64 = 3;
const TICKS: u64 = 4;

/// A computation of this thread, in progress until this is dropped.
pub(super) struct Measurement {
    began: u64,
    /// How long the thread had run then.
    ran: Duration,
    /// The previous value of the cell: computations may be nested.
    before: u64,
}

impl Measurement {
    /// Begins a computation that occupies a worker.
    pub(super) fn in_place() -> Measurement {
        Measurement::begin(IN_PLACE)
    }

    /// Begins a call of the variant function, which occupies a worker.
    pub(super) fn of_variant() -> Measurement {
        Measurement::begin(VARIANT)
    }

    /// Begins a computation that occupies no worker.
    pub(super) fn handed_over() -> Measurement {
        Measurement::begin(HANDED_OVER)
    }

    fn begin(kind: u64) -> Measurement {
        let began = NOW.0.load(Ordering::Relaxed);
        let (before, ran) = OWN
            .try_with(|own| (own.replace(began * TICKS + kind), own.ran(began)))
            .unwrap_or_default();
        if RESTS.0.load(Ordering::Relaxed)
            && let Some(Some(thread)) = THREAD.get()
        {
            thread.unpark();
        }
        Measurement { began, ran, before }
    }

    /// Returns how many milliseconds it has taken so far.
    pub(super) fn milliseconds(&self) -> u64 {
        match NOW.0.load(Ordering::Relaxed) - self.began {
            0 | 1 => 0,
            ticks @ BLOCKS.. => ticks,
            _ => thread_time().saturating_sub(self.ran).as_millis() as u64,
        }
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        let after = match self.before % TICKS {
            IDLE => self.began * TICKS + IDLE,
            _ => self.before,
        };
        let _ = OWN.try_with(|own| own.replace(after));
    }
}

/// Returns whether long computations occupy all workers but one and the reserve, as of the last
/// tick.
pub(crate) fn is_crowded() -> bool {
    IS_CROWDED.load(Ordering::Relaxed)
}

/// A runtime that the watch attends to, until this is dropped.
#[derive(Debug)]
pub(crate) struct Attended(u64);

/// Makes the watch attend to the present runtime. Must be called within one.
pub(crate) fn attend() -> Attended {
    THREAD.get_or_init(|| {
        let named = thread::Builder::new().name("headwater-watch".to_owned());
        let started = named.spawn(watch);
        if let Err(error) = &started {
            tracing::error!(%error, "no thread can be started, so computations are not watched");
        }
        started.ok().map(|it| it.thread().clone())
    });
    let number = rand::random();
    let mut runtimes = runtimes();
    runtimes.push((number, Handle::current()));
    count_workers(&runtimes);
    Attended(number)
}

impl Drop for Attended {
    fn drop(&mut self) {
        let mut runtimes = runtimes();
        runtimes.retain(|(number, _)| *number != self.0);
        count_workers(&runtimes);
    }
}

fn count_workers(runtimes: &[(u64, Handle)]) {
    // The runtime of a computation is unknown, so the smallest counts.
    let workers = runtimes.iter().map(|(_, runtime)| runtime.metrics().num_workers());
    let workers = workers.min().unwrap_or_default().saturating_sub(usize::from(reserve::exists()));
    WORKERS.store(workers, Ordering::Relaxed);
}

fn runtimes() -> MutexGuard<'static, Vec<(u64, Handle)>> {
    RUNTIMES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch() {
    loop {
        thread::park_timeout(TICK);
        let now = NOW.0.load(Ordering::Relaxed) + 1;
        NOW.0.store(now, Ordering::Relaxed);
        let (mut is_long, mut occupied, mut is_over) = (false, 0, true);
        for cell in &CELL {
            let cell = cell.0.load(Ordering::Relaxed);
            let (kind, ticks) = (cell % TICKS, now - cell / TICKS);
            let is_in_place = matches!(kind, IN_PLACE | VARIANT);
            is_long |= is_in_place && ticks > 1;
            occupied += usize::from(is_in_place && ticks >= OCCUPIES);
            is_over &= !is_in_place && ticks > RESTS_AFTER;
            if kind == VARIANT && ticks >= OCCUPIES {
                Code::variant().note(ticks);
            }
        }
        let workers = WORKERS.load(Ordering::Relaxed);
        IS_CROWDED.store(occupied > 0 && occupied + 1 >= workers, Ordering::Relaxed);
        match occupied >= workers {
            true => reserve::release(),
            false => reserve::hold(),
        }
        if is_long {
            wake_workers();
        }
        if is_over {
            RESTS.0.store(true, Ordering::Relaxed);
            thread::park_timeout(REST);
            RESTS.0.store(false, Ordering::Relaxed);
        }
    }
}

/// Wakes a worker of each runtime, if one sleeps: without a task, it waits for I/O.
fn wake_workers() {
    for (_, runtime) in &*runtimes() {
        drop(runtime.spawn(async {}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_of_a_thread_that_has_ended_is_taken_again() {
        for _ in 0..2 * CELLS {
            let has_cell = thread::spawn(|| {
                drop(Measurement::handed_over());
                OWN.with(|own| own.cell.is_some())
            });
            assert!(has_cell.join().unwrap());
        }
    }
}
