//! Patterns against a model that tries each regular expression, in order.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use regex::Regex;

use super::{Met, Patterns};
use crate::cache::validity::{Ids, Verdict};
use crate::clock::Moment;
use crate::log::{Invalidation, Position, compile_pattern};

/// A remembered pattern: its position and, if it is soft, since when matching ids are stale.
type Remembered = (Regex, u64, Option<Moment>);

/// A model that is obviously correct, and slow.
#[derive(Debug, Default)]
struct Naive {
    patterns: Vec<Remembered>,
    floor: u64,
    latest: u64,
}

impl Naive {
    fn add(&mut self, regex: &Regex, position: u64, mut soft: Option<Moment>) {
        self.patterns.retain(|(older, _, force)| {
            let is_covered = match (soft, force) {
                _ if older.as_str() != regex.as_str() => false,
                (None, _) => true,
                (Some(_), None) => false,
                (Some(at), Some(earlier)) => at.since(*earlier) <= Duration::from_secs(1),
            };
            if let (true, Some(at), Some(earlier)) = (is_covered, soft, *force) {
                soft = Some(at.min(earlier));
            }
            !is_covered
        });
        self.patterns.push((regex.clone(), position, soft));
        self.latest = position;
    }

    fn retire(&mut self, up_to: u64) {
        self.patterns.retain(|(_, position, _)| *position > up_to);
        self.floor = self.floor.max(up_to);
    }

    fn shrink_to(&mut self, limit: usize) {
        if let Some(last) = self.patterns.len().checked_sub(limit + 1) {
            self.retire(self.patterns[last].1);
        }
    }

    fn verdict(&self, ids: &[&str], from: u64) -> Verdict {
        if from < self.floor && from < self.latest {
            return Verdict::Dead;
        }
        let mut verdict = Verdict::Valid;
        for (regex, _, soft) in self.patterns.iter().filter(|(_, position, _)| *position > from) {
            if ids.iter().any(|id| regex.is_match(id)) {
                verdict = verdict.and(match *soft {
                    None => Verdict::Dead,
                    Some(since) => Verdict::Stale { since },
                });
            }
        }
        verdict
    }
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => "[ab/é]{1,3}",
        2 => Just(r"\.".to_owned()),
        2 => Just("^".to_owned()),
        2 => Just("$".to_owned()),
        1 => Just("[ab]".to_owned()),
        1 => Just("[^a]".to_owned()),
        1 => Just("[/?é]".to_owned()),
        1 => Just(".".to_owned()),
        1 => Just(".*".to_owned()),
        1 => Just(r"\d+".to_owned()),
        1 => Just(r"\b".to_owned()),
        1 => Just("(?m:^)".to_owned()),
        1 => Just("(?m:$)".to_owned()),
        1 => Just(r"\A".to_owned()),
        1 => Just(r"\z".to_owned()),
        1 => Just("(?i:aé)".to_owned()),
        1 => Just("(?s:.)".to_owned()),
        1 => Just("(?-u:[ab])".to_owned()),
        1 => Just("[^\\s\\S]".to_owned()),
        1 => Just(String::new()),
    ];
    let nested = leaf.prop_recursive(4, 24, 4, |inner| {
        let times = prop_oneof![
            2 => Just("?"), 1 => Just("*"), 1 => Just("+"), 1 => Just("{2}"), 1 => Just("{2,}"),
            1 => Just("{0,2}"), 1 => Just("{6}"), 1 => Just("*?"),
        ];
        prop_oneof![
            4 => vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => vec(inner.clone(), 1..4).prop_map(|ways| format!("({})", ways.join("|"))),
            2 => (inner, times).prop_map(|(inner, times)| format!("(?:{inner}){times}")),
        ]
    });
    prop_oneof![
        3 => nested.clone(),
        2 => nested.clone().prop_map(|rest| format!("^{rest}")),
        1 => nested.prop_map(|rest| format!("^/{rest}$")),
        2 => "\\^/[ab]{1,2}(\\(/\\|\\$\\)|\\$|/|)",
    ]
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![4 => "/?[ab/é]{0,6}", 1 => "[abA/é1?.\n]{0,8}"]
}

#[derive(Debug, Clone)]
enum Step {
    /// A record: hard expressions and soft ones.
    Record {
        hard: Vec<prop::sample::Index>,
        soft: Vec<prop::sample::Index>,
    },
    Wait {
        milliseconds: u64,
    },
    Retire {
        back: u64,
    },
    Shrink {
        limit: usize,
    },
    /// An id that was tested up to so many positions ago.
    Ask {
        back: u64,
        ids: Vec<String>,
    },
    /// An id asked before, with the mark of that time.
    AskAgain {
        asked: prop::sample::Index,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let some = || vec(any::<prop::sample::Index>(), 0..3);
    prop_oneof![
        8 => (some(), some()).prop_map(|(hard, soft)| Step::Record { hard, soft }),
        3 => (0u64..1500).prop_map(|milliseconds| Step::Wait { milliseconds }),
        1 => (0u64..12).prop_map(|back| Step::Retire { back }),
        1 => (0usize..12).prop_map(|limit| Step::Shrink { limit }),
        6 => (0u64..12, vec(id(), 1..3)).prop_map(|(back, ids)| Step::Ask { back, ids }),
        3 => any::<prop::sample::Index>().prop_map(|asked| Step::AskAgain { asked }),
    ]
}

fn verdict(patterns: &Patterns, ids: &[String], met: &Met) -> Verdict {
    let contains: Vec<Box<str>> = ids[1..].iter().map(|id| id.as_str().into()).collect();
    patterns.verdict(Ids { own: &ids[0], contains: &contains }, met)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_pattern_matches_where_its_regular_expression_does(
        text in expression(),
        ids in vec(id(), 1..20),
    ) {
        let regex = compile_pattern(&text).unwrap();
        let patterns = Patterns::new(Position::START);
        patterns.invalidate(&Invalidation::new().pattern(&*text), Position(1), Moment::EARLIEST);
        for id in ids {
            let is_found = verdict(&patterns, std::slice::from_ref(&id), &Met::up_to(Position(0)));
            prop_assert_eq!(is_found == Verdict::Dead, regex.is_match(&id), "{:?} in {:?}", text, id);
        }
    }

    #[test]
    fn patterns_give_the_verdict_of_trying_each_in_order(
        texts in vec(expression(), 1..24),
        steps in vec(step(), 1..60),
    ) {
        let (patterns, mut naive) = (Patterns::new(Position::START), Naive::default());
        // Forgets nothing, and covers no pattern by another.
        let mut truth = Naive::default();
        let regexes: Vec<_> = texts.iter().map(|text| compile_pattern(text).unwrap()).collect();
        let (mut position, mut now) = (0, Moment::from_nanos(1_000_000_000));
        let mut asked: Vec<(Vec<String>, u64, Met)> = Vec::new();
        for step in steps {
            match step {
                Step::Record { hard, soft } => {
                    position += 1;
                    let hard = hard.iter().map(|index| (index.get(&regexes), None));
                    let soft = soft.iter().map(|index| (index.get(&regexes), Some(now)));
                    let mut record = Invalidation::new();
                    for (regex, soft) in hard.chain(soft) {
                        naive.add(regex, position, soft);
                        truth.patterns.push((regex.clone(), position, soft));
                        let named = match soft {
                            None => &mut record.patterns,
                            Some(_) => &mut record.soft_patterns,
                        };
                        named.push(regex.to_string());
                    }
                    patterns.invalidate(&record, Position(position), now);
                }
                Step::Wait { milliseconds } => now = now.after(Duration::from_millis(milliseconds)),
                Step::Retire { back } => {
                    patterns.retire(Position(position.saturating_sub(back)));
                    naive.retire(position.saturating_sub(back));
                }
                Step::Shrink { limit } => {
                    patterns.shrink_to(limit);
                    naive.shrink_to(limit);
                }
                Step::Ask { back, ids } => {
                    let from = position.saturating_sub(back);
                    let met = Met::up_to(Position(from));
                    let each: Vec<&str> = ids.iter().map(String::as_str).collect();
                    prop_assert_eq!(verdict(&patterns, &ids, &met), naive.verdict(&each, from));
                    asked.push((ids, from, met));
                }
                // The id was meanwhile tested against the patterns retired since, or is dead.
                Step::AskAgain { asked: index } if !asked.is_empty() => {
                    let (ids, from, met) = index.get(&asked);
                    let found = verdict(&patterns, ids, met);
                    let each: Vec<&str> = ids.iter().map(String::as_str).collect();
                    let due = truth.verdict(&each, *from);
                    prop_assert_eq!(found.and(due), found, "not worse than it is");
                    if naive.floor <= *from {
                        prop_assert_eq!(found, naive.verdict(&each, *from));
                    }
                }
                Step::AskAgain { .. } => {}
            }
            prop_assert_eq!(patterns.len(), naive.patterns.len());
        }
    }
}
