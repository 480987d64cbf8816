use crate::cli::generate::field::{Field, FieldKind};
use crate::cli::generate::words::Words;

const FORM: &str = include_str!("../files/form.rs.in");

/// The functions that read a field, of which a form has those that it needs.
const HELPERS: [(&str, &str); 6] = [
    (
        "text(",
        "
/// Text of a bounded length.
fn text(entered: &str, field: &'static str, longest: usize, problems: &mut Problems) -> String {
    let text = entered.trim().replace(\"\\r\\n\", \"\\n\");
    if text.chars().count() > longest {
        problems.insert(field, format!(\"Please write at most {longest} characters.\"));
    }
    text
}
",
    ),
    (
        "required(",
        "
/// Text that is not empty.
fn required(entered: &str, field: &'static str, longest: usize, problems: &mut Problems) -> String {
    let text = text(entered, field, longest, problems);
    if text.is_empty() {
        problems.insert(field, \"Please fill this in.\".to_owned());
    }
    text
}
",
    ),
    (
        "number(",
        "
/// A whole number.
fn number(entered: &str, field: &'static str, problems: &mut Problems) -> i64 {
    entered.trim().parse().unwrap_or_else(|_| {
        problems.insert(field, \"Please write a whole number.\".to_owned());
        0
    })
}
",
    ),
    (
        "email(",
        "
/// An address of mail, as far as that can be told without writing to it.
fn email(entered: &str, field: &'static str, problems: &mut Problems) -> String {
    let email = entered.trim();
    let parts = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !parts || email.contains(char::is_whitespace) || email.len() > 254 {
        problems.insert(field, \"Please write an address of mail, like ana@example.org.\".to_owned());
    }
    email.to_owned()
}
",
    ),
    (
        "url(",
        "
/// An address of the web.
fn url(entered: &str, field: &'static str, problems: &mut Problems) -> String {
    let url = entered.trim();
    let is_web = url.starts_with(\"https://\") || url.starts_with(\"http://\");
    if !is_web || url.contains(char::is_whitespace) || url.len() > 2000 {
        problems.insert(field, \"Please write an address that begins with https://.\".to_owned());
    }
    url.to_owned()
}
",
    ),
    (
        "list(",
        "
/// Words between commas, each once.
fn list(entered: &str, field: &'static str, problems: &mut Problems) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in entered.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    if words.len() > 20 || words.iter().any(|word| word.chars().count() > 60) {
        problems.insert(field, \"Please write at most 20 words of at most 60 characters.\".to_owned());
    }
    words
}
",
    ),
];

/// The code of the form.
pub(super) fn text(words: &Words, fields: &[Field]) -> String {
    let mut declared = String::new();
    let mut of = String::new();
    let mut read = String::new();
    for field in fields {
        let name = &field.name;
        let row = format!("{}.{name}", words.one);
        declared += &match field.kind {
            FieldKind::Flag => format!("    {name}: bool,\n"),
            FieldKind::Image => {
                format!("    #[serde(skip_serializing)]\n    pub {name}: Option<FormFile>,\n")
            }
            FieldKind::List => format!("    /// With commas between them.\n    {name}: String,\n"),
            _ => format!("    {name}: String,\n"),
        };
        of += &match (field.kind, field.optional) {
            (FieldKind::Image, _) => format!("{name}: None,\n"),
            (FieldKind::Flag, _) => format!("{name}: {row},\n"),
            (FieldKind::List, _) => format!("{name}: {row}.join(\", \"),\n"),
            (FieldKind::Number, true) => {
                format!("{name}: {row}.map(|number| number.to_string()).unwrap_or_default(),\n")
            }
            (FieldKind::Number, false) => format!("{name}: {row}.to_string(),\n"),
            (_, true) => format!("{name}: {row}.clone().unwrap_or_default(),\n"),
            (_, false) => format!("{name}: {row}.clone(),\n"),
        };
        read += &format!("{name}: {},\n", reading(field));
    }
    let has = |kind| fields.iter().any(|field| field.kind == kind);
    let mut consts = String::new();
    if has(FieldKind::Line) {
        consts += "/// The longest line, in characters.\nconst LINE: usize = 200;\n\n";
    }
    if has(FieldKind::Text) {
        consts += "/// The longest text, in characters.\nconst TEXT: usize = 20_000;\n\n";
    }
    let mut needed = String::new();
    // A function uses those before it.
    for (call, code) in HELPERS.iter().rev() {
        let is_called = |text: &str| {
            text.match_indices(call).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
        };
        if is_called(&read) || is_called(&needed) {
            needed.insert_str(0, code);
        }
    }
    words
        .filled(FORM)
        .replace(
            "@use_file@",
            if has(FieldKind::Image) { "use headwater::prelude::*;\n" } else { "" },
        )
        .replace("@consts@", &consts)
        .replace("@declared@", &declared)
        .replace("@of@", &of)
        .replace("@read@", &read)
        .replace("@helpers@\n", &needed)
}

/// The expression that reads a field.
fn reading(field: &Field) -> String {
    let name = &field.name;
    let entered = format!("&self.{name}, \"{name}\"");
    let reader = match (field.kind, field.optional) {
        (FieldKind::Flag, _) => return format!("self.{name}"),
        (FieldKind::Image, _) => return "None".to_owned(),
        (FieldKind::List, _) => return format!("list({entered}, problems)"),
        (FieldKind::Line, true) => {
            return format!(
                "Some(text({entered}, LINE, problems)).filter(|text| !text.is_empty())"
            );
        }
        (FieldKind::Text, true) => {
            return format!(
                "Some(text({entered}, TEXT, problems)).filter(|text| !text.is_empty())"
            );
        }
        (FieldKind::Line, false) => return format!("required({entered}, LINE, problems)"),
        (FieldKind::Text, false) => return format!("required({entered}, TEXT, problems)"),
        (FieldKind::Number, _) => format!("number({entered}, problems)"),
        (FieldKind::Email, _) => format!("email({entered}, problems)"),
        (FieldKind::Url, _) => format!("url({entered}, problems)"),
    };
    match field.optional {
        true => format!("(!self.{name}.trim().is_empty()).then(|| {reader})"),
        false => reader,
    }
}

/// Whether the form is refused without the field.
pub(super) fn is_required(field: &Field) -> bool {
    !field.optional && !matches!(field.kind, FieldKind::Flag | FieldKind::List | FieldKind::Image)
}

/// What a test enters, and what it enters then.
pub(super) fn sample(field: &Field, second: bool) -> Option<&'static str> {
    let (first, other) = match field.kind {
        FieldKind::Line => ("Rain+%26+sun", "Snow+%26+ice"),
        FieldKind::Text => ("All+day.%0AAll+week.", "All+month."),
        FieldKind::Number => ("7", "8"),
        FieldKind::Flag => ("true", "true"),
        FieldKind::Email => ("ana%40example.org", "bo%40example.org"),
        FieldKind::Url => ("https%3A%2F%2Fexample.org%2Fa", "https%3A%2F%2Fexample.org%2Fb"),
        FieldKind::List => ("wet,+warm", "cold"),
        FieldKind::Image => return None,
    };
    Some(if second { other } else { first })
}
