/// Positions of a route's captures in a path. Up to four are stored without an allocation.
#[derive(Debug, Clone, Default)]
pub(super) struct Captures {
    few: [Span; FEW],
    count: usize,
    more: Vec<Span>,
}

const FEW: usize = 4;

/// The range from `start` to `end`, in bytes; `None` if the capture did not participate in the
/// match.
type Span = Option<(u32, u32)>;

impl Captures {
    /// Appends a capture: the bytes from `start` up to `end` of the path.
    pub(super) fn push(&mut self, start: usize, end: usize) {
        // Paths are shorter than `CanonicalPath::LONGEST`.
        self.push_span(Some((start as u32, end as u32)));
    }

    /// Appends a capture that did not participate in the match.
    pub(super) fn push_absent(&mut self) {
        self.push_span(None);
    }

    /// Removes the last capture and returns its start.
    pub(super) fn pop(&mut self) -> Option<usize> {
        self.count = self.count.checked_sub(1)?;
        let span = match self.few.get_mut(self.count) {
            Some(place) => place.take(),
            None => self.more.pop().flatten(),
        };
        span.map(|(start, _)| start as usize)
    }

    fn push_span(&mut self, span: Span) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = span,
            None => self.more.push(span),
        }
        self.count += 1;
    }

    /// Returns the text of the capture at `index` in `path`; `None` if it did not participate in
    /// the match.
    pub(super) fn get<'p>(&self, index: usize, path: &'p str) -> Option<&'p str> {
        let span = match self.few.get(index) {
            Some(span) => *span,
            None => self.more.get(index - FEW).copied().flatten(),
        };
        span.and_then(|(start, end)| path.get(start as usize..end as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_found_by_index() {
        let mut captures = Captures::default();
        for index in 0..6 {
            captures.push(index, index + 1);
        }
        captures.push_absent();
        let found: Vec<_> = (0..8).map(|index| captures.get(index, "abcdef")).collect();
        let expected = [Some("a"), Some("b"), Some("c"), Some("d"), Some("e"), Some("f")];
        assert_eq!(found[..6], expected);
        assert_eq!(found[6..], [None, None]);
        for last in [None, Some(5), Some(4), Some(3)] {
            assert_eq!(captures.pop(), last);
        }
        assert_eq!(captures.get(3, "abcdef"), None);
    }
}
