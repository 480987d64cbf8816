//! The scanner that finds the tags of a template before Tera reads it.

use headwater::internals::templates::tags;

/// `data` is a template.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut end = 0;
    let mut first = None;
    for tag in tags(text) {
        assert!(end <= tag.range.start && tag.range.end <= text.len(), "tags follow each other");
        let whole = &text[tag.range.clone()];
        assert!(whole.starts_with("{%") && whole.ends_with("%}") && whole.len() >= 4, "{whole:?}");
        let rest = tag.rest();
        assert!(tag.range.start + 2 <= tag.word_at && rest.start <= rest.end);
        assert!(rest.end <= tag.range.end - 2 && text.is_char_boundary(rest.end));
        assert!(text[tag.word_at..].starts_with(tag.word));
        end = tag.range.end;
        first.get_or_insert(tag);
    }
    // Tera stops at the first tag with an unknown name, unless that is the call of a component.
    let error = tera::Tera::new().add_raw_template("t", text).err();
    if let Some(tera::ErrorKind::SyntaxError(report)) = error.as_ref().map(tera::Error::kind)
        && report.message() == "Unknown tag"
        && let Some(first) = first
        && !KNOWN.contains(&first.word)
        && !text[first.word_at..].starts_with('<')
    {
        assert_eq!(first.word_at, report.span().range.start, "Tera sees the tag there");
    }
}

/// The tags that Tera knows, at which it does not stop.
const KNOWN: [&str; 16] = [
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "endset",
    "include",
    "block",
    "endblock",
    "extends",
    "filter",
    "endfilter",
    "component",
    "endcomponent",
];
