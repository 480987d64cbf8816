use regex::Regex;

use super::capture_template::{CaptureTemplate, Piece};
use super::captures::Captures;

/// A `pattern` of `dispatch.conf`: a regular expression that must match the whole canonical path.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    written: String,
    anchored: String,
    regex: Regex,
    names: Vec<String>,
    /// The index of each capture's group in the expression, in the order of `names`.
    groups: Vec<usize>,
    reverse: Option<CaptureTemplate>,
}

impl Pattern {
    /// Compiles `written`. The error is a sentence, or the message of the regex parser.
    pub(super) fn compile(written: &str) -> Result<Pattern, String> {
        if let Some(found) = written.chars().find(|char| !char.is_ascii()) {
            return Err(format!(
                "a pattern is matched with the percent-encoded path, which never contains `{found}`; \
                 write the character percent-encoded"
            ));
        }
        // First without the group, so that the message shows the author's text and no unbalanced
        // parenthesis closes the group below.
        Regex::new(written).map_err(|error| error.to_string())?;
        let anchored = format!("^(?:{written})$");
        let regex = Regex::new(&anchored).map_err(|_| {
            "the pattern cannot be made to match the whole path; it must not end in a comment"
                .to_owned()
        })?;
        let named = regex.capture_names().enumerate();
        let (groups, names): (Vec<usize>, Vec<String>) =
            named.filter_map(|(group, name)| Some((group, name?.to_owned()))).unzip();
        let reverse = reverse_of(written, &names);
        Ok(Pattern { written: written.to_owned(), anchored, regex, names, groups, reverse })
    }

    /// Returns the expression as the author wrote it.
    pub(super) fn as_str(&self) -> &str {
        &self.written
    }

    /// Returns the expression that matches whole paths only.
    pub(super) fn anchored(&self) -> &str {
        &self.anchored
    }

    /// Returns the names of the captures, in order.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns a template of the matching paths, if the expression consists of literal text and
    /// captures.
    pub(super) fn reverse(&self) -> Option<&CaptureTemplate> {
        self.reverse.as_ref()
    }

    /// Returns whether the whole of `path` matches.
    pub(super) fn is_match(&self, path: &str) -> bool {
        self.regex.is_match(path)
    }

    /// Appends the positions of the captures in the whole path to `captures`; `path` begins at byte
    /// `offset` of it.
    pub(super) fn capture(&self, path: &str, offset: usize, captures: &mut Captures) {
        let mut locations = self.regex.capture_locations();
        let _ = self.regex.captures_read(&mut locations, path);
        for group in &self.groups {
            match locations.get(*group) {
                Some((start, end)) => captures.push(offset + start, offset + end),
                None => captures.push_absent(),
            }
        }
    }
}

/// Returns the template of the paths that `pattern` matches, if it consists of literal text and
/// named captures only. The expressions inside captures are ignored.
fn reverse_of(pattern: &str, names: &[String]) -> Option<CaptureTemplate> {
    let rest = pattern.strip_prefix('^').unwrap_or(pattern);
    let mut rest = rest.strip_suffix('$').unwrap_or(rest);
    let mut pieces = Vec::new();
    let mut text = String::new();
    while let Some(char) = rest.chars().next() {
        match char {
            '\\' => {
                let escaped = rest[1..].chars().next().filter(char::is_ascii_punctuation)?;
                text.push(escaped);
                rest = &rest[2..];
            }
            '(' => {
                let end = end_of_group(rest)?;
                let inside = rest[1..end].strip_prefix('?')?;
                let inside = inside.strip_prefix('P').unwrap_or(inside).strip_prefix('<')?;
                let (name, _) = inside.split_once('>')?;
                let index = names.iter().position(|known| known == name)?;
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Capture(index));
                rest = &rest[end + 1..];
            }
            '.' | '[' | ']' | '|' | '*' | '+' | '?' | '{' | '}' | ')' | '^' | '$' => return None,
            _ => {
                text.push(char);
                rest = &rest[1..];
            }
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Some(CaptureTemplate::new(pattern, pieces))
}

/// Returns the end of the group at the beginning of `text`; `None` if a repetition follows or a
/// character class makes the end ambiguous.
fn end_of_group(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0;
    let mut in_class = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'[' if in_class => return None,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if !in_class => depth += 1,
            b')' if !in_class => {
                depth -= 1;
                if depth == 0 {
                    let repeated = bytes.get(at + 1).is_some_and(|next| b"*+?{".contains(next));
                    return (!repeated).then_some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_must_match_the_whole_path() {
        let pattern = Pattern::compile("/a|/b").unwrap();
        assert!(pattern.is_match("/a") && pattern.is_match("/b"));
        assert!(!pattern.is_match("/ax") && !pattern.is_match("/x/b"));
        assert!(Pattern::compile(r"^/a$").unwrap().is_match("/a"));
    }

    #[test]
    fn a_bad_pattern_shows_the_place() {
        let message = Pattern::compile("/a(b").unwrap_err();
        assert!(message.contains("unclosed group") && message.contains('^'), "{message}");
        assert!(Pattern::compile("/a)(b").is_err());
        assert!(Pattern::compile("/é").unwrap_err().contains("percent-encoded"));
        assert!(Pattern::compile("(?x)/a # b").unwrap_err().contains("comment"));
        assert!(Pattern::compile(r"/(\w{500}){500}").unwrap_err().contains("size limit"));
    }

    #[test]
    fn literal_text_and_captures_can_be_reversed() {
        for (pattern, reversible) in [
            (r"^/stories/(?<slug>[a-z0-9-]+)\.html$", true),
            ("/(?P<year>[0-9]{4})/(?<rest>(a|b)*)", true),
            ("/a", true),
            ("/a+", false),
            ("/a|/b", false),
            ("/(a)", false),
            ("/(?<a>b)?", false),
            ("/(?i)a", false),
            (r"/\d", false),
            ("/[ab]", false),
        ] {
            let compiled = Pattern::compile(pattern).unwrap();
            assert_eq!(compiled.reverse().is_some(), reversible, "{pattern}");
        }
    }

    #[test]
    fn captures_that_do_not_participate_are_absent() {
        let pattern = Pattern::compile("/(?:(?<a>a)|(?<b>b))").unwrap();
        let mut captures = Captures::default();
        pattern.capture("/b", 0, &mut captures);
        assert_eq!(captures.get(0, "/b"), None);
        assert_eq!(captures.get(1, "/b"), Some("b"));
    }
}
