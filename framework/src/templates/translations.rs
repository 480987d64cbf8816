//! The function `{{ t(key="greeting", name=user.name) }}`, which returns texts from the catalogues.
//!
//! Its output is escaped like any other value, according to the page's media type. Literal keys are checked at load
//! time; computed keys are known only at render time. A computed key may be a text itself, such as an error of a
//! form: if no catalogue contains the key, `default` is shown, or else the key, if it cannot be a valid key.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tera::value::Key;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::folder::Source;
use super::fragments::{self, Token, tokens};
use super::positions::TextPosition;
use super::scanner::{self, Statement};
use crate::catalogues::{Argument, Catalogues, missing};
use crate::problem::{Problem, Problems};

/// The name of the function.
const NAME: &str = "t";
/// The argument with the key of the text.
const KEY: &str = "key";
/// The argument with a key and arguments made by the site's code.
const MESSAGE: &str = "message";
/// The argument with the text to show if no catalogue contains the key.
const DEFAULT: &str = "default";

pub(super) fn register(tera: &mut Tera, catalogues: Arc<Catalogues>) {
    tera.register_function(NAME, move |arguments: Kwargs, _: &State<'_>| {
        if let Some(message) = arguments.get::<&Value>(MESSAGE)? {
            return of_message(&catalogues, message);
        }
        let key = arguments.must_get::<&str>(KEY)?;
        let mut given = Vec::new();
        for (name, value) in arguments.iter() {
            if let Some(name) = name.as_str().filter(|name| ![KEY, DEFAULT].contains(name)) {
                given.push((Cow::Borrowed(name), argument(name, value)?));
            }
        }
        text(&catalogues, key, arguments.get::<&str>(DEFAULT)?, given)
    });
}

/// Returns the text of `{"key": …, "arguments": {…}}`.
fn of_message(catalogues: &Catalogues, message: &Value) -> TeraResult<String> {
    let fields = message.as_map();
    let field = |name: &'static str| fields.and_then(|fields| fields.get(&Key::from(name)));
    let Some(key) = field("key").and_then(Value::as_str) else {
        return Err(Error::message(format!(
            "`message` must be a text of `t!(…)`, but it is {}",
            message.name()
        )));
    };
    let mut given = Vec::new();
    for (name, value) in field("arguments").and_then(Value::as_map).into_iter().flatten() {
        if let Some(name) = name.as_str() {
            given.push((Cow::Owned(name.to_owned()), argument(name, value)?));
        }
    }
    text(catalogues, key, None, given)
}

fn text<'a>(
    catalogues: &Catalogues,
    key: &str,
    default: Option<&str>,
    arguments: Vec<(Cow<'a, str>, Argument<'a>)>,
) -> TeraResult<String> {
    // A site without languages has the built-in texts.
    let lang = match catalogues.languages().next() {
        Some(_) => Some(fragments::lang()?),
        None => None,
    };
    if let Some(text) = catalogues.text(lang.as_deref().unwrap_or("en"), key, arguments) {
        return Ok(text);
    }
    if let Some(text) = default.or_else(|| (!is_key(key)).then_some(key)) {
        return Ok(text.to_owned());
    }
    let lang = lang.map_or_else(fragments::lang, Ok)?;
    Ok(missing(key, &lang))
}

/// Returns whether a catalogue could contain this key: a name, or one with an attribute.
fn is_key(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn argument<'a>(name: &str, value: &'a Value) -> TeraResult<Argument<'a>> {
    if let Some(text) = value.as_str() {
        return Ok(Argument::Text(Cow::Borrowed(text)));
    }
    if let Some(number) = value.as_f64().filter(|_| value.is_number()) {
        return Ok(Argument::number(number, value.to_string()));
    }
    if value.is_bool() {
        return Ok(Argument::Text(Cow::Owned(value.to_string())));
    }
    Err(Error::message(format!(
        "the argument `{name}` of a text must be a string, a number or a bool, but it is {}",
        value.name()
    )))
}

/// Reports keys in the templates that the site's first language lacks, and calls that lack arguments. Returns all
/// keys in the templates; `None` if a template computes one. Calls with `default` and a computed key, or with
/// `message`, take their keys from the site's code.
pub(super) fn check(
    folder: &Path,
    sources: &[Source],
    catalogues: &Catalogues,
    problems: &mut Problems,
) -> Option<BTreeSet<String>> {
    let (mut keys, mut are_all) = (BTreeSet::new(), true);
    for Source { name, text } in sources {
        for statement in scanner::statements(text) {
            let range = match statement {
                Statement::Output(output) => output,
                Statement::Tag(tag) => tag.word_at..tag.inside_end,
            };
            for call in calls(&text[range.clone()]) {
                let Call { at, key, given } = call;
                let Some(key) = key else {
                    are_all &= given.contains(MESSAGE) || given.contains(DEFAULT);
                    continue;
                };
                keys.insert(key.to_owned());
                if let Some(message) = catalogues.wrong(key, &given) {
                    let TextPosition { line, column } = TextPosition::of(text, range.start + at);
                    problems.push(Problem::at_column(folder.join(name), line, column, message));
                }
            }
        }
    }
    are_all.then_some(keys)
}

/// Reports filters that need the page's language, if the site has no languages.
pub(super) fn check_no_language(folder: &Path, sources: &[Source], problems: &mut Problems) {
    for Source { name, text } in sources {
        for statement in scanner::statements(text) {
            let (inside, first) = match statement {
                Statement::Output(output) => (output, None),
                Statement::Tag(tag) if tag.word == "filter" => {
                    (tag.rest(), tokens(&text[tag.rest()]).first().copied())
                }
                Statement::Tag(tag) => (tag.rest(), None),
            };
            let tokens = tokens(&text[inside]);
            let piped = tokens.windows(2).filter(|pair| pair[0] == Token::Sign("|"));
            for token in first.into_iter().chain(piped.map(|pair| pair[1])) {
                let Token::Word(filter) = token else { continue };
                if fragments::FILTERS_OF_LANGUAGE.contains(&filter) {
                    // A token borrows from the text.
                    let at = filter.as_ptr() as usize - text.as_ptr() as usize;
                    let TextPosition { line, column } = TextPosition::of(text, at);
                    let message = format!(
                        "the filter `{filter}` depends on the page's language, but project.toml declares no languages: write at its top \
                         languages = [\"en\"]"
                    );
                    problems.push(Problem::at_column(folder.join(name), line, column, message));
                }
            }
        }
    }
}

/// A call of `t` in a template.
struct Call<'a> {
    /// The position in the text, in bytes.
    at: usize,
    /// The key, if it is a string literal.
    key: Option<&'a str>,
    /// The names of the other arguments.
    given: BTreeSet<&'a str>,
}

/// Returns the calls in a tag or output.
fn calls(text: &str) -> Vec<Call<'_>> {
    let tokens = tokens(text);
    let mut calls = Vec::new();
    for (index, pair) in tokens.windows(2).enumerate() {
        let [Token::Word(word), Token::Sign("(")] = pair else { continue };
        let is_field = index > 0 && matches!(tokens[index - 1], Token::Sign("." | "?." | "|"));
        if *word != NAME || is_field {
            continue;
        }
        // A token borrows from the text.
        let at = word.as_ptr() as usize - text.as_ptr() as usize;
        let mut call = Call { at, key: None, given: BTreeSet::new() };
        let mut depth = 0_usize;
        for rest in tokens[index + 1..].windows(4) {
            match rest {
                [Token::Sign("(" | "[" | "?[" | "{"), ..] => depth += 1,
                [Token::Sign(")" | "]" | "}"), ..] => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
            if depth != 1 {
                continue;
            }
            match rest {
                [_, Token::Word(KEY), Token::Sign("="), value] => {
                    call.key = literal(value);
                }
                [Token::Sign("(" | ","), Token::Word(name), Token::Sign("="), _] => {
                    call.given.insert(name);
                }
                _ => {}
            }
        }
        // `key="a" ~ suffix` is not a literal.
        if !is_whole(&tokens[index + 1..]) {
            call.key = None;
        }
        calls.push(call);
    }
    calls
}

/// Returns whether the string after `key=` is the whole argument.
fn is_whole(tokens: &[Token<'_>]) -> bool {
    let key = tokens
        .windows(4)
        .find(|rest| matches!(rest, [Token::Word(KEY), Token::Sign("="), Token::Text(_), _]));
    key.is_some_and(|rest| matches!(rest[3], Token::Sign("," | ")")))
}

fn literal<'a>(token: &Token<'a>) -> Option<&'a str> {
    match token {
        Token::Text(text) if !text.contains('\\') => text.get(1..text.len() - 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Option<&str>, Vec<&str>)> {
        calls(text).into_iter().map(|call| (call.key, call.given.into_iter().collect())).collect()
    }

    #[test]
    fn all_keys_are_known_unless_a_template_makes_one() {
        let (folder, catalogues) = (Path::new("templates"), Catalogues::default());
        let asked = |text: &str| {
            let source = Source { name: "a.html".to_owned(), text: text.to_owned() };
            check(folder, &[source], &catalogues, &mut Problems::new())
        };
        let all =
            "{{ t(key='a') }}{{ t(key=field.label, default=field.label) }}{{ t(message=error) }}";
        assert_eq!(asked(all), Some(BTreeSet::from(["a".to_owned()])));
        assert_eq!(asked("{{ t(key='a') }}{{ t(key='error-' ~ status) }}"), None);
        // The components of a new site compute no keys.
        assert!(asked(crate::form::COMPONENTS).is_some());
    }

    #[test]
    fn calls_are_found_with_their_keys_and_arguments() {
        assert_eq!(found(r#"t(key="a")"#), [(Some("a"), vec![])]);
        assert_eq!(
            found(r#"x | default(value=t(key='a.b', n=f(m=1), o=[2, 3])) ~ t(p=1, key=`c`)"#),
            [(Some("a.b"), vec!["n", "o"]), (Some("c"), vec!["p"])]
        );
        assert_eq!(found("t(key=problem.label, length=1)"), [(None, vec!["length"])]);
        assert_eq!(found(r#"t(key="a-" ~ kind)"#), [(None, vec![])]);
        assert_eq!(found("t(message=notice)"), [(None, vec!["message"])]);
        assert_eq!(found(r#"story.t (key="a") ~ t ~ tt(key="a")"#), []);
    }
}
