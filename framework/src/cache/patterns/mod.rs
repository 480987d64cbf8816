//! The patterns of one log: regular expressions that were invalidated, and what they mean for ids.
//!
//! # What is here
//!
//! - [`Patterns`]: what the ledger knows, and the verdict on what has these ids. [`Met`]: how far an
//!   entry has met them.
//! - `pattern`: one invalidation by a regular expression, and when it stands in for an older one.
//! - `head`: what must stand in an id so that an expression can be found in it.
//! - `expression`: a regular expression with its heads, compiled when it is first needed.
//! - `run`: many patterns that an id meets at once.
//! - `book`: what the writer side knows of the patterns.
//!
//! # How ten thousand patterns cost an id no more than a few
//!
//! Most patterns are a text behind `^`, perhaps with `$` or `(/|$)` behind it. Such a *head* says all:
//! the expression is found in an id if, and only if, the id begins with the text (or is the text).
//! What an expression has beyond its heads is left to the expression itself, which is asked only
//! where a head stands. There it may be better to look for what it ends with: of `^/[a-z]+/river$` every id has the
//! beginning. The heads of a run are sorted, and those that an id begins with are found
//! in a few searches, however many there are. An expression without any text is always asked.
//!
//! Runs never change, so readers take no lock: they hold a list of runs, and a writer publishes
//! another list in its place. New patterns are a run of their own. Runs of about the same size
//! become one, so that there are few, and a pattern is moved as often as the number of patterns
//! doubles. A pattern that another stands in for, or that is retired, stays in its run until that
//! is made anew: its verdict remains true. There are never more of these than of the others, so
//! memory is bounded by the number of outstanding patterns.

mod book;
mod expression;
#[cfg(feature = "internals")]
mod fuzzed;
mod head;
mod outstanding;
mod pattern;
mod run;

#[cfg(test)]
mod naive_tests;

#[cfg(feature = "internals")]
pub use fuzzed::invalidated;
pub(super) use outstanding::{Met, Patterns};
