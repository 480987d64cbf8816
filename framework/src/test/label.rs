use scraper::{ElementRef, Html, Node, Selector};

/// Parses a selector that is known to be valid.
pub(super) fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("the selectors written here are right")
}

/// Elements that are laid out within a line of text.
const INLINE: [&str; 26] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "dfn", "em", "i", "kbd", "mark", "q",
    "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr", "ins",
];

/// Returns the text of an element with single spaces, without scripts and styles.
pub(super) fn words(element: ElementRef<'_>) -> String {
    words_without(element, &[])
}

fn words_without(element: ElementRef<'_>, without: &[&str]) -> String {
    let mut text = String::new();
    collect(element, without, &mut text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn collect(element: ElementRef<'_>, without: &[&str], text: &mut String) {
    for child in element.children() {
        match child.value() {
            Node::Text(words) => text.push_str(words),
            Node::Element(inner) => {
                let name = inner.name();
                if let Some(inner) = ElementRef::wrap(child)
                    && !["script", "style", "template"].contains(&name)
                    && !without.contains(&name)
                {
                    // A block boundary separates words.
                    let space = if INLINE.contains(&name) { "" } else { " " };
                    text.push_str(space);
                    collect(inner, without, text);
                    text.push_str(space);
                }
            }
            _ => {}
        }
    }
}

/// Returns the controls that a visitor fills in.
pub(super) fn fields<'d>(scope: ElementRef<'d>) -> Vec<ElementRef<'d>> {
    let is_field = |field: &ElementRef<'_>| {
        let kind = field.attr("type").unwrap_or("text").to_ascii_lowercase();
        field.value().name() != "input"
            || !["hidden", "submit", "image", "button", "reset"].contains(&kind.as_str())
    };
    scope.select(&selector("input, select, textarea")).filter(is_field).collect()
}

/// Returns the names of a field: from its labels, `aria-label` and `aria-labelledby`.
pub(super) fn names_of(document: &Html, field: ElementRef<'_>) -> Vec<String> {
    let mut names = Vec::new();
    // Options and the field's own text are not part of its label.
    let label_words = |label| words_without(label, &["select", "textarea", "button"]);
    if let Some(id) = field.attr("id") {
        let labels = document.select(&LABEL).filter(|label| label.attr("for") == Some(id));
        names.extend(labels.map(label_words));
    }
    let around = field.ancestors().filter_map(ElementRef::wrap);
    let around = around.filter(|outer| outer.value().name() == "label");
    names.extend(around.filter(|label| label.attr("for").is_none()).map(label_words));
    names.extend(field.attr("aria-label").map(str::to_owned));
    let by = field.attr("aria-labelledby").unwrap_or_default().split_whitespace();
    let by: Vec<String> = by.filter_map(|id| by_id(document, id)).map(words).collect();
    names.extend((!by.is_empty()).then(|| by.join(" ")));
    let clean = |name: String| name.trim_end_matches(['*', ':', ' ']).to_owned();
    names.into_iter().map(clean).filter(|name| !name.is_empty()).collect()
}

/// Returns the element with this id.
pub(super) fn by_id<'d>(document: &'d Html, id: &str) -> Option<ElementRef<'d>> {
    let elements = document.root_element().descendants().filter_map(ElementRef::wrap);
    elements.into_iter().find(|element| element.attr("id") == Some(id))
}

static LABEL: std::sync::LazyLock<Selector> = std::sync::LazyLock::new(|| selector("label"));

/// Returns the only field in `scope` with this name.
///
/// # Errors
/// There is no such field, or more than one; the message lists the existing fields.
pub(super) fn field<'d>(
    document: &'d Html,
    scope: ElementRef<'d>,
    name: &str,
) -> Result<ElementRef<'d>, String> {
    let fields = fields(scope);
    let named = |field: &&ElementRef<'d>| names_of(document, **field).iter().any(|n| n == name);
    let found: Vec<_> = fields.iter().filter(named).copied().collect();
    let all = || {
        let mut all: Vec<String> = fields
            .iter()
            .flat_map(|field| {
                let names = names_of(document, *field);
                match names.is_empty() {
                    true => vec![format!("{} without a label", field.value().name())],
                    false => names.iter().map(|name| format!("\"{name}\"")).collect(),
                }
            })
            .collect();
        all.dedup();
        all.join(", ")
    };
    one(found, &format!("field called \"{name}\""), all)
}

/// Returns the only button in `scope` with this text.
///
/// # Errors
/// There is no such button, or more than one; the message lists the existing buttons.
pub(super) fn button<'d>(scope: ElementRef<'d>, name: &str) -> Result<ElementRef<'d>, String> {
    let buttons = selector("button, input[type=submit], input[type=image]");
    let all: Vec<_> = scope.select(&buttons).map(|button| (button, button_name(button))).collect();
    let found = all.iter().filter(|(_, words)| words == name).map(|(button, _)| *button).collect();
    let names = || all.iter().map(|(_, name)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    one(found, &format!("button \"{name}\""), names)
}

/// Returns the text of a button.
pub(super) fn button_name(button: ElementRef<'_>) -> String {
    let spoken = button.attr("aria-label").map(str::to_owned);
    spoken.unwrap_or_else(|| match (button.value().name(), button.attr("type")) {
        ("button", _) => words(button),
        (_, Some("image")) => button.attr("alt").unwrap_or("Submit").to_owned(),
        _ => button.attr("value").unwrap_or("Submit").to_owned(),
    })
}

/// Returns the only link in `scope` with this text.
///
/// # Errors
/// There is no such link, or more than one; the message lists the existing links.
pub(super) fn link<'d>(scope: ElementRef<'d>, name: &str) -> Result<ElementRef<'d>, String> {
    let all: Vec<_> = scope.select(&selector("a[href]")).map(|a| (a, link_name(a))).collect();
    let mut found: Vec<_> =
        all.iter().filter(|(_, words)| words == name).map(|(a, _)| *a).collect();
    // Several links to the same address are not ambiguous.
    found.dedup_by_key(|link| link.attr("href"));
    let names = || all.iter().map(|(_, name)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    one(found, &format!("link \"{name}\""), names)
}

fn link_name(link: ElementRef<'_>) -> String {
    let words = words(link);
    let picture = || link.select(&selector("img[alt]")).find_map(|img| img.attr("alt"));
    match link.attr("aria-label") {
        Some(spoken) => spoken.to_owned(),
        None if words.is_empty() => picture().unwrap_or_default().to_owned(),
        None => words,
    }
}

fn one<'d>(
    found: Vec<ElementRef<'d>>,
    what: &str,
    all: impl FnOnce() -> String,
) -> Result<ElementRef<'d>, String> {
    match found[..] {
        [one] => Ok(one),
        [] => match all() {
            all if all.is_empty() => Err(format!("there is no {what}, nor any other")),
            all => Err(format!("there is no {what}; there is {all}")),
        },
        [_, _, ..] => {
            let count = found.len();
            Err(format!("{what}: there are {count}; choose one with `within(…)`"))
        }
    }
}
