use std::sync::Arc;

use memchr::memmem;

use super::head::{Anchor, Head, Then};
use super::pattern::Pattern;
use crate::cache::validity::Verdict;
use crate::log::Position;

/// Consecutive patterns, which an id is tested against at once. A run never changes.
#[derive(Debug)]
pub(super) struct Run {
    /// In the order of their arrival.
    patterns: Box<[Arc<Pattern>]>,
    at_the_beginning: Box<[IndexedHead]>,
    anywhere: Box<[IndexedHead]>,
}

/// A head of a pattern. They are sorted by text, those with equal texts by arrival.
#[derive(Debug, Clone)]
struct IndexedHead {
    text: Arc<[u8]>,
    then: Then,
    pattern: Arc<Pattern>,
}

impl Run {
    /// Builds a run of patterns, which are in the order of their arrival.
    pub(super) fn of(patterns: Vec<Arc<Pattern>>) -> Run {
        let sorted_heads = |place| {
            let heads = patterns.iter().flat_map(|pattern| {
                let heads = pattern.expression.heads.iter().filter(move |head| head.place == place);
                heads.map(|Head { text, then, .. }| IndexedHead {
                    text: Arc::clone(text),
                    then: *then,
                    pattern: Arc::clone(pattern),
                })
            });
            sorted(heads.collect())
        };
        Run {
            at_the_beginning: sorted_heads(Anchor::Beginning),
            anywhere: sorted_heads(Anchor::Anywhere),
            patterns: patterns.into(),
        }
    }

    /// Merges this run with a younger one, without the covered patterns.
    pub(super) fn and(&self, younger: &Run) -> Run {
        let both = |older: &[IndexedHead], younger: &[IndexedHead]| {
            let all = older.iter().chain(younger).filter(|head| !head.pattern.is_covered());
            sorted(all.cloned().collect())
        };
        let patterns = self.patterns.iter().chain(&younger.patterns);
        Run {
            patterns: patterns.filter(|pattern| !pattern.is_covered()).cloned().collect(),
            at_the_beginning: both(&self.at_the_beginning, &younger.at_the_beginning),
            anywhere: both(&self.anywhere, &younger.anywhere),
        }
    }

    /// Returns the run without the patterns up to `floor` and the covered ones.
    pub(super) fn after(&self, floor: Position) -> Run {
        let is_kept = |pattern: &&Arc<Pattern>| pattern.position > floor && !pattern.is_covered();
        let kept = |heads: &[IndexedHead]| {
            heads.iter().filter(|head| is_kept(&&head.pattern)).cloned().collect()
        };
        Run {
            patterns: self.patterns.iter().filter(is_kept).cloned().collect(),
            at_the_beginning: kept(&self.at_the_beginning),
            anywhere: kept(&self.anywhere),
        }
    }

    /// Returns the number of its patterns.
    pub(super) fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Returns the number of its patterns up to `position`.
    pub(super) fn len_up_to(&self, position: Position) -> usize {
        self.patterns.partition_point(|pattern| pattern.position <= position)
    }

    /// Returns the position of its youngest pattern.
    pub(super) fn last(&self) -> Position {
        self.patterns.last().map_or(Position::START, |pattern| pattern.position)
    }

    /// Returns the verdict of its patterns after `from` on the id.
    pub(super) fn verdict(&self, id: &str, from: Position) -> Verdict {
        let mut test = IdTest { verdict: Verdict::Valid, to_evaluate: Vec::new() };
        let bytes = id.as_bytes();
        test.apply_prefixes(bytes, &self.at_the_beginning, from);
        // The cheaper of two ways.
        if self.anywhere.len() <= bytes.len() {
            test.apply_substrings(bytes, &self.anywhere, from);
        } else {
            for start in 0..bytes.len() {
                test.apply_prefixes(&bytes[start..], &self.anywhere, from);
            }
        }
        test.evaluate_on(id)
    }
}

/// A test of an id against the patterns of a run.
struct IdTest<'a> {
    verdict: Verdict,
    to_evaluate: Vec<&'a Pattern>,
}

impl<'a> IdTest<'a> {
    /// Applies the heads that `id`, or the rest of an id, begins with, of patterns after `from`.
    fn apply_prefixes(&mut self, id: &[u8], mut heads: &'a [IndexedHead], from: Position) {
        // A text that `id` begins with does not sort after `id`. The last text that does not sort
        // after it is such a text, or it has as long a common beginning with `id` as any of the
        // others.
        let mut front = id;
        loop {
            heads = &heads[..heads.partition_point(|head| *head.text <= *front)];
            let Some(last) = heads.last() else { return };
            let common = common(&last.text, front);
            if common < last.text.len() {
                front = &front[..common];
                continue;
            }
            let first = heads.partition_point(|head| head.text < last.text);
            let (others, equal) = heads.split_at(first);
            let after = equal.partition_point(|head| head.pattern.position <= from);
            for head in &equal[after..] {
                self.apply(head, id.len() - common);
            }
            heads = others;
        }
    }

    /// Applies the heads that occur anywhere in `id`, of patterns after `from`, one by one.
    fn apply_substrings(&mut self, id: &[u8], heads: &'a [IndexedHead], from: Position) {
        for head in heads.iter().filter(|head| head.pattern.position > from) {
            let is_found = match head.then {
                Then::End => id.ends_with(&head.text),
                Then::Anything | Then::Evaluate => memmem::find(id, &head.text).is_some(),
            };
            if is_found {
                self.apply(head, 0);
            }
        }
    }

    /// Applies a head whose text was found in the id. `rest` is the number of bytes after it, which
    /// only a head with [`Then::End`] depends on.
    fn apply(&mut self, head: &'a IndexedHead, rest: usize) {
        match head.then {
            Then::End if rest > 0 => {}
            Then::Anything | Then::End => {
                self.verdict = self.verdict.and(head.pattern.force.verdict());
            }
            Then::Evaluate => self.to_evaluate.push(&head.pattern),
        }
    }

    /// Evaluates the expressions that heads alone do not decide, and returns the verdict.
    fn evaluate_on(mut self, id: &str) -> Verdict {
        // A pattern may have several heads, and a head may occur several times.
        self.to_evaluate.sort_unstable_by_key(|pattern| pattern.number);
        self.to_evaluate.dedup_by_key(|pattern| pattern.number);
        for pattern in self.to_evaluate {
            if self.verdict == Verdict::Dead {
                break;
            }
            self.verdict = self.verdict.and(pattern.evaluated_on(id));
        }
        self.verdict
    }
}

fn sorted(mut heads: Vec<IndexedHead>) -> Box<[IndexedHead]> {
    // The sort is stable, and fast for two sorted pieces.
    heads.sort_by(|left, right| left.text.cmp(&right.text));
    heads.into()
}

/// Returns the length of the common beginning, in bytes.
fn common(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}
