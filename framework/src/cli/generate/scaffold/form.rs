use crate::cli::generate::field::{Field, FieldKind};
use crate::cli::generate::words::Words;

const FORM: &str = include_str!("../files/form.rs.in");
const WORDS: &str = include_str!("../files/words.rs.in");

/// Returns the code of the form.
pub(super) fn text(words: &Words, fields: &[Field]) -> String {
    let mut declared = String::new();
    let mut of = String::new();
    let mut read = String::new();
    for field in fields {
        let name = &field.name;
        let row = format!("{}.{name}", words.one);
        declared += &declaration(words, field);
        of += &match (field.kind, field.optional) {
            (FieldKind::Image, _) => format!("{name}: None,\n"),
            (FieldKind::List, _) => format!("{name}: {row}.join(\", \"),\n"),
            (FieldKind::Flag | FieldKind::Number, _) => format!("{name}: {row},\n"),
            _ => format!("{name}: {row}.clone(),\n"),
        };
        read += &match field.kind {
            FieldKind::List => format!("{name}: words(&self.{name}),\n"),
            FieldKind::Image => format!("{name},\n"),
            _ => format!("{name}: self.{name},\n"),
        };
    }
    let has = |kind| fields.iter().any(|field| field.kind == kind);
    let picture = fields.iter().find(|field| field.kind == FieldKind::Image);
    let picture =
        picture.map_or_else(String::new, |Field { name, .. }| format!(", {name}: Option<String>"));
    words
        .filled(FORM)
        .replace("@declared@", &declared)
        .replace("@of@", &of)
        .replace("@read@", &read)
        .replace("@picture@", &picture)
        .replace("@words@\n", if has(FieldKind::List) { WORDS } else { "" })
}

/// Returns a field of the form's struct, with its rules.
fn declaration(words: &Words, field: &Field) -> String {
    let name = &field.name;
    let mut rules = Vec::new();
    if is_required(field) && field.kind != FieldKind::Number {
        rules.push("required".to_owned());
    }
    rules.extend(match field.kind {
        FieldKind::Line => vec!["maxlength = 200".to_owned()],
        FieldKind::Text => {
            vec!["type = \"textarea\"".to_owned(), "maxlength = 20_000, rows = 12".to_owned()]
        }
        FieldKind::Email => vec!["type = \"email\", maxlength = 254".to_owned()],
        FieldKind::Url => vec!["type = \"url\", maxlength = 2_000".to_owned()],
        FieldKind::Date => vec!["type = \"date\"".to_owned()],
        FieldKind::List => vec!["maxlength = 500".to_owned()],
        FieldKind::Image => vec![
            "accept = \"image/png, image/jpeg, image/gif, image/webp\"".to_owned(),
            "max_size = 4_000_000".to_owned(),
        ],
        FieldKind::Number | FieldKind::Flag => Vec::new(),
    });
    rules.push(format!("label = \"{}\"", label(words, field)));
    if hint(field).is_some() {
        rules.push(format!("hint = \"{}-hint\"", label(words, field)));
    }
    let (visible, kind) = match field.kind {
        FieldKind::List => ("", "String".to_owned()),
        FieldKind::Image => ("pub ", "Option<FormFile>".to_owned()),
        _ => ("", field.rust()),
    };
    format!("#[form({})]\n{visible}{name}: {kind},\n", rules.join(", "))
}

/// Returns the key of the field's label.
pub(super) fn label(words: &Words, field: &Field) -> String {
    format!("{}-field.{}", words.one, field.name)
}

/// Returns the hint for a field.
fn hint(field: &Field) -> Option<&'static str> {
    match field.kind {
        FieldKind::List => Some("With commas between them."),
        FieldKind::Image => Some("PNG, JPEG, GIF or WebP, up to 4 MB."),
        _ => None,
    }
}

/// Returns the labels and hints of the fields, as attributes of a message.
pub(super) fn texts(fields: &[Field]) -> String {
    let mut texts = String::new();
    for field in fields {
        texts += &format!("    .{} = {}\n", field.name, field.heading());
        if let Some(hint) = hint(field) {
            texts += &format!("    .{}-hint = {hint}\n", field.name);
        }
    }
    texts
}

/// Returns whether the form requires the field.
pub(super) fn is_required(field: &Field) -> bool {
    !field.optional && !matches!(field.kind, FieldKind::Flag | FieldKind::List | FieldKind::Image)
}

/// Returns the call with which a test fills in a field.
pub(super) fn sample(field: &Field, second: bool) -> Option<String> {
    let (first, other) = match field.kind {
        FieldKind::Line => ("Rain & sun", "Snow & ice"),
        FieldKind::Text => ("All day.\\nAll week.", "All month."),
        FieldKind::Number => ("7", "8"),
        FieldKind::Email => ("ana@example.org", "bo@example.org"),
        FieldKind::Url => ("https://example.org/a", "https://example.org/b"),
        FieldKind::Date => ("2026-03-01", "2026-10-03"),
        FieldKind::List => ("wet, warm", "cold"),
        FieldKind::Flag => return Some(format!(".check(\"{}\")", field.heading())),
        FieldKind::Image => return None,
    };
    let value = if second { other } else { first };
    Some(format!(".fill(\"{}\", \"{value}\")", field.heading()))
}
