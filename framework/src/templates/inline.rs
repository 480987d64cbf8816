//! Inline scripts and styles in the site's templates.

use std::path::Path;

use super::folder::Source;
use super::positions::TextPosition;
use super::scanner::closing;
use crate::inline::{InlineKind, KnownInline};
use crate::media_type;
use crate::problem::{Problem, Problems};

/// Collects the inline scripts and styles of these kinds. One that contains a template expression differs from page
/// to page, so it is reported.
pub(super) fn known(
    folder: &Path,
    sources: &[Source],
    kinds: &[InlineKind],
    problems: &mut Problems,
) -> KnownInline {
    let mut known = KnownInline::default();
    if kinds.is_empty() {
        return known;
    }
    for Source { name, text } in sources {
        if !media_type::is_html(&media_type::of(name)) {
            continue;
        }
        for (kind, offset) in known.add_template(&masked(text)) {
            if !kinds.contains(&kind) {
                continue;
            }
            let TextPosition { line, column } = TextPosition::of(text, offset);
            let (what, advice) = match kind {
                InlineKind::Script => (
                    "script",
                    "put the value into an attribute, as in data-id=\"{{ id }}\", or into a \
                     <script type=\"application/json\">, where a script can read it",
                ),
                InlineKind::Style => ("style", "give elements a class for each case"),
            };
            let message = format!(
                "this {what} differs from page to page, so that no hash can allow it (`'hashes'` in \
                 [csp] of project.toml); {advice}"
            );
            problems.push(Problem::at_column(folder.join(name), line, column, message));
        }
    }
    known
}

/// Replaces each byte that the engine does not copy literally with NUL. The content of a raw block is replaced too,
/// so a script with braces in it counts as one that changes.
fn masked(text: &str) -> String {
    let mut masked = text.as_bytes().to_vec();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(start) = memchr::memchr(b'{', &bytes[at..]).map(|length| at + length) {
        let inside = start + 2;
        let end = match bytes.get(start + 1) {
            Some(b'{') => closing(bytes, inside, b"}}").map(|(_, end)| end),
            Some(b'%') => closing(bytes, inside, b"%}").map(|(_, end)| end),
            Some(b'#') => {
                let end = memchr::memmem::find(&bytes[inside..], b"#}");
                end.map(|length| inside + length + 2)
            }
            _ => {
                at = start + 1;
                continue;
            }
        };
        at = end.unwrap_or(bytes.len());
        masked[start..at].fill(0);
    }
    // Every replaced range begins and ends with braces, so no character is split.
    String::from_utf8(masked).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_evaluated_text_is_masked() {
        for (text, shown) in [
            ("a { b } c", "a { b } c"),
            ("ü{{ \"}}\" }}ü", "ü0ü"),
            ("a{% if b > c %}d{% endif %}e", "a0d0e"),
            ("a{# <script>{{ b }}</script> #}c", "a0c"),
            ("a{{ b", "a0"),
            ("{", "{"),
        ] {
            let masked = masked(text);
            assert_eq!(masked.len(), text.len(), "{text}");
            let runs: Vec<&str> = masked.split('\0').collect();
            let mut found = String::new();
            for (index, run) in runs.iter().enumerate() {
                if index > 0 && !found.ends_with('0') {
                    found.push('0');
                }
                found.push_str(run);
            }
            assert_eq!(found, shown, "{text}");
        }
    }

    #[test]
    fn a_script_that_changes_is_reported_if_scripts_are_allowed_by_hash() {
        let text =
            "<script>a</script>\n<p>\n<script>let b = {{ b }}</script><style>{{ c }}</style>";
        let sources = [Source { name: "a.html".to_owned(), text: text.to_owned() }];
        for (kinds, lines) in [
            ([].as_slice(), vec![]),
            (&[InlineKind::Script], vec!["templates/a.html:3"]),
            (&[InlineKind::Script, InlineKind::Style], vec!["templates/a.html:3"; 2]),
        ] {
            let mut problems = Problems::new();
            known(Path::new("templates"), &sources, kinds, &mut problems);
            let found: Vec<_> = problems.iter().map(|problem| problem.to_string()).collect();
            assert_eq!(found.len(), lines.len(), "{found:?}");
            assert!(
                found.iter().zip(lines).all(|(found, line)| found.starts_with(line)),
                "{found:?}"
            );
        }
    }
}
