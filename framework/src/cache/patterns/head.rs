use std::sync::Arc;

use regex_syntax::hir::literal::{ExtractKind, Extractor, Literal};
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// How many heads an expression has at most.
const HEADS: usize = 16;

/// How many characters a class has at most to be listed one by one.
const CHARACTERS: usize = 4;

/// How often a part that is repeated is written out at most.
const TIMES: u32 = 4;

/// How long a head is at most, in bytes.
const LENGTH: usize = 512;

/// A text that stands in an id in which an expression is found. An expression has all the heads that
/// it needs so that one of them stands in each such id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) place: Anchor,
    pub(super) text: Arc<[u8]>,
    pub(super) then: Then,
}

/// Where a head stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// At the beginning of the id.
    Beginning,
    /// Anywhere in it.
    Anywhere,
}

/// What must come behind a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Anything: the expression is found wherever the head stands.
    Anything,
    /// The end of the id.
    End,
    /// What the expression says.
    Ask,
}

/// The heads of an expression: the texts that its matches begin with.
pub(super) fn heads(hir: &Hir) -> Vec<Head> {
    read(hir, vec![Reading::default()]).into_iter().map(Reading::head).collect()
}

/// Other heads of an expression that is to be asked: the texts that its matches end with. `None` if
/// there are none, or too many.
pub(super) fn endings(hir: &Hir) -> Option<Vec<Head>> {
    let mut extractor = Extractor::new();
    let extractor = extractor.kind(ExtractKind::Suffix).limit_class(CHARACTERS);
    let endings = extractor.extract(hir);
    let texts = endings.literals()?;
    let can_be_told = !texts.is_empty()
        && texts.len() <= HEADS
        && texts.iter().all(|text| (1..=LENGTH).contains(&text.len()));
    let head = |text: &Literal| Head {
        place: Anchor::Anywhere,
        text: text.as_bytes().into(),
        then: Then::Ask,
    };
    can_be_told.then(|| texts.iter().map(head).collect())
}

/// One of the ways to begin a match: the text so far, and what may follow.
#[derive(Debug, Clone, Default, PartialEq)]
struct Reading {
    from_the_beginning: bool,
    text: Vec<u8>,
    to_the_end: bool,
    state: State,
}

/// What is known of the rest of a match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// So far a match is this text and nothing else.
    #[default]
    Exact,
    /// A match may go on as it likes here, or end.
    Loose,
    /// Whether it goes on only the expression knows.
    Open,
}

impl Reading {
    /// Adds bytes; `None` if nothing can be matched that way.
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

    /// What comes next, and is not an exact text.
    fn followed_by(self, hir: &Hir) -> Reading {
        match self.state {
            State::Loose if may_be_nothing(hir) => self,
            _ => self.becoming(State::Open),
        }
    }

    fn head(self) -> Head {
        let then = match (self.state, self.to_the_end) {
            (State::Open, _) => Then::Ask,
            (State::Exact | State::Loose, true) => Then::End,
            (State::Exact | State::Loose, false) => Then::Anything,
        };
        // The empty text is the end of every id, and stands in front of all.
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

/// Whether nothing at all matches it, wherever that is.
fn may_be_nothing(hir: &Hir) -> bool {
    hir.properties().minimum_len() == Some(0) && hir.properties().look_set().is_empty()
}

/// The readings, each with every way to go on with what comes next.
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
    // Too many to list: what comes next is left to the expression.
    others.extend(if read.len() > room { opened(&exact) } else { read });
    others
}

/// What is repeated is written out as often as it must be there, and may then go on.
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
        // Once more would not change it either. What changes grows, so this ends soon, however
        // deep repetitions stand in one another.
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

/// The characters of a small class, encoded.
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

    /// Heads as `^text$`, `^text…` and `^text?`, where the expression is asked.
    fn show(heads: Vec<Head>) -> Vec<String> {
        let show = |head: Head| {
            let start = if head.place == Anchor::Beginning { "^" } else { "" };
            let end = match head.then {
                Then::Anything => "…",
                Then::End => "$",
                Then::Ask => "?",
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
    fn what_sites_write_needs_no_expression() {
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
    fn what_goes_beyond_a_head_is_left_to_the_expression() {
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
    fn an_expression_may_end_with_what_tells_it_from_others() {
        let ending = |expression| endings(&parsed(expression)).map(show);
        assert_eq!(ending("^/[a-z]+/river$").unwrap(), ["/river?"]);
        assert_eq!(ending("^/[a-z]+/(river|sea)").unwrap(), ["/river?", "/sea?"]);
        assert_eq!(ending("^/[a-z]+/[0-9]+"), None);
        assert_eq!(ending("^/[a-z]*"), None, "nothing need stand there");
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
    fn an_expression_that_says_much_takes_little_time_to_read() {
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
