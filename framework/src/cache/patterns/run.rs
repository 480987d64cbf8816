use std::sync::Arc;

use memchr::memmem;

use super::head::{Anchor, Head, Then};
use super::pattern::Pattern;
use crate::cache::validity::Verdict;
use crate::log::Position;

/// Patterns that came one after the other, so that an id meets all of them at once. It never changes.
#[derive(Debug)]
pub(super) struct Run {
    /// In the order in which they came.
    patterns: Box<[Arc<Pattern>]>,
    at_the_beginning: Box<[Stand]>,
    anywhere: Box<[Stand]>,
}

/// A head of a pattern. Stands are sorted by their texts, those with equal texts as they came.
#[derive(Debug, Clone)]
struct Stand {
    text: Arc<[u8]>,
    then: Then,
    pattern: Arc<Pattern>,
}

impl Run {
    /// Patterns in the order in which they came.
    pub(super) fn of(patterns: Vec<Arc<Pattern>>) -> Run {
        let stands = |place| {
            let heads = patterns.iter().flat_map(|pattern| {
                let heads = pattern.expression.heads.iter().filter(move |head| head.place == place);
                heads.map(|Head { text, then, .. }| Stand {
                    text: Arc::clone(text),
                    then: *then,
                    pattern: Arc::clone(pattern),
                })
            });
            sorted(heads.collect())
        };
        Run {
            at_the_beginning: stands(Anchor::Beginning),
            anywhere: stands(Anchor::Anywhere),
            patterns: patterns.into(),
        }
    }

    /// This run and a younger one, without what need not be kept.
    pub(super) fn and(&self, younger: &Run) -> Run {
        let both = |older: &[Stand], younger: &[Stand]| {
            let all = older.iter().chain(younger).filter(|stand| !stand.pattern.is_covered());
            sorted(all.cloned().collect())
        };
        let patterns = self.patterns.iter().chain(&younger.patterns);
        Run {
            patterns: patterns.filter(|pattern| !pattern.is_covered()).cloned().collect(),
            at_the_beginning: both(&self.at_the_beginning, &younger.at_the_beginning),
            anywhere: both(&self.anywhere, &younger.anywhere),
        }
    }

    /// What is left of it without the patterns up to `floor`.
    pub(super) fn after(&self, floor: Position) -> Run {
        let is_kept = |pattern: &&Arc<Pattern>| pattern.position > floor && !pattern.is_covered();
        let kept = |stands: &[Stand]| {
            stands.iter().filter(|stand| is_kept(&&stand.pattern)).cloned().collect()
        };
        Run {
            patterns: self.patterns.iter().filter(is_kept).cloned().collect(),
            at_the_beginning: kept(&self.at_the_beginning),
            anywhere: kept(&self.anywhere),
        }
    }

    /// How many patterns it has.
    pub(super) fn len(&self) -> usize {
        self.patterns.len()
    }

    /// How many of its patterns came up to `position`.
    pub(super) fn len_up_to(&self, position: Position) -> usize {
        self.patterns.partition_point(|pattern| pattern.position <= position)
    }

    /// The position of its youngest pattern.
    pub(super) fn last(&self) -> Position {
        self.patterns.last().map_or(Position::START, |pattern| pattern.position)
    }

    /// What those of its patterns that came after `from` mean for the id.
    pub(super) fn verdict(&self, id: &str, from: Position) -> Verdict {
        let mut meeting = Meeting { verdict: Verdict::Valid, to_ask: Vec::new() };
        let bytes = id.as_bytes();
        meeting.in_front_of(bytes, &self.at_the_beginning, from);
        // Whichever is less work.
        if self.anywhere.len() <= bytes.len() {
            meeting.within(bytes, &self.anywhere, from);
        } else {
            for start in 0..bytes.len() {
                meeting.in_front_of(&bytes[start..], &self.anywhere, from);
            }
        }
        meeting.ask_about(id)
    }
}

/// An id that meets the patterns of a run.
struct Meeting<'a> {
    verdict: Verdict,
    to_ask: Vec<&'a Pattern>,
}

impl<'a> Meeting<'a> {
    /// Meets the stands of patterns after `from` whose texts `id`, or what is left of it, begins with.
    fn in_front_of(&mut self, id: &[u8], mut stands: &'a [Stand], from: Position) {
        // What `id` begins with is not behind it in the order of texts. The last one that is not
        // behind it is such a text, or it has as much in common with `id` as any of them.
        let mut front = id;
        loop {
            stands = &stands[..stands.partition_point(|stand| *stand.text <= *front)];
            let Some(last) = stands.last() else { return };
            let common = common(&last.text, front);
            if common < last.text.len() {
                front = &front[..common];
                continue;
            }
            let first = stands.partition_point(|stand| stand.text < last.text);
            let (others, equal) = stands.split_at(first);
            let after = equal.partition_point(|stand| stand.pattern.position <= from);
            for stand in &equal[after..] {
                self.meet(stand, id.len() - common);
            }
            stands = others;
        }
    }

    /// Meets those of patterns after `from` whose texts stand anywhere in `id`, one by one.
    fn within(&mut self, id: &[u8], stands: &'a [Stand], from: Position) {
        for stand in stands.iter().filter(|stand| stand.pattern.position > from) {
            let is_there = match stand.then {
                Then::End => id.ends_with(&stand.text),
                Then::Anything | Then::Ask => memmem::find(id, &stand.text).is_some(),
            };
            if is_there {
                self.meet(stand, 0);
            }
        }
    }

    /// Behind the text there is so much of the id.
    fn meet(&mut self, stand: &'a Stand, rest: usize) {
        match stand.then {
            Then::End if rest > 0 => {}
            Then::Anything | Then::End => {
                self.verdict = self.verdict.and(stand.pattern.force.verdict());
            }
            Then::Ask => self.to_ask.push(&stand.pattern),
        }
    }

    /// Asks the expressions that are to be asked, and comes to an end.
    fn ask_about(mut self, id: &str) -> Verdict {
        // A pattern may have several heads, and a head may stand in several places.
        self.to_ask.sort_unstable_by_key(|pattern| pattern.number);
        self.to_ask.dedup_by_key(|pattern| pattern.number);
        for pattern in self.to_ask {
            if self.verdict == Verdict::Dead {
                break;
            }
            self.verdict = self.verdict.and(pattern.asked_about(id));
        }
        self.verdict
    }
}

fn sorted(mut stands: Vec<Stand>) -> Box<[Stand]> {
    // Stable, and quick with what is two sorted pieces.
    stands.sort_by(|left, right| left.text.cmp(&right.text));
    stands.into()
}

/// How many bytes at the beginning are the same.
fn common(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}
