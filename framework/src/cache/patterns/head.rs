use std::sync::Arc;

use regex_syntax::hir::literal::{ExtractKind, Extractor, Literal};
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// The greatest number of heads of an expression.
const HEADS: usize = 16;

/// The greatest number of characters of a class that is expanded into its characters.
const CHARACTERS: usize = 4;

/// The greatest number of times that a repeated part is written out.
const TIMES: u32 = 4;

/// The greatest length of a head, in bytes.
const LENGTH: usize = 512;

/// A text that occurs in ids that an expression matches. The heads of an expression are complete:
/// each id that it matches contains one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) place: Anchor,
    pub(super) text: Arc<[u8]>,
    pub(super) then: Then,
}

/// Where a head occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// At the beginning of the id.
    Beginning,
    /// Anywhere in the id.
    Anywhere,
}

/// The condition on the text after a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Anything: the expression matches wherever the head occurs.
    Anything,
    /// The end of the id.
    End,
    /// The rest of the expression, which must be evaluated.
    Evaluate,
}

/// Returns the heads of an expression: the texts that its matches begin with.
pub(super) fn heads(hir: &Hir) -> Vec<Head> {
    read(hir, vec![Reading::default()]).into_iter().map(Reading::head).collect()
}

/// Returns other heads of an expression that must be evaluated: the texts that its matches end
/// with. `None` if there are none, or too many.
pub(super) fn endings(hir: &Hir) -> Option<Vec<Head>> {
    let mut extractor = Extractor::new();
    let extractor = extractor.kind(ExtractKind::Suffix).limit_class(CHARACTERS);
    let endings = extractor.extract(hir);
    let texts = endings.literals()?;
    let are_usable = !texts.is_empty()
        && texts.len() <= HEADS
        && texts.iter().all(|text| (1..=LENGTH).contains(&text.len()));
    let head = |text: &Literal| Head {
        place: Anchor::Anywhere,
        text: text.as_bytes().into(),
        then: Then::Evaluate,
    };
    are_usable.then(|| texts.iter().map(head).collect())
}

/// One of the ways to begin a match: the text so far, and what may follow.
#[derive(Debug, Clone, Default, PartialEq)]
struct Reading {
    from_the_beginning: bool,
    text: Vec<u8>,
    to_the_end: bool,
    state: State,
}

/// The constraint on the rest of a match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// So far the text describes a match exactly.
    #[default]
    Exact,
    /// Anything, or nothing, may follow.
    Loose,
    /// Only the expression decides what may follow.
    Open,
}

impl Reading {
    /// Appends bytes; `None` if no match is possible that way.
    fn then(mut self, bytes: &[u8]) -> Option<Reading> {
        if self.to_the_end && !bytes.is_empty() {
            return None;
        }
        match self.text.len() + bytes.len() <= LENGTH {
            true => self.text.extend_from_slice(bytes),
            false => self.state = State::Open,
        }
        Some(self)
    }

    fn becoming(self, state: State) -> Reading {
        Reading { state, ..self }
    }

    /// Appends a part that is no exact text.
    fn followed_by(self, hir: &Hir) -> Reading {
        match self.state {
            State::Loose if may_be_nothing(hir) => self,
            _ => self.becoming(State::Open),
        }
    }

    fn head(self) -> Head {
        let then = match (self.state, self.to_the_end) {
            (State::Open, _) => Then::Evaluate,
            (State::Exact | State::Loose, true) => Then::End,
            (State::Exact | State::Loose, false) => Then::Anything,
        };
        // The empty text is the end of every id, and the beginning of every id.
        let then = match then {
            Then::End if self.text.is_empty() && !self.from_the_beginning => Then::Anything,
            then => then,
        };
        let place = match self.from_the_beginning || self.text.is_empty() {
            true => Anchor::Beginning,
            false => Anchor::Anywhere,
        };
        Head { place, text: self.text.into(), then }
    }
}

/// Returns whether it matches the empty text at every position.
fn may_be_nothing(hir: &Hir) -> bool {
    hir.properties().minimum_len() == Some(0) && hir.properties().look_set().is_empty()
}

/// Returns the readings, each continued in every way that the next part allows.
fn read(hir: &Hir, readings: Vec<Reading>) -> Vec<Reading> {
    let (exact, mut others): (Vec<_>, Vec<_>) =
        readings.into_iter().partition(|reading| reading.state == State::Exact);
    others = others.into_iter().map(|reading| reading.followed_by(hir)).collect();
    if exact.is_empty() {
        return others;
    }
    let room = HEADS.saturating_sub(others.len());
    let read = match hir.kind() {
        HirKind::Empty => exact.clone(),
        HirKind::Literal(literal) => each(&exact, |reading| reading.then(&literal.0)),
        HirKind::Look(Look::Start) => each(&exact, |reading| {
            let here = reading.text.is_empty();
            here.then_some(Reading { from_the_beginning: true, ..reading })
        }),
        HirKind::Look(Look::End) => {
            each(&exact, |reading| Some(Reading { to_the_end: true, ..reading }))
        }
        HirKind::Look(_) => opened(&exact),
        HirKind::Class(class) => match characters(class) {
            Some(characters) => {
                let with = |character: &Vec<u8>| each(&exact, |reading| reading.then(character));
                characters.iter().flat_map(with).collect()
            }
            None => opened(&exact),
        },
        HirKind::Repetition(repetition) => repeated(repetition, &exact),
        HirKind::Capture(capture) => read(&capture.sub, exact.clone()),
        HirKind::Concat(parts) => {
            parts.iter().fold(exact.clone(), |read_so_far, part| read(part, read_so_far))
        }
        HirKind::Alternation(ways) => {
            let mut all = Vec::new();
            for way in ways {
                all.extend(read(way, exact.clone()));
                if all.len() > room {
                    break;
                }
            }
            all
        }
    };
    // Too many to list: the next part is left to the expression.
    others.extend(if read.len() > room { opened(&exact) } else { read });
    others
}

/// Writes a repeated part out as often as it must occur. It may occur again after that.
fn repeated(repetition: &Repetition, exact: &[Reading]) -> Vec<Reading> {
    let &Repetition { min, max, ref sub, .. } = repetition;
    if (min, max) == (0, Some(1)) {
        let with = read(sub, exact.to_vec());
        return exact.iter().cloned().chain(with).collect();
    }
    let times = min.min(TIMES);
    let mut readings = exact.to_vec();
    for _ in 0..times {
        let before = readings.clone();
        readings = read(sub, readings);
        // Another round would not change it either. A reading that changes grows, so this ends
        // soon, however deep repetitions are nested.
        if readings == before {
            break;
        }
    }
    let state = match (times == min, max == Some(min)) {
        (true, true) => return readings,
        (true, false) => State::Loose,
        (false, _) => State::Open,
    };
    let ended = |reading: Reading| match reading.state {
        State::Exact => reading.becoming(state),
        State::Loose if state == State::Open => reading.becoming(State::Open),
        _ => reading,
    };
    readings.into_iter().map(ended).collect()
}

fn each(readings: &[Reading], step: impl Fn(Reading) -> Option<Reading>) -> Vec<Reading> {
    readings.iter().cloned().filter_map(step).collect()
}

fn opened(readings: &[Reading]) -> Vec<Reading> {
    each(readings, |reading| Some(reading.becoming(State::Open)))
}

/// Returns the characters of a small class, encoded.
fn characters(class: &Class) -> Option<Vec<Vec<u8>>> {
    let few = |counts: &mut dyn Iterator<Item = usize>| counts.sum::<usize>() <= CHARACTERS;
    match class {
        Class::Unicode(class) => {
            let ranges = class.ranges();
            few(&mut ranges.iter().map(|range| range.len())).then(|| {
                let all = ranges.iter().flat_map(|range| range.start()..=range.end());
                all.map(|character| character.to_string().into_bytes()).collect()
            })
        }
        Class::Bytes(class) => {
            let ranges = class.ranges();
            few(&mut ranges.iter().map(|range| range.len())).then(|| {
                let all = ranges.iter().flat_map(|range| range.start()..=range.end());
                all.map(|byte| vec![byte]).collect()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats heads as `^text$`, `^text…` and, where the expression is evaluated, `^text?`.
    fn show(heads: Vec<Head>) -> Vec<String> {
        let show = |head: Head| {
            let start = if head.place == Anchor::Beginning { "^" } else { "" };
            let end = match head.then {
                Then::Anything => "…",
                Then::End => "$",
                Then::Evaluate => "?",
            };
            format!("{start}{}{end}", String::from_utf8(head.text.to_vec()).unwrap())
        };
        heads.into_iter().map(show).collect()
    }

    fn shown(expression: &str) -> Vec<String> {
        show(heads(&parsed(expression)))
    }

    fn parsed(expression: &str) -> Hir {
        regex_syntax::parse(expression).unwrap()
    }

    #[test]
    fn common_patterns_are_decided_by_heads_alone() {
        assert_eq!(shown("^/blog/"), ["^/blog/…"]);
        assert_eq!(shown(r"^/index\.html$"), ["^/index.html$"]);
        assert_eq!(shown("^/stories/7(/|$)"), ["^/stories/7/…", "^/stories/7$"]);
        assert_eq!(
            shown("^/stories/7([/?]|$)"),
            ["^/stories/7/…", "^/stories/7?…", "^/stories/7$"]
        );
        assert_eq!(shown("^/(news|blog)/.*"), ["^/news/…", "^/blog/…"]);
        assert_eq!(shown("^(/a|/b$)"), ["^/a…", "^/b$"]);
        assert_eq!(shown("/tags/rust$"), ["/tags/rust$"]);
        assert_eq!(shown("^/a/?$"), ["^/a$", "^/a/$"]);
        assert_eq!(shown("^/a+"), ["^/a…"]);
    }

    #[test]
    fn a_match_beyond_a_head_is_left_to_the_expression() {
        assert_eq!(shown("^/archive/[0-9]{4}/"), ["^/archive/?"]);
        assert_eq!(shown("^/a.*$"), ["^/a?"]);
        assert_eq!(shown("^/a.*b"), ["^/a?"]);
        assert_eq!(shown(r"^/a\b"), ["^/a?"]);
        assert_eq!(shown("^/ab{9}"), ["^/abbbb?"]);
        assert_eq!(shown("(?m)^/a"), ["^?"], "a line is not an id");
        assert_eq!(shown("[0-9]+"), ["^?"]);
        let many = format!(
            "^/({})",
            ["a/", "b/", "c/", "d/", "e/"].map(|a| format!("{a}[xyz]/[xyz]")).join("|")
        );
        assert_eq!(shown(&many), ["^/?"], "more than can be listed");
    }

    #[test]
    fn endings_are_the_texts_that_matches_end_with() {
        let ending = |expression| endings(&parsed(expression)).map(show);
        assert_eq!(ending("^/[a-z]+/river$").unwrap(), ["/river?"]);
        assert_eq!(ending("^/[a-z]+/(river|sea)").unwrap(), ["/river?", "/sea?"]);
        assert_eq!(ending("^/[a-z]+/[0-9]+"), None);
        assert_eq!(ending("^/[a-z]*"), None, "a match may end with no letter");
    }

    #[test]
    fn texts_found_everywhere_or_nowhere_are_reported() {
        assert_eq!(shown(""), ["^…"]);
        assert_eq!(shown("$"), ["^…"]);
        assert_eq!(shown("^$"), ["^$"]);
        assert_eq!(shown("a^"), Vec::<String>::new());
        assert_eq!(shown("$a"), Vec::<String>::new());
    }

    #[test]
    fn a_large_expression_is_analysed_in_little_time() {
        let start = std::time::Instant::now();
        for expression in [
            "((((((((a{8}){8}){8}){8}){8}){8}){8}){8})".to_owned(),
            format!(
                "({})",
                (0..50_000).map(|number| format!("a{number}")).collect::<Vec<_>>().join("|")
            ),
            "(((((((a?b?){4}){4}){4}){4}){4}){4}){4}".to_owned(),
            "(a|b|c|d)".repeat(10_000),
            format!("{}a^|{}", "(".repeat(40), "){4}".repeat(40)),
            "a".repeat(1_000_000),
        ] {
            assert!(heads(&parsed(&expression)).len() <= HEADS);
        }
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
    }
}
