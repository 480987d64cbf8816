use super::canonical::{CanonicalPath, canonical_piece};
use super::capture_template::{CaptureTemplate, Part, Piece, split};

/// The maximum number of captures in a path; `matchit` has a similar limit.
const MOST_CAPTURES: usize = 16;

/// A `path` of `dispatch.conf`, in `matchit`'s syntax: `{name}` captures a segment or the rest of
/// one, `{*name}` at the end captures the rest of the path, `{{` and `}}` are braces. Literal text
/// is stored in canonical spelling.
#[derive(Debug, Clone, Default)]
pub(super) struct PathPattern {
    capture_template: CaptureTemplate,
    names: Vec<String>,
    catch_all: bool,
}

impl PathPattern {
    /// Parses a path. The error is a sentence.
    pub(super) fn parse(written: &str) -> Result<PathPattern, String> {
        if !written.starts_with('/') {
            return Err(format!("`{written}` is not a path; a path begins with `/`"));
        }
        if let Some(found) = written.chars().find(|char| matches!(char, '?' | '#')) {
            return Err(format!(
                "`{written}` contains `{found}`; a route is matched with the path alone \
                 (write %3F or %23 for the character itself)"
            ));
        }
        let parts = split(written)?;
        let mut path = PathPattern::default();
        let mut pieces = Vec::with_capacity(parts.len());
        let last = parts.len() - 1;
        for (index, part) in parts.iter().enumerate() {
            match part {
                Part::Text(text) => {
                    let text = canonical_piece(text)
                        .map_err(|error| format!("`{written}` can never be matched: {error}"))?;
                    pieces.push(Piece::Text(text.into_owned()));
                }
                Part::Place(name) => {
                    let (name, catch_all) = match name.strip_prefix('*') {
                        Some(name) => (name, true),
                        None => (*name, false),
                    };
                    let whole =
                        matches!(pieces.last(), Some(Piece::Text(text)) if text.ends_with('/'));
                    if catch_all && !(whole && index == last) {
                        return Err(format!(
                            "`{{*{name}}}` must be the last segment of `{written}` and all of it"
                        ));
                    }
                    path.catch_all |= catch_all;
                    path.add_name(name).map_err(|error| format!("`{written}`: {error}"))?;
                    pieces.push(Piece::Capture(path.names.len() - 1));
                }
            }
        }
        path.capture_template = CaptureTemplate::new(written, pieces);
        path.check()?;
        Ok(path)
    }

    /// Returns this path below `prefix`. Below another path, `/` is that path itself.
    pub(super) fn below(&self, prefix: &PathPattern) -> Result<PathPattern, String> {
        if prefix.is_empty() {
            return Ok(self.clone());
        }
        if self.literal() == Some("/") {
            return Ok(prefix.clone());
        }
        let mut path = prefix.clone();
        for name in &self.names {
            path.add_name(name)?;
        }
        path.capture_template =
            self.capture_template.after(&prefix.capture_template, prefix.names.len());
        path.catch_all = self.catch_all;
        Ok(path)
    }

    /// Returns whether this is the prefix of a table without a prefix.
    pub(super) fn is_empty(&self) -> bool {
        self.capture_template.pieces().is_empty()
    }

    /// Returns the names of the captures, in order.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the path with placeholders for the captures.
    pub(super) fn capture_template(&self) -> &CaptureTemplate {
        &self.capture_template
    }

    /// Returns the canonical path, if it has no captures.
    pub(super) fn literal(&self) -> Option<&str> {
        self.capture_template.literal()
    }

    /// Returns the index of the capture of the rest of the path, if it has one.
    pub(super) fn catch_all(&self) -> Option<usize> {
        self.catch_all.then(|| self.names.len().saturating_sub(1))
    }

    /// Returns the path in `matchit`'s syntax, with names that only number the captures: two paths
    /// with the same shape match the same requests.
    pub(super) fn shape(&self) -> String {
        let mut shape = String::new();
        for piece in self.capture_template.pieces() {
            match piece {
                // A canonical path contains no braces, so escaping is not needed.
                Piece::Text(text) => shape.push_str(text),
                Piece::Capture(index) if self.catch_all() == Some(*index) => {
                    shape.push_str("{*rest}");
                }
                Piece::Capture(index) => shape.push_str(&format!("{{p{index}}}")),
            }
        }
        shape
    }

    fn add_name(&mut self, name: &str) -> Result<(), String> {
        let mut chars = name.chars();
        let first = chars.next().is_some_and(|char| char.is_ascii_alphabetic() || char == '_');
        if !first || !chars.all(|char| char.is_ascii_alphanumeric() || char == '_') {
            return Err(format!(
                "`{{{name}}}` is not a capture; its name is made of letters, digits and `_`"
            ));
        }
        if self.names.iter().any(|known| known == name) {
            return Err(format!("the capture `{{{name}}}` occurs twice"));
        }
        if self.names.len() == MOST_CAPTURES {
            return Err(format!("more than {MOST_CAPTURES} captures"));
        }
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Rejects text that no request's path can contain, and two captures in one segment.
    fn check(&self) -> Result<(), String> {
        let example = self.capture_template.expand(|_, text| text.push('x'));
        CanonicalPath::new(&example).map_err(|error| {
            format!("`{}` can never be matched: {error}", self.capture_template)
        })?;
        let crowded = |segment: &str| segment.matches('{').count() > 1;
        match self.shape().split('/').any(crowded) {
            true => Err(format!(
                "`{}` has two captures in one segment; write it as a `pattern`",
                self.capture_template
            )),
            false => Ok(()),
        }
    }
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.capture_template.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(written: &str) -> PathPattern {
        PathPattern::parse(written).unwrap()
    }

    #[test]
    fn captures_and_literals_are_distinguished() {
        let path = parse("/größe/img-{id}.png/{*rest}");
        assert_eq!(path.names(), ["id", "rest"]);
        assert_eq!(path.shape(), "/gr%C3%B6%C3%9Fe/img-{p0}.png/{*rest}");
        assert_eq!(path.catch_all(), Some(1));
        assert_eq!(parse("/{{a}}").literal(), Some("/%7Ba%7D"));
    }

    #[test]
    fn paths_that_cannot_match_are_rejected_with_a_reason() {
        for (written, reason) in [
            ("", "begins with `/`"),
            ("stories", "begins with `/`"),
            ("/a//b", "empty segment"),
            ("/a/../b", "dot segment"),
            ("/a?b=1", "path alone"),
            ("/{a", "without its counterpart"),
            ("/{}", "is not a capture"),
            ("/{a-b}", "is not a capture"),
            ("/{a}/{a}", "occurs twice"),
            ("/{a}-{b}", "two captures in one segment"),
            ("/{*rest}/a", "must be the last segment"),
            ("/a{*rest}", "must be the last segment"),
            ("/%zz", "hexadecimal"),
        ] {
            let message = PathPattern::parse(written).unwrap_err();
            assert!(message.contains(reason), "{written}: {message}");
        }
        let many: String = (0..=MOST_CAPTURES).map(|index| format!("/{{p{index}}}")).collect();
        assert!(PathPattern::parse(&many).unwrap_err().contains("more than 16"));
    }

    #[test]
    fn captures_of_a_path_are_numbered_after_those_of_its_prefix() {
        let path = parse("/{page}/x").below(&parse("/{lang}/")).unwrap();
        assert_eq!(path.to_string(), "/{lang}/{page}/x");
        assert_eq!(path.shape(), "/{p0}/{p1}/x");
        assert_eq!(parse("/").below(&parse("/admin")).unwrap().to_string(), "/admin");
        assert_eq!(parse("/").below(&parse("/admin/")).unwrap().to_string(), "/admin/");
        assert_eq!(parse("/a").below(&parse("/admin")).unwrap().shape(), "/admin/a");
        assert_eq!(parse("/a").below(&parse("/")).unwrap().shape(), "/a");
        assert!(parse("/{lang}").below(&parse("/{lang}")).is_err());
    }
}
