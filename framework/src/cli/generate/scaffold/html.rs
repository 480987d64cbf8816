use super::form::is_required;
use crate::cli::generate::field::{Field, FieldKind};
use crate::cli::generate::words::Words;

const LIST: &str = include_str!("../files/list.html");
const SHOW: &str = include_str!("../files/show.html");
const FORM: &str = include_str!("../files/form.html");
const FEED: &str = include_str!("../files/feed.atom");

/// The templates of a scaffold, by their names.
pub(super) fn templates(
    words: &Words,
    fields: &[Field],
    site: &str,
    year: u64,
) -> [(&'static str, String); 4] {
    let heading = match main_field(fields) {
        Some(field) => format!("{{{{ {}.{} }}}}", words.one, field.name),
        None => words.filled("@Label@ {{ @one@.id }}"),
    };
    let others = fields.iter().filter(|field| Some(*field) != main_field(fields));
    let shown: String = others.map(|field| shown(words, field)).collect();
    let inputs: String = fields.iter().map(input).collect();
    let has_image = fields.iter().any(|field| field.kind == FieldKind::Image);
    let text = fields.iter().find(|field| field.kind == FieldKind::Text);
    let content = text.map_or_else(String::new, |field| {
        let value = format!("{}.{}", words.one, field.name);
        let content = format!("<content>{{{{ {value} }}}}</content>");
        match field.optional {
            true => format!("    {{% if {value} %}}{content}{{% endif %}}\n"),
            false => format!("    {content}\n"),
        }
    });
    let enctype = if has_image { " enctype=\"multipart/form-data\"" } else { "" };
    let filled = |text: &str| {
        words
            .filled(text)
            .replace("@heading@", &heading)
            .replace("@shown@", &shown)
            .replace("@inputs@", &inputs)
            .replace("@enctype@", enctype)
            .replace("@content@", &content)
            .replace("@site@", &site.replace('_', "-"))
            .replace("@year@", &year.to_string())
    };
    [
        ("list.html", filled(LIST)),
        ("show.html", filled(SHOW)),
        ("form.html", filled(FORM)),
        ("feed.atom", filled(FEED)),
    ]
}

/// The field that names a row: the first line of text that is always there.
pub(super) fn main_field(fields: &[Field]) -> Option<&Field> {
    fields.iter().find(|field| field.kind == FieldKind::Line && !field.optional)
}

/// A field on the page of a row.
fn shown(words: &Words, field: &Field) -> String {
    let value = format!("{}.{}", words.one, field.name);
    let label = field.heading();
    let shown = match field.kind {
        FieldKind::Line | FieldKind::Number => format!("<p>{label}: {{{{ {value} }}}}</p>"),
        FieldKind::Text => format!("<p class=\"text\">{{{{ {value} }}}}</p>"),
        FieldKind::Flag => {
            format!("<p>{label}: {{% if {value} %}}yes{{% else %}}no{{% endif %}}</p>")
        }
        FieldKind::Email => {
            format!("<p>{label}: <a href=\"mailto:{{{{ {value} }}}}\">{{{{ {value} }}}}</a></p>")
        }
        FieldKind::Url => {
            format!(
                "<p>{label}: <a href=\"{{{{ {value} }}}}\" rel=\"nofollow ugc\">{{{{ {value} }}}}</a></p>"
            )
        }
        FieldKind::List => format!(
            "{{% if {value} %}}\n  <ul class=\"tags\" aria-label=\"{label}\">\n    {{% for word in {value} %}}\n    \
             <li>{{{{ word }}}}</li>\n    {{% endfor %}}\n  </ul>\n  {{% endif %}}"
        ),
        FieldKind::Image => format!("<p><img src=\"/{{{{ {value} }}}}\" alt=\"\"></p>"),
    };
    match field.optional {
        true if field.kind == FieldKind::Number => {
            format!("  {{% if {value} is number %}}{shown}{{% endif %}}\n")
        }
        true => format!("  {{% if {value} %}}{shown}{{% endif %}}\n"),
        false => format!("  {shown}\n"),
    }
}

/// A field in the form.
fn input(field: &Field) -> String {
    let (name, label) = (&field.name, field.heading());
    let required = if is_required(field) { " required" } else { "" };
    let problem = format!("{{% if problems?.{name} %}} aria-invalid=\"true\"{{% endif %}}");
    let head = format!("id=\"{name}\" name=\"{name}\"{required}");
    let value = format!("{{{{ form?.{name} or \"\" }}}}");
    if field.kind == FieldKind::Flag {
        return format!(
            "  <p>\n    <label for=\"{name}\"><input type=\"checkbox\" {head} value=\"true\"\
             {{% if form?.{name} %}} checked{{% endif %}}> {label}</label>\n  </p>\n"
        );
    }
    let of_type = |kind: &str, rest: &str| {
        format!(
            "<input type=\"{kind}\" {head} value=\"{value}\"{rest} autocomplete=\"off\"{problem}>"
        )
    };
    let (input, hint) = match field.kind {
        FieldKind::Text => {
            (format!("<textarea {head} maxlength=\"20000\"{problem}>{value}</textarea>"), "")
        }
        FieldKind::Number => (of_type("number", " step=\"1\""), ""),
        FieldKind::Email => (of_type("email", " maxlength=\"254\""), ""),
        FieldKind::Url => (of_type("url", " maxlength=\"2000\""), ""),
        FieldKind::List => (of_type("text", ""), "With commas between them."),
        FieldKind::Image => (
            format!(
                "<input type=\"file\" {head} accept=\"image/png,image/jpeg,image/gif,image/webp\"{problem}>"
            ),
            "PNG, JPEG, GIF or WebP, up to 4 MB.",
        ),
        FieldKind::Line | FieldKind::Flag => (of_type("text", " maxlength=\"200\""), ""),
    };
    let hint = match hint {
        "" => String::new(),
        hint => format!("    <small>{hint}</small>\n"),
    };
    format!("  <p>\n    <label for=\"{name}\">{label}</label>\n    {input}\n{hint}  </p>\n")
}
