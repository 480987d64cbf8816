//! Inserts lines into a site's program and settings.

/// Adds `mod name;` to the modules of `text`, in alphabetical order.
pub(super) fn with_module(text: &str, name: &str) -> Option<String> {
    let line = format!("mod {name};\n");
    let mut place = None;
    let mut offset = 0;
    let mut after_attribute = false;
    let mut after_modules = false;
    for found in text.split_inclusive('\n') {
        let module =
            found.trim_end().strip_suffix(';').and_then(|found| found.strip_prefix("mod "));
        if module == Some(name) {
            return Some(text.to_owned());
        }
        if let Some(module) = module.filter(|_| !after_attribute) {
            if place.is_none() || after_modules {
                place = Some(if module < name { offset + found.len() } else { offset });
                after_modules = module < name;
            }
        } else if place.is_none() && (found.starts_with("use ") || found.starts_with("fn ")) {
            return Some(format!("{}{line}\n{}", &text[..offset], &text[offset..]));
        }
        after_attribute = found.starts_with('#');
        offset += found.len();
    }
    let place = place?;
    Some(format!("{}{line}{}", &text[..place], &text[place..]))
}

/// Adds these methods at the end of the first `App::new()…`, before `.run()`.
pub(super) fn with_methods(text: &str, methods: &[String]) -> Option<String> {
    const START: &str = "App::new()";
    let mut end = text.find(START)? + START.len();
    while let Some(length) = method(&text[end..]) {
        end += length;
    }
    Some(format!("{}{}{}", &text[..end], methods.concat(), &text[end..]))
}

/// Returns the length of the method call at the beginning of `text`, unless the method is `run` or `into_service`.
fn method(text: &str) -> Option<usize> {
    let name = text.trim_start().strip_prefix('.')?;
    if name.starts_with("run()") || name.starts_with("into_service(") {
        return None;
    }
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (index, letter) in name.char_indices() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
            continue;
        }
        match letter {
            '"' => quoted = true,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 && letter == ')' {
                    return Some(text.len() - name.len() + index + 1);
                }
            }
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Returns the offset of the first setting of `text`, which is TOML, after comments and empty lines.
pub(super) fn first_setting(text: &str) -> usize {
    let before = text.split_inclusive('\n').take_while(|line| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with('#')
    });
    before.map(str::len).sum()
}

/// Adds this tag to the `languages` of `text`, a project.toml, if they are on one line.
pub(super) fn with_language(text: &str, tag: &str) -> Option<String> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let is_list = line.split_once('=').is_some_and(|(key, value)| {
            key.trim() == "languages" && value.trim_start().starts_with('[')
        });
        if is_list {
            let end = offset + line.find(']')?;
            let comma = if text[..end].trim_end().ends_with('[') { "" } else { ", " };
            return Some(format!("{}{comma}\"{tag}\"{}", &text[..end], &text[end..]));
        }
        offset += line.len();
    }
    None
}

/// Adds this dependency to `text`, a Cargo.toml.
pub(super) fn with_dependency(text: &str, name: &str, value: &str) -> Option<String> {
    let section = text.find("[dependencies]\n")? + "[dependencies]\n".len();
    let rest = &text[section..];
    let section_end = section + rest.find("\n[").map_or(rest.len(), |end| end + 1);
    let of = |line: &str| line.split(['=', '.', ' ']).next().unwrap_or_default().to_owned();
    let mut place = section;
    for line in text[section..section_end].split_inclusive('\n') {
        match of(line) {
            found if found == name => return Some(text.to_owned()),
            found if !found.trim().is_empty() && *found < *name => place += line.len(),
            _ => break,
        }
    }
    Some(format!("{}{name} = {value}\n{}", &text[..place], &text[place..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_added_in_alphabetical_order() {
        let program = "//! A site.\n\nmod b;\nmod d;\n#[cfg(test)]\nmod tests;\n\nuse x;\n";
        for (name, before) in [("a", "mod b;"), ("c", "mod d;"), ("e", "#[cfg(test)]")] {
            let text = with_module(program, name).unwrap();
            assert!(text.contains(&format!("mod {name};\n{before}")), "{text}");
            assert_eq!(with_module(&text, name).unwrap(), text, "once");
        }
        let text = with_module("//! A site.\n\nuse x;\n", "a").unwrap();
        assert_eq!(text, "//! A site.\n\nmod a;\n\nuse x;\n");
        assert_eq!(with_module("// nothing\n", "a"), None);
    }

    #[test]
    fn methods_are_added_at_the_end_of_the_app() {
        let methods =
            [".state::<a::A>()".to_owned(), ".controllers(controllers![a::b])".to_owned()];
        for (before, after) in [
            ("fn main() { App::new()", ".run() }"),
            (
                "    App::new()\n        .state::<b::B>()\n        .variant(|v| match v.cookie(\")\\\"\") { _ => no(), })",
                "\n}",
            ),
            ("let app = App::new().seed::<B>(|| vec![(1)])", "; app.run()"),
        ] {
            let text = with_methods(&format!("{before}{after}"), &methods).unwrap();
            assert_eq!(text, format!("{before}{}{after}", methods.concat()));
        }
        assert_eq!(with_methods("fn main() {}", &methods), None);
    }

    #[test]
    fn a_language_is_added_to_those_of_a_site() {
        let text = "# A node.\n\nlanguages = [\"en\"] # all\n[http]\n";
        let expected = "# A node.\n\nlanguages = [\"en\", \"de\"] # all\n[http]\n";
        assert_eq!(with_language(text, "de").unwrap(), expected);
        assert_eq!(&text[first_setting(text)..][..9], "languages");
        for text in ["[http]\n", "languages = [\n\"en\",\n]\n"] {
            assert_eq!(with_language(text, "de"), None);
        }
    }

    #[test]
    fn a_dependency_is_added_once() {
        let manifest = "[package]\n\n[dependencies]\nheadwater = { path = \"x\" }\nserde = \"1\"\n\n[dev-dependencies]\n";
        let text = with_dependency(manifest, "rand", "\"0.10\"").unwrap();
        assert!(text.contains("}\nrand = \"0.10\"\nserde"), "{text}");
        assert_eq!(with_dependency(&text, "rand", "\"0.10\"").unwrap(), text);
        let text = with_dependency(manifest, "tokio", "\"1\"").unwrap();
        assert!(text.contains("serde = \"1\"\ntokio = \"1\"\n\n[dev"), "{text}");
        let text = with_dependency("[dependencies]\n", "a", "\"1\"").unwrap();
        assert_eq!(text, "[dependencies]\na = \"1\"\n");
    }
}
