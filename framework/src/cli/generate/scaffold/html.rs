use super::form;
use super::owned::{ACTIONS, Owned};
use crate::cli::generate::field::{Field, FieldKind};
use crate::cli::generate::words::Words;

macro_rules! files {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../files/", $name)))),*]
    };
}

const TEMPLATES: [(&str, &str); 6] =
    files!["edit.html", "feed.atom", "form.html", "list.html", "new.html", "show.html"];

/// Returns the templates of a scaffold, by name.
pub(super) fn templates(
    words: &Words,
    fields: &[Field],
    owned: Owned,
    site: &str,
    year: u64,
) -> Vec<(&'static str, String)> {
    let heading = match main_field(fields) {
        Some(field) => format!("{{{{ {}.{} }}}}", words.one, field.name),
        None => words.filled("{{ t(key=\"@one@\") }} {{ @one@.id }}"),
    };
    let others = fields.iter().filter(|field| Some(*field) != main_field(fields));
    let shown: String = others.map(|field| shown(words, field)).collect();
    let input = |field: &Field| format!("  {{{{ <field name=\"{}\" /> }}}}\n", field.name);
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
    let enctype = if has_image { " enctype=\"{{ form.enctype }}\"" } else { "" };
    let actions = (owned == Owned::Yes).then_some(("actions.html", ACTIONS));
    let templates = TEMPLATES.into_iter().chain(actions);
    let filled = templates.map(|(name, text)| {
        let text = words
            .filled(&owned.page(text))
            .replace("@heading@", &heading)
            .replace("@shown@", &shown)
            .replace("@inputs@", &inputs)
            .replace("@enctype@", enctype)
            .replace("@content@", &content)
            .replace("@site@", &site.replace('_', "-"))
            .replace("@year@", &year.to_string());
        (name, text)
    });
    filled.collect()
}

/// Returns the field that names a row: the first required line of text.
pub(super) fn main_field(fields: &[Field]) -> Option<&Field> {
    fields.iter().find(|field| field.kind == FieldKind::Line && !field.optional)
}

/// Returns the markup of a field on the page of a row.
fn shown(words: &Words, field: &Field) -> String {
    let value = format!("{}.{}", words.one, field.name);
    let label = format!("{{{{ t(key=\"{}\") }}}}", form::label(words, field));
    let shown = match field.kind {
        FieldKind::Line => format!("<p>{label}: {{{{ {value} }}}}</p>"),
        FieldKind::Number => format!("<p>{label}: {{{{ {value} | number }}}}</p>"),
        FieldKind::Text => format!("<p class=\"text\">{{{{ {value} }}}}</p>"),
        FieldKind::Flag => format!("{{% if {value} %}}<p>✓ {label}</p>{{% endif %}}"),
        FieldKind::Email => {
            format!("<p>{label}: <a href=\"mailto:{{{{ {value} }}}}\">{{{{ {value} }}}}</a></p>")
        }
        FieldKind::Url => {
            format!(
                "<p>{label}: <a href=\"{{{{ {value} }}}}\" rel=\"nofollow ugc\">{{{{ {value} }}}}</a></p>"
            )
        }
        FieldKind::Date => format!(
            "<p>{label}: <time datetime=\"{{{{ {value} }}}}\">{{{{ {value} | datetime(date=\"long\") }}}}</time></p>"
        ),
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
