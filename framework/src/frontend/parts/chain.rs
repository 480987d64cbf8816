use std::fmt;

use super::DEEPEST;
use super::address::Canonical;

/// The pages through which a part was reached, beginning with the visitor's own.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    /// `None` for a request whose URL has no canonical spelling.
    url: Option<&'a Canonical<'a>>,
    above: Option<&'a Chain<'a>>,
}

impl<'a> Chain<'a> {
    /// Starts with the page that the visitor requests.
    pub(super) fn begin(page: Option<&'a Canonical<'a>>) -> Chain<'a> {
        Chain { url: page, above: None }
    }

    /// Appends a part.
    pub(super) fn down(&'a self, part: &'a Canonical<'a>) -> Chain<'a> {
        Chain { url: Some(part), above: Some(self) }
    }

    /// Checks that this part may be inserted here.
    ///
    /// # Errors
    /// When the part contains itself or is nested too deeply, with the chain.
    pub(super) fn admits(&self, part: &Canonical<'_>) -> Result<(), String> {
        if self.upwards().any(|chain| chain.url == Some(part)) {
            return Err(format!("the parts form a cycle: {self} → {part}"));
        }
        if self.upwards().count() > DEEPEST {
            return Err(format!("the parts are nested deeper than {DEEPEST}: {self} → {part}"));
        }
        Ok(())
    }

    fn upwards(&self) -> impl Iterator<Item = &Chain<'a>> {
        std::iter::successors(Some(self), |chain| chain.above)
    }
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above} → ")?;
        }
        match self.url {
            Some(url) => write!(f, "{url}"),
            None => f.write_str("…"),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::address::Address;
    use super::*;
    use crate::pieces::Part;

    fn part(url: &str) -> Part {
        Part::new(url, Bytes::new())
    }

    fn canonical(part: &Part) -> Canonical<'_> {
        Address::of(part).and_then(Address::canonical).unwrap()
    }

    #[test]
    fn a_cycle_is_reported_with_its_chain() {
        let parts = ["/a?y=1&x=2", "/parts/b", "/%61?x=2&y=1"].map(part);
        let [page, part, again] = parts.each_ref().map(canonical);
        let begin = Chain::begin(Some(&page));
        assert_eq!(begin.admits(&part), Ok(()));
        let chain = begin.down(&part);
        let why = chain.admits(&again).unwrap_err();
        assert_eq!(why, "the parts form a cycle: /a?x=2&y=1 → /parts/b → /a?x=2&y=1");
        assert!(chain.admits(&part).unwrap_err().ends_with("/parts/b → /parts/b"));
    }

    #[test]
    fn the_depth_is_bounded() {
        fn descend(chain: &Chain<'_>, depth: usize) -> (usize, String) {
            let next = part(&format!("/{depth}"));
            let next = canonical(&next);
            match chain.admits(&next) {
                Ok(()) => descend(&chain.down(&next), depth + 1),
                Err(why) => (depth, why),
            }
        }
        let page = part("/0");
        let page = canonical(&page);
        let (depth, why) = descend(&Chain::begin(Some(&page)), 1);
        assert_eq!(depth, DEEPEST + 1, "parts of depth 1 to {DEEPEST} are admitted");
        assert!(why.contains("deeper than 8: /0 → /1 → ") && why.ends_with("→ /8 → /9"), "{why}");
    }
}
