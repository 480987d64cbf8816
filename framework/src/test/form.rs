use std::collections::HashMap;

use bytes::Bytes;
use http::Method;
use scraper::{ElementRef, Html};

use super::address::resolve;
use super::label::{by_id, selector, words};

/// A visitor's changes to the fields of a page, by the fields' [numbers](number).
pub(super) type Edits = HashMap<usize, Edit>;

#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// The text of a field, or the value of the selected option.
    Text(String),
    /// Whether a checkbox or a radio button is checked.
    Checked(bool),
    /// A file, with its name and media type.
    File { name: String, media_type: String, content: Bytes },
}

/// The request that a browser sends for a form.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) content_type: Option<String>,
    pub(super) body: Bytes,
}

/// The value of one entry of a form.
enum Value {
    Text(String),
    File { name: String, media_type: String, content: Bytes },
}

/// Returns the index of a control among all controls of its page.
pub(super) fn number(document: &Html, control: ElementRef<'_>) -> usize {
    document.select(&CONTROLS).take_while(|other| *other != control).count()
}

/// Returns the form that owns a control.
fn form_of<'d>(document: &'d Html, control: ElementRef<'d>) -> Option<ElementRef<'d>> {
    let form = match control.attr("form") {
        Some(id) => by_id(document, id),
        None => {
            control.ancestors().filter_map(ElementRef::wrap).find(|a| a.value().name() == "form")
        }
    };
    form.filter(|form| form.value().name() == "form")
}

/// Builds the request that a browser sends when a button of the page at `address` is pressed, with the visitor's edits
/// (HTML, sections 4.10.21.3 and 4.10.21.4). It does not validate the fields, so that a test can send invalid ones to
/// the site.
///
/// # Errors
/// The reason why a browser would send nothing.
pub(super) fn submission(
    document: &Html,
    address: &str,
    button: ElementRef<'_>,
    edits: &Edits,
) -> Result<Submission, String> {
    let kind = button.attr("type").unwrap_or("submit").to_ascii_lowercase();
    if !["submit", "image"].contains(&kind.as_str()) {
        return Err(format!(
            "the button has the type \"{kind}\", so it sends nothing without a script"
        ));
    }
    if is_disabled(button) {
        return Err("the button is disabled".to_owned());
    }
    let form = form_of(document, button).ok_or("the button belongs to no form")?;
    let entries = entries(document, form, button, edits);
    let of = |own: &str, name: &str| button.attr(own).or_else(|| form.attr(name)).unwrap_or("");
    let action = of("formaction", "action");
    let target = resolve(address, action)
        .ok_or_else(|| format!("the form is sent to {action}, which is not of this site"))?;
    let target = target.split('#').next().unwrap_or_default().to_owned();
    if !of("formmethod", "method").eq_ignore_ascii_case("post") {
        let path = target.split('?').next().unwrap_or_default();
        let target = format!("{path}?{}", urlencoded(entries));
        return Ok(Submission {
            method: Method::GET,
            target,
            content_type: None,
            body: Bytes::new(),
        });
    }
    let (content_type, body) = match of("formenctype", "enctype") {
        "multipart/form-data" => multipart(entries),
        _ => ("application/x-www-form-urlencoded".to_owned(), urlencoded(entries).into()),
    };
    Ok(Submission { method: Method::POST, target, content_type: Some(content_type), body })
}

/// Builds the form's entry list, in document order.
fn entries(
    document: &Html,
    form: ElementRef<'_>,
    button: ElementRef<'_>,
    edits: &Edits,
) -> Vec<(String, Value)> {
    let mut entries = Vec::new();
    let controls = document.select(&CONTROLS);
    let of_form = |control: &ElementRef<'_>| form_of(document, *control) == Some(form);
    for control in controls.filter(of_form).filter(|control| !is_disabled(*control)) {
        let Some(name) = control.attr("name").filter(|name| !name.is_empty()) else { continue };
        let edit = edits.get(&number(document, control));
        let mut add = |value| entries.push((name.to_owned(), value));
        match (control.value().name(), kind_of(control).as_str()) {
            ("button", _) | ("input", "submit" | "image") => {
                if control == button {
                    add(Value::Text(control.attr("value").unwrap_or_default().to_owned()));
                }
            }
            ("input", "button" | "reset") => {}
            ("input", "checkbox" | "radio") => {
                if is_checked(control, edit) {
                    add(Value::Text(control.attr("value").unwrap_or("on").to_owned()));
                }
            }
            ("input", "file") => add(match edit {
                Some(Edit::File { name, media_type, content }) => Value::File {
                    name: name.clone(),
                    media_type: media_type.clone(),
                    content: content.clone(),
                },
                _ => Value::File {
                    name: String::new(),
                    media_type: "application/octet-stream".to_owned(),
                    content: Bytes::new(),
                },
            }),
            ("select", _) => chosen(control, edit).into_iter().for_each(|v| add(Value::Text(v))),
            _ => add(Value::Text(text_of(control, edit))),
        }
    }
    entries
}

/// Returns the text in a field.
pub(super) fn text_of(control: ElementRef<'_>, edit: Option<&Edit>) -> String {
    match (edit, control.value().name()) {
        (Some(Edit::Text(text)), _) => text.clone(),
        (_, "textarea") => {
            let text: String = control.text().collect();
            text.strip_prefix('\n').map_or(text.clone(), str::to_owned)
        }
        _ => control.attr("value").unwrap_or_default().to_owned(),
    }
}

/// Returns the values of the selected options.
pub(super) fn chosen(select: ElementRef<'_>, edit: Option<&Edit>) -> Vec<String> {
    if let Some(Edit::Text(value)) = edit {
        return vec![value.clone()];
    }
    let enabled = |option: &ElementRef<'_>| !is_disabled(*option);
    let options: Vec<_> = select.select(&OPTION).filter(enabled).collect();
    let selected = options.iter().filter(|option| option.attr("selected").is_some());
    let mut values: Vec<String> = selected.map(|option| value_of(*option)).collect();
    if select.attr("multiple").is_none() {
        // Of several selected options the last one counts; without any, the first option does.
        let last = values.pop().or_else(|| options.first().map(|option| value_of(*option)));
        values = last.into_iter().collect();
    }
    values
}

/// Returns the value that is submitted for an option.
pub(super) fn value_of(option: ElementRef<'_>) -> String {
    option.attr("value").map_or_else(|| words(option), str::to_owned)
}

/// Returns the type of an input, in lower case.
pub(super) fn kind_of(control: ElementRef<'_>) -> String {
    control.attr("type").unwrap_or("text").to_ascii_lowercase()
}

/// Whether a checkbox or a radio button is checked.
pub(super) fn is_checked(control: ElementRef<'_>, edit: Option<&Edit>) -> bool {
    match edit {
        Some(&Edit::Checked(checked)) => checked,
        _ => control.attr("checked").is_some(),
    }
}

/// Returns the other radio buttons of the same group.
pub(super) fn others_of_group<'d>(
    document: &'d Html,
    radio: ElementRef<'d>,
) -> Vec<ElementRef<'d>> {
    let same = |other: &ElementRef<'d>| {
        *other != radio
            && kind_of(*other) == "radio"
            && other.attr("name") == radio.attr("name")
            && form_of(document, *other) == form_of(document, radio)
    };
    document.select(&CONTROLS).filter(same).collect()
}

fn is_disabled(control: ElementRef<'_>) -> bool {
    let mut around = control.ancestors().filter_map(ElementRef::wrap);
    control.attr("disabled").is_some()
        || around.any(|a| a.value().name() == "fieldset" && a.attr("disabled").is_some())
}

/// Normalizes line breaks to CR LF, as form submission requires.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

fn urlencoded(entries: Vec<(String, Value)>) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    for (name, value) in entries {
        let text = match value {
            Value::Text(text) => lines(&text),
            // A urlencoded form contains only the file's name.
            Value::File { name, .. } => name,
        };
        encoded.append_pair(&name, &text);
    }
    encoded.finish()
}

fn multipart(entries: Vec<(String, Value)>) -> (String, Bytes) {
    let boundary = format!("----headwater{:032x}", rand::random::<u128>());
    let quoted = |name: &str| name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let mut body = Vec::new();
    for (name, value) in entries {
        let head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&name));
        body.extend_from_slice(head.as_bytes());
        match value {
            Value::Text(text) => {
                body.extend_from_slice(format!("\r\n\r\n{}\r\n", lines(&text)).as_bytes());
            }
            Value::File { name, media_type, content } => {
                let rest = format!(
                    "; filename=\"{}\"\r\nContent-Type: {media_type}\r\n\r\n",
                    quoted(&name)
                );
                body.extend_from_slice(rest.as_bytes());
                body.extend_from_slice(&content);
                body.extend_from_slice(b"\r\n");
            }
        }
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.into())
}

static CONTROLS: std::sync::LazyLock<scraper::Selector> =
    std::sync::LazyLock::new(|| selector("input, select, textarea, button"));
static OPTION: std::sync::LazyLock<scraper::Selector> =
    std::sync::LazyLock::new(|| selector("option"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::label::{button, field};

    const FORM: &str = r#"<form method="post" action="save?x=1"><input type=hidden name=token value=t>
<label for=a>Title *</label><input id=a name=title value=Old><input name="off" disabled value=1>
<label>Text<textarea name=body>
Two
lines</textarea></label>
<label>Kind<select name=kind><option value=s>Soup<option selected>Salad</select></label>
<label><input type=checkbox name=agree> I agree</label>
<label><input type=radio name=size value=1 checked> Small</label><label><input type=radio name=size value=2> Large</label>
<fieldset disabled><input name=no value=1></fieldset><button name=go value=1>Save</button><button name=go value=2>Keep</button></form>
<input name=outside form=nowhere value=1><form id=f><input name=q value=x></form><button form=f formmethod=get>Search</button>"#;

    fn sent(edits: &Edits, name: &str) -> (Method, String, String) {
        let document = Html::parse_document(FORM);
        let button = button(document.root_element(), name).unwrap();
        let sent = submission(&document, "/notes/7", button, edits).unwrap();
        (sent.method, sent.target, String::from_utf8(sent.body.to_vec()).unwrap())
    }

    #[test]
    fn a_form_is_sent_as_a_browser_sends_it() {
        let (method, target, body) = sent(&Edits::new(), "Save");
        assert_eq!((method, target.as_str()), (Method::POST, "/notes/save?x=1"));
        assert_eq!(body, "token=t&title=Old&body=Two%0D%0Alines&kind=Salad&size=1&go=1");
        let (method, target, _) = sent(&Edits::new(), "Search");
        assert_eq!((method, target.as_str()), (Method::GET, "/notes/7?q=x"));
    }

    #[test]
    fn the_visitors_edits_are_sent() {
        let document = Html::parse_document(FORM);
        let field = |name| field(&document, document.root_element(), name).unwrap();
        let id = |name| number(&document, field(name));
        let edits = Edits::from([
            (id("Title"), Edit::Text("ä&".to_owned())),
            (id("Kind"), Edit::Text("s".to_owned())),
            (id("I agree"), Edit::Checked(true)),
            (id("Small"), Edit::Checked(false)),
            (id("Large"), Edit::Checked(true)),
        ]);
        let (_, _, body) = sent(&edits, "Keep");
        let expected = "token=t&title=%C3%A4%26&body=Two%0D%0Alines&kind=s&agree=on&size=2&go=2";
        assert_eq!(body, expected);
    }

    #[test]
    fn an_unknown_label_is_reported_with_the_existing_ones() {
        let document = Html::parse_document(FORM);
        let error = field(&document, document.root_element(), "Titel").unwrap_err();
        assert!(
            error.starts_with("there is no field called \"Titel\"; there is \"Title\", "),
            "{error}"
        );
        assert!(
            error.contains("\"I agree\", \"Small\", \"Large\", input without a label"),
            "{error}"
        );
        let error = button(document.root_element(), "Send").unwrap_err();
        assert_eq!(error, "there is no button \"Send\"; there is \"Save\", \"Keep\", \"Search\"");
    }
}
