use std::cmp::Reverse;

/// The segments of a route's path.
///
/// If several paths match a request, the order of their shapes decides: the least shape is the most specific one and
/// wins. Segments are compared from the left, and the first two that differ decide:
///
/// 1. literal text;
/// 2. a capture with text around it: the one with the longer text before the capture, then the one with the longer text
///    after it;
/// 3. a capture that is the whole segment;
/// 4. a capture of the rest of the path.
///
/// Two different segments of one kind that both match the same text differ in one of the lengths, so the order is total
/// for all paths that match the same request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Around(Reverse<usize>, Reverse<usize>, Affixes),
    Whole,
    Rest,
}

/// The text before and after a capture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Affixes {
    before: String,
    after: String,
}

impl Shape {
    /// Parses the output of [`PathPattern::shape`](super::path::PathPattern::shape).
    pub(super) fn new(written: &str) -> Shape {
        Shape(written.split('/').skip(1).map(Segment::new).collect())
    }

    /// Returns whether every capture is a whole segment or the rest of the path.
    pub(super) fn is_of_whole_segments(&self) -> bool {
        !self.0.iter().any(|segment| matches!(segment, Segment::Around(..)))
    }

    /// Returns whether the shape matches `path`.
    pub(super) fn is_match(&self, path: &str) -> bool {
        self.walk(path, |_, _| ())
    }

    /// Calls `capture` with the start and end of each capture in `path`, which must match.
    pub(super) fn captures(&self, path: &str, capture: impl FnMut(usize, usize)) {
        self.walk(path, capture);
    }

    fn walk(&self, path: &str, mut capture: impl FnMut(usize, usize)) -> bool {
        let mut at = 0;
        for segment in &self.0 {
            if path.as_bytes().get(at) != Some(&b'/') {
                return false;
            }
            let start = at + 1;
            let rest = &path[start..];
            let text = &rest[..rest.find('/').unwrap_or(rest.len())];
            at = start + text.len();
            match segment {
                Segment::Literal(literal) if literal == text => {}
                Segment::Literal(_) => return false,
                Segment::Whole if text.is_empty() => return false,
                Segment::Whole => capture(start, at),
                Segment::Around(Reverse(before), Reverse(after), affixes) => {
                    if text.len() <= before + after
                        || !text.starts_with(&affixes.before)
                        || !text.ends_with(&affixes.after)
                        || ends_within_escape(&text[*before..text.len() - after])
                    {
                        return false;
                    }
                    capture(start + before, at - after);
                }
                Segment::Rest => {
                    capture(start, path.len());
                    return !rest.is_empty();
                }
            }
        }
        at == path.len()
    }
}

/// Returns whether `text`, the beginning of a canonical text, ends between `%` and its second digit.
fn ends_within_escape(text: &str) -> bool {
    text.as_bytes().iter().rev().take(2).any(|byte| *byte == b'%')
}

impl Segment {
    fn new(written: &str) -> Segment {
        if written.starts_with("{*") {
            return Segment::Rest;
        }
        match written.split_once('{') {
            None => Segment::Literal(written.to_owned()),
            Some((before, rest)) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                if before.is_empty() && after.is_empty() {
                    return Segment::Whole;
                }
                let affixes = Affixes { before: before.to_owned(), after: after.to_owned() };
                Segment::Around(Reverse(before.len()), Reverse(after.len()), affixes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_specific_shape_comes_first() {
        let written = [
            "/a/{p0}",
            "/abc-{p0}.md/x",
            "/abc-{p0}/a",
            "/ab{p0}.markdown",
            "/ab{p0}.md",
            "/{p0}.markdown",
            "/{p0}.md/edit",
            "/{p0}/a",
            "/{p0}/{p1}.md",
            "/{p0}/{p1}",
            "/{p0}/{*rest}",
            "/{*rest}",
        ];
        let mut shapes: Vec<&str> = written.into_iter().rev().collect();
        shapes.sort_by_key(|written| Shape::new(written));
        assert_eq!(shapes, written);
    }

    #[test]
    fn captures_are_never_empty_and_end_with_their_segment() {
        let spans = |shape: &str, path: &str| {
            let (shape, mut spans) = (Shape::new(shape), Vec::new());
            shape.is_match(path).then(|| {
                shape.captures(path, |start, end| spans.push(path[start..end].to_owned()));
                spans.join(" ")
            })
        };
        assert_eq!(spans("/a-{p0}.md/{p1}/", "/a-b.md/c/").as_deref(), Some("b c"));
        assert_eq!(spans("/{p0}%20.md", "/a%20.md").as_deref(), Some("a"));
        assert_eq!(spans("/{p0}/{*rest}", "/a/b/c").as_deref(), Some("a b/c"));
        for (shape, path) in [
            ("/a-{p0}.md", "/a-.md"),
            ("/a-{p0}-a", "/a-a"),
            ("/{p0}", "/"),
            ("/{p0}", "/a/"),
            ("/{p0}/", "/a"),
            ("/{*rest}", "/"),
            ("/a/{*rest}", "/a"),
            ("/{p0}.md", "/a/b.md"),
            ("/{p0}0.md", "/a%20.md"),
            ("/{p0}20.md", "/a%20.md"),
        ] {
            assert_eq!(spans(shape, path), None, "{shape} {path}");
        }
    }
}
