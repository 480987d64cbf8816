//! The patterns of one log: the regular expressions that were invalidated, and their verdicts on
//! ids.
//!
//! # Contents
//!
//! - [`Patterns`]: the ledger's patterns, and their verdict on content with given ids. [`Met`]: the
//!   position up to which an entry was tested.
//! - `pattern`: one invalidation by a regular expression, and when it covers an older one.
//! - `head`: the texts of which an id must contain one to match an expression.
//! - `expression`: a regular expression with its heads, compiled when it is first needed.
//! - `run`: many patterns that an id is tested against at once.
//! - `book`: the writers' own bookkeeping of the patterns.
//!
//! # How ten thousand patterns cost an id no more than a few
//!
//! Most patterns are a text after `^`, perhaps followed by `$` or `(/|$)`. Such a *head* decides
//! alone: the expression matches an id if, and only if, the id begins with the text (or is the
//! text). An expression with more than its heads is evaluated, but only on ids with one of the
//! heads. For it, the texts that its matches end with may be better heads: every id has the
//! beginning of `^/[a-z]+/river$`. The heads of a run are sorted, and those that an id begins with
//! are found in a few searches, however many heads there are. An expression without any text is
//! evaluated on every id.
//!
//! Runs never change, so readers take no lock: they hold a list of runs, and a writer publishes
//! another list in its place. New patterns are a run of their own. Runs of about the same size are
//! merged, so that there are few, and a pattern is moved as often as the number of patterns
//! doubles. A pattern that is covered or retired stays in its run until the run is rebuilt: its
//! verdict remains correct. There are never more of these than of the others, so memory is bounded
//! by the number of outstanding patterns.

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
