//! The text keys that the site's code uses, as far as they are visible in the source.
//!
//! The source is read from the paths that were compiled, which exist where sites are developed and checked: the
//! folders `src` that contain the site's controllers. Nothing is compiled; only string literals are inspected.
//!
//! - `t!("…")` is certainly a key of a text.
//! - A message, a label or an error may be a sentence itself, so it counts as a key only if it looks like one.
//! - Keys that are assembled from pieces are unknown. A text counts as used if any string equals its key.

mod tokens;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::catalogues::Catalogues;
use crate::controller::Registration;
use crate::problem::{Problem, Problems, line_of};
use tokens::{Token, tokens};

/// The limit on the number of source files. Further files are ignored.
const MOST_FILES: usize = 20_000;

/// The strings and text keys in the code.
#[derive(Debug, Default)]
pub(super) struct CodeTexts {
    /// All strings that may be keys.
    strings: BTreeSet<String>,
    calls: Vec<Call>,
    /// Names of templates in `template!("…")` and `template("…")`, with their positions.
    templates: Vec<(String, Problem)>,
}

/// A use of a text.
#[derive(Debug)]
struct Call {
    file: PathBuf,
    line: usize,
    key: String,
    /// The names of the arguments; `None` if the text may be a sentence itself.
    given: Option<BTreeSet<String>>,
}

impl CodeTexts {
    /// Reads the source of the site's controllers, if it is available. Reads files, so it may block.
    pub(super) fn beside(controllers: &[Registration]) -> Option<CodeTexts> {
        let folder_of = |file| {
            let mut above = Path::new(file).ancestors().skip(1);
            let own = above.clone().next();
            above.find(|folder| folder.file_name() == Some(OsStr::new("src"))).or(own)
        };
        let files = controllers.iter().map(|controller| controller.location().file());
        let mut folders: BTreeSet<&Path> = files.filter_map(folder_of).collect();
        // The framework has controllers, too.
        folders.retain(|folder| Some(*folder) != folder_of(file!()));
        let mut texts = CodeTexts::default();
        for folder in &folders {
            if !folder.is_dir() {
                return None;
            }
            for file in rust_files(folder) {
                texts.read(&file, &fs::read_to_string(&file).ok()?);
            }
        }
        (!folders.is_empty()).then_some(texts)
    }

    /// Returns all strings that may be keys of texts.
    pub(super) fn strings(&self) -> impl Iterator<Item = &String> {
        self.strings.iter()
    }

    /// Returns the names of templates in the code, each with a problem that contains its position and no message.
    pub(super) fn templates(&self) -> impl Iterator<Item = &(String, Problem)> {
        self.templates.iter()
    }

    /// Returns the uses of `t!` with texts that the site lacks, or that need other arguments.
    pub(super) fn problems(&self, catalogues: &Catalogues) -> Problems {
        self.wrong(catalogues, |call| call.given.is_some())
    }

    /// Returns the strings that look like keys of texts that the site lacks.
    pub(super) fn notes(&self, catalogues: &Catalogues) -> Problems {
        self.wrong(catalogues, |call| call.given.is_none())
    }

    fn wrong(&self, catalogues: &Catalogues, is_meant: impl Fn(&Call) -> bool) -> Problems {
        let mut problems = Problems::new();
        for call in self.calls.iter().filter(|call| is_meant(call)) {
            let wrong = match &call.given {
                Some(given) => {
                    catalogues.wrong(&call.key, &given.iter().map(String::as_str).collect())
                }
                None => catalogues.lacking(&call.key),
            };
            let problem = |message| Problem::at_line(&*call.file, call.line, message);
            wrong.into_iter().for_each(|message| problems.push(problem(message)));
        }
        problems
    }

    fn read(&mut self, file: &Path, code: &str) {
        let tokens = tokens(code);
        for (index, token) in tokens.iter().enumerate() {
            let Token::Text(text) = *token else { continue };
            // A token borrows from the code.
            let place = || line_of(code, text.as_ptr() as usize - code.as_ptr() as usize);
            if names_template(&tokens[..index], tokens.get(index + 1)) {
                self.templates.push((text.to_owned(), Problem::at_line(file, place(), "")));
            }
            if !is_key(text) {
                continue;
            }
            self.strings.insert(text.to_owned());
            let given = match tokens[..index] {
                [.., Token::Word("t"), Token::Sign(b'!'), Token::Sign(b'(')] => {
                    Some(arguments(&tokens[index + 1..]))
                }
                // `.flash("notice", "…")`, `errors.add("field", "…")`
                [
                    ..,
                    Token::Sign(b'.'),
                    Token::Word("flash" | "add" | "add_error" | "with_error"),
                    Token::Sign(b'('),
                    Token::Text(_),
                    Token::Sign(b','),
                ]
                | [.., Token::Sign(b'.'), Token::Word("add_to_form"), Token::Sign(b'(')]
                // `#[form(label = "…")]`
                | [.., Token::Word("label" | "hint"), Token::Sign(b'=')]
                    if looks_like_a_key(text) =>
                {
                    None
                }
                _ => continue,
            };
            let line = place();
            self.calls.push(Call { file: file.to_owned(), line, key: text.to_owned(), given });
        }
    }
}

/// Returns whether a text between these tokens is the name in `template!("…")` or `template("…")`.
fn names_template(before: &[Token<'_>], after: Option<&Token<'_>>) -> bool {
    let function = match before {
        [function @ .., Token::Word("template"), Token::Sign(b'!'), Token::Sign(b'(')]
        | [function @ .., Token::Word("template"), Token::Sign(b'(')] => function,
        _ => return false,
    };
    let is_method = matches!(function.last(), Some(Token::Sign(b'.')));
    !is_method && matches!(after, Some(Token::Sign(b')' | b',')))
}

/// Returns the names in `, name = value, …)`.
fn arguments(tokens: &[Token<'_>]) -> BTreeSet<String> {
    let (mut names, mut depth) = (BTreeSet::new(), 0_usize);
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign(b'(' | b'[' | b'{') => depth += 1,
            Token::Sign(b')' | b']' | b'}') if depth == 0 => break,
            Token::Sign(b')' | b']' | b'}') => depth -= 1,
            Token::Sign(b',') if depth == 0 => {
                if let Some([Token::Word(name), Token::Sign(b'=')]) =
                    tokens.get(index + 1..index + 3)
                {
                    names.insert((*name).to_owned());
                }
            }
            _ => {}
        }
    }
    names
}

/// Returns whether a catalogue could contain this key.
fn is_key(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Returns whether a key is more than a word of a sentence.
fn looks_like_a_key(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.contains(['-', '_', '.'])
        && !key.ends_with('.')
}

/// Returns all Rust files in a folder. Symlinks are not followed.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(path),
                Ok(_) if path.extension() == Some(OsStr::new("rs")) && files.len() < MOST_FILES => {
                    files.push(path);
                }
                _ => {}
            }
        }
    }
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Languages;

    const CODE: &str = r##"
        #[derive(Form)]
        struct Draft {
            #[form(required, label = "draft.title", hint = "A few words", placeholder = "no.key")]
            title: String,
            #[form(label = "draft.txt")]
            text: String,
        }
        fn check(&self, errors: &mut Errors) {
            errors.add("title", "draft.taken"); // t!("comment")
            errors.add("title", "Taken");
            errors.add_to_form("draft.closed");
        }
        fn reply(name: &str) -> Reply {
            let text = t!("saved", name = f(a, b = 1), count = [1, 2].len());
            let other = t!("gone", title = name);
            redirect_to("/").flash("notice", "draft.done", ()).flash("notice", "“{title}” is saved.", ())
        }
    "##;

    #[test]
    fn texts_in_code_are_checked_against_the_catalogues() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("en")).unwrap();
        let catalogue =
            "saved = { $name } { $count } { $more }\ndraft = D\n    .title = T\n    .done = D\n";
        std::fs::write(folder.path().join("en/a.ftl"), catalogue).unwrap();
        let mut problems = Problems::new();
        let catalogues = Catalogues::load(folder.path(), &Languages::new(["en"]), &mut problems);
        assert!(problems.is_empty(), "{problems}");
        let mut texts = CodeTexts::default();
        texts.read(Path::new("src/a.rs"), CODE);
        assert_eq!(
            texts.problems(&catalogues).to_string(),
            "src/a.rs:15: the text `saved` shows `$more`, which is missing here: write more=…\n\
             src/a.rs:16: no catalogue has the text `gone`"
        );
        assert_eq!(
            texts.notes(&catalogues).to_string(),
            "src/a.rs:6: no catalogue has the text `draft.txt`; did you mean `draft.title`?\n\
             src/a.rs:10: no catalogue has the text `draft.taken`; did you mean `draft.done`?\n\
             src/a.rs:12: no catalogue has the text `draft.closed`; did you mean `draft.done`?"
        );
        let strings: Vec<&str> = texts.strings().map(String::as_str).collect();
        assert!(strings.contains(&"notice") && strings.contains(&"no.key"), "{strings:?}");
        assert!(!strings.contains(&"comment"), "{strings:?}");
    }

    #[test]
    fn templates_are_found_by_their_literal_names() {
        let code = r#"
            fn list() -> Reply { template("list.html").with("a", "b.html") }
            fn card() -> Reply {
                headwater::template!("card.html",) // template("comment.html")
            }
            fn more(name: &str) -> Reply { route.template("no.html"); template(name); template("a".to_owned() + name) }
        "#;
        let mut texts = CodeTexts::default();
        texts.read(Path::new("src/a.rs"), code);
        let found: Vec<String> =
            texts.templates().map(|(name, at)| format!("{name} {:?}", at.line)).collect();
        assert_eq!(found, ["list.html Some(2)", "card.html Some(4)"]);
    }

    #[crate::controller("here")]
    async fn here() -> String {
        String::new()
    }

    #[test]
    fn only_the_source_around_the_sites_controllers_is_read() {
        let controllers: Vec<Registration> = crate::controllers![here].into_iter().collect();
        // Tests run in the folder of their package, but code locations are relative to the workspace's folder.
        assert!(CodeTexts::beside(&controllers).is_none());
        assert!(CodeTexts::beside(&[]).is_none());
    }
}
