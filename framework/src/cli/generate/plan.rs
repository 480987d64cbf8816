use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::edits;
use crate::config::Config;
use crate::form::COMPONENTS;
use crate::problem::{Problem, Problems};

/// The planned changes of a site.
#[derive(Debug)]
pub(super) struct Plan {
    /// The folder of the site's Cargo.toml.
    root: PathBuf,
    dispatch: PathBuf,
    templates: PathBuf,
    locales: PathBuf,
    /// The site's languages, as in project.toml.
    languages: Vec<String>,
    /// New files, with their texts.
    new: Vec<(PathBuf, String)>,
    /// Existing files, with their new texts and the lines that are new.
    changed: Vec<Changed>,
    /// Steps for the site's author.
    notes: Vec<String>,
}

#[derive(Debug)]
struct Changed {
    path: PathBuf,
    text: String,
    lines: Vec<String>,
}

impl Plan {
    /// Makes an empty plan for the site in `root`.
    ///
    /// # Errors
    /// Fails when the folder does not contain a site's code.
    pub(super) fn new(root: &Path, config: &Config) -> Result<Plan, Problems> {
        if !root.join("Cargo.toml").is_file() || !root.join("src").is_dir() {
            return Err(Problem::new(
                "there is no Cargo.toml with a folder `src` here; go to the folder of the site",
            )
            .into());
        }
        Ok(Plan {
            root: root.to_owned(),
            dispatch: config.dispatch.path.clone(),
            templates: config.templates.path.clone(),
            locales: config.locales.path.clone(),
            languages: config.languages.clone(),
            new: Vec::new(),
            changed: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// Returns whether the site has this file.
    pub(super) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Returns the text of a file of the site; empty if it does not exist.
    pub(super) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    /// Appends a line to a file below the site's folder.
    pub(super) fn append(&mut self, path: &str, line: &str, by_hand: &str) {
        self.change_file(path, by_hand, |text| Some(format!("{}\n{line}\n", text.trim_end())));
    }

    /// Adds a new file below the site's folder. Rust code is formatted if rustfmt is installed.
    pub(super) fn create(&mut self, path: impl AsRef<Path>, text: String) {
        let path = self.root.join(path);
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        let text = if is_rust { formatted(&text).unwrap_or(text) } else { text };
        self.new.push((path, text));
    }

    /// Adds a new text file at any path.
    pub(super) fn create_at(&mut self, path: PathBuf, text: String) {
        self.new.push((path, text));
    }

    /// Adds a new template.
    pub(super) fn template(&mut self, name: &str, text: String) {
        self.new.push((self.templates.join(name), text));
    }

    /// Adds a module with this name, and calls the methods `registered` on the site's `App`.
    pub(super) fn module(&mut self, name: &str, registered: &[String]) {
        let line = format!("mod {name};");
        let by_hand =
            format!("add `{line}` to the program, and at its `App`: {}", registered.concat());
        self.change_code("src/main.rs", &by_hand, |text| {
            let text = edits::with_module(text, name)?;
            edits::with_methods(&text, registered)
        });
    }

    /// Adds the routes of `name`, in a file of their own that dispatch.conf includes.
    pub(super) fn routes(&mut self, name: &str, text: String) {
        let folder = self.dispatch.parent().unwrap_or(Path::new("")).to_owned();
        let file = format!("routes/{name}.conf");
        self.new.push((folder.join(&file), text));
        let include = format!("\n[[route]]\ninclude = \"{file}\"\n");
        let dispatch = self.dispatch.clone();
        let by_hand = format!("include {file} in {}", dispatch.display());
        self.change(&dispatch, &by_hand, |text| Some(text.trim_end().to_owned() + "\n" + &include));
    }

    /// Returns the languages of the site; the first is for visitors who accept none of them.
    pub(super) fn languages(&self) -> &[String] {
        &self.languages
    }

    /// Returns the folder with the texts of a language.
    pub(super) fn locale(&self, tag: &str) -> PathBuf {
        self.locales.join(tag)
    }

    /// Adds a new file with English texts to the catalogue of one of the site's languages.
    pub(super) fn texts(&mut self, name: &str, text: String) {
        let english = self.languages.iter().find(|tag| *tag == "en");
        let tag = english.or(self.languages.first()).map_or("en", String::as_str);
        let file = self.locale(tag).join(format!("{name}.ftl"));
        if !tag.starts_with("en") {
            self.notes.push(format!("the texts in {} are in English", file.display()));
        }
        self.new.push((file, text));
        if self.languages.is_empty() {
            let line = "languages = [\"en\"]";
            let by_hand = format!("write at the top of project.toml: {line}");
            self.change_file("project.toml", &by_hand, |text| {
                let place = edits::first_setting(text);
                Some(format!("{}{line}\n{}", &text[..place], &text[place..]))
            });
        }
    }

    /// Adds the files of a new site that forms need, and notes what is missing.
    pub(super) fn forms(&mut self) {
        if !self.templates.join("components.html").exists() {
            self.template("components.html", COMPONENTS.to_owned());
        }
        let base = fs::read_to_string(self.templates.join("base.html")).unwrap_or_default();
        if !base.contains("flash()") {
            self.note("write `{{ flash() }}` into the template that all pages extend: it shows the results of forms");
        }
        let manifest = self.text("Cargo.toml").parse::<toml::Table>().unwrap_or_default();
        let features =
            manifest.get("dev-dependencies").and_then(|all| all.get("headwater")?.get("features"));
        let has_tests = features
            .and_then(toml::Value::as_array)
            .is_some_and(|all| all.iter().any(|feature| feature.as_str() == Some("test")));
        if !has_tests {
            self.note(
                "the tests take `headwater` with features = [\"test\"] among the dev-dependencies of Cargo.toml, and \
                 `app()` in src/main.rs, which makes the `App`",
            );
        }
    }

    /// Adds a line to the site's navigation, if it has one.
    pub(super) fn navigation(&mut self, line: &str) {
        let file = self.templates.join("nav.html");
        if file.exists() {
            self.change(&file, "", |text| Some(format!("{}\n{line}\n", text.trim_end())));
        }
    }

    /// Changes a file of code, and formats it if it was formatted.
    fn change_code(
        &mut self,
        path: &str,
        by_hand: &str,
        edit: impl FnOnce(&str) -> Option<String>,
    ) {
        self.change(&self.root.join(path), by_hand, |text| {
            let is_formatted = formatted(text).is_some_and(|formatted| formatted == text);
            let text = edit(text)?;
            Some(if is_formatted { formatted(&text).unwrap_or(text) } else { text })
        });
    }

    /// Changes a file below the site's folder.
    pub(super) fn change_file(
        &mut self,
        path: &str,
        by_hand: &str,
        edit: impl FnOnce(&str) -> Option<String>,
    ) {
        self.change(&self.root.join(path), by_hand, edit);
    }

    /// Returns the name of the site's package.
    pub(super) fn site_name(&self) -> String {
        let manifest = self.text("Cargo.toml").parse::<toml::Table>().unwrap_or_default();
        let name = manifest.get("package").and_then(|package| package.get("name")?.as_str());
        name.unwrap_or("site").to_owned()
    }

    /// Changes an existing file. If that is impossible, notes `by_hand` for the author.
    fn change(&mut self, path: &Path, by_hand: &str, edit: impl FnOnce(&str) -> Option<String>) {
        let before = self.changed.iter().position(|changed| changed.path == path);
        let old = match before {
            Some(index) => Some(self.changed[index].text.clone()),
            None => fs::read_to_string(path).ok(),
        };
        let Some((old, text)) = old.and_then(|old| edit(&old).map(|text| (old, text))) else {
            self.notes.push(by_hand.to_owned());
            return;
        };
        if text == old {
            return;
        }
        let old: Vec<&str> = old.lines().collect();
        let is_new = |line: &&str| !line.is_empty() && !old.contains(line);
        let lines: Vec<String> = text.lines().filter(is_new).map(str::to_owned).collect();
        match before {
            Some(index) => {
                let changed = &mut self.changed[index];
                changed.text = text;
                changed.lines.extend(lines);
            }
            None => self.changed.push(Changed { path: path.to_owned(), text, lines }),
        }
    }

    /// Adds a step for the author.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Writes all changes, or none if a file is in the way, and returns a report. A `dry_run` only returns the
    /// report.
    pub(super) fn carry_out(self, dry_run: bool) -> Result<String, Problems> {
        let mut problems = Problems::new();
        for (path, _) in &self.new {
            if path.symlink_metadata().is_ok() {
                problems.push(Problem::in_file(
                    path,
                    "already exists, so nothing was written; take another name, or move the file away",
                ));
            }
        }
        problems.or(())?;
        let mut said = String::new();
        let mut done: Vec<(&Path, Option<String>)> = Vec::new();
        let new = self.new.iter().map(|(path, text)| ("new", path, text, &[][..]));
        let changed = self.changed.iter();
        let changed = changed.map(|file| ("changed", &file.path, &file.text, &file.lines[..]));
        for (what, path, text, lines) in new.chain(changed) {
            if !dry_run {
                let before = fs::read_to_string(path).ok();
                if let Err(error) = write(path, text) {
                    undo(&done);
                    return Err(failed(path, &error).into());
                }
                done.push((path, before));
            }
            // Writing to a string cannot fail.
            let _ = writeln!(said, "{what:8} {}", path.display());
            for line in lines {
                let _ = writeln!(said, "       + {line}");
            }
        }
        for note in &self.notes {
            let _ = writeln!(said, "to do    {note}");
        }
        if dry_run {
            said.push_str("nothing was written\n");
        }
        Ok(said)
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

/// Restores the previous files. Errors are ignored, because the reason for undoing is already reported.
fn undo(done: &[(&Path, Option<String>)]) {
    for (path, before) in done {
        let _ = match before {
            Some(text) => fs::write(path, text),
            None => fs::remove_file(path),
        };
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; nothing was written: make the site's folder writable"
        }
        _ => "; nothing was written",
    };
    Problem::in_file(path, format!("cannot be written: {error}{advice}"))
}

/// Formats Rust code with rustfmt and the site's settings; `None` if rustfmt is missing or fails.
fn formatted(text: &str) -> Option<String> {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024", "--emit", "stdout"]);
    rustfmt.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = rustfmt.spawn().ok()?;
    // rustfmt reads its whole input before it writes.
    process.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let output = process.wait_with_output().ok()?;
    String::from_utf8(output.stdout).ok().filter(|text| output.status.success() && !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> (tempfile::TempDir, Plan) {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| write(&folder.path().join(name), text).unwrap();
        file("Cargo.toml", "");
        file("src/main.rs", "mod b;\n\nfn main() {\n    App::new().run();\n}\n");
        file("dispatch.conf", "[[route]]\npath = \"/\"\nredirect = \"/b\"\n");
        let config = Config::of_folder(folder.path()).unwrap();
        let plan = Plan::new(folder.path(), &config).unwrap();
        (folder, plan)
    }

    fn text(folder: &tempfile::TempDir, name: &str) -> String {
        fs::read_to_string(folder.path().join(name)).unwrap_or_default()
    }

    #[test]
    fn a_plan_is_written_and_a_dry_run_writes_nothing() {
        for dry_run in [true, false] {
            let (folder, mut plan) = site();
            plan.create("src/a.rs", "fn a(){}".to_owned());
            plan.module("a", &[".state::<a::A>()".to_owned()]);
            plan.routes("a", "[[route]]\npath = \"/a\"\nredirect = \"/\"\n".to_owned());
            let said = plan.carry_out(dry_run).unwrap();
            assert!(said.contains("+ mod a;"), "{said}");
            assert_eq!(said.contains("nothing was written"), dry_run);
            assert_eq!(
                text(&folder, "src/main.rs").contains("App::new().state::<a::A>().run()"),
                !dry_run
            );
            assert_eq!(text(&folder, "src/a.rs").is_empty(), dry_run);
            let routes =
                crate::dispatch::Table::load(&folder.path().join("dispatch.conf")).unwrap();
            assert_eq!(routes.routes().len(), if dry_run { 1 } else { 2 });
        }
    }

    #[test]
    fn texts_are_in_english_and_become_the_language_of_a_site_without_languages() {
        for (settings, after, file, is_english) in [
            ("# A node.\n[http]\n", "# A node.\nlanguages = [\"en\"]\n[http]\n", "en", true),
            ("languages = [\"de\", \"en\"]\n", "languages = [\"de\", \"en\"]\n", "en", true),
            ("languages = [\"de\"]\n", "languages = [\"de\"]\n", "de", false),
        ] {
            let (folder, _) = site();
            write(&folder.path().join("project.toml"), settings).unwrap();
            let config = Config::of_folder(folder.path()).unwrap();
            let mut plan = Plan::new(folder.path(), &config).unwrap();
            plan.texts("a", "a = A\n".to_owned());
            let said = plan.carry_out(false).unwrap();
            assert_eq!(said.contains("are in English"), !is_english, "{said}");
            assert_eq!(text(&folder, "project.toml"), after);
            assert_eq!(text(&folder, &format!("locales/{file}/a.ftl")), "a = A\n");
        }
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let (folder, mut plan) = site();
        write(&folder.path().join("src/a.rs"), "mine").unwrap();
        plan.create("src/new.rs", String::new());
        plan.create("src/a.rs", "theirs".to_owned());
        plan.module("a", &[]);
        let problems = plan.carry_out(false).unwrap_err().to_string();
        assert!(problems.contains("src/a.rs: already exists"), "{problems}");
        assert_eq!(text(&folder, "src/a.rs"), "mine");
        assert!(!folder.path().join("src/new.rs").exists());
        assert!(!text(&folder, "src/main.rs").contains("mod a;"));
    }

    #[test]
    fn a_failed_write_undoes_all_changes() {
        let (folder, mut plan) = site();
        write(&folder.path().join("routes"), "a file where a folder is to be").unwrap();
        plan.create("src/a.rs", "fn a() {}\n".to_owned());
        plan.routes("a", String::new());
        let problems = plan.carry_out(false).unwrap_err().to_string();
        assert!(
            problems.contains("cannot be written") && problems.contains("nothing was written"),
            "{problems}"
        );
        assert!(!folder.path().join("src/a.rs").exists());
        assert!(!text(&folder, "dispatch.conf").contains("include"));
    }

    #[test]
    fn an_impossible_change_is_left_to_the_author() {
        let (folder, mut plan) = site();
        write(&folder.path().join("src/main.rs"), "fn main() {}\n").unwrap();
        plan.module("a", &[".state::<a::A>()".to_owned()]);
        let said = plan.carry_out(false).unwrap();
        assert!(
            said.contains("to do    add `mod a;`") && said.contains(".state::<a::A>()"),
            "{said}"
        );
        assert_eq!(text(&folder, "src/main.rs"), "fn main() {}\n");
    }

    #[test]
    fn a_file_with_all_lines_already_is_not_reported_as_changed() {
        let (_folder, mut plan) = site();
        plan.module("b", &[]);
        plan.append("src/main.rs", "// More.", "add more");
        plan.change_file("Cargo.toml", "add nothing", |text| Some(text.to_owned()));
        let said = plan.carry_out(false).unwrap();
        assert!(said.contains("main.rs") && !said.contains("Cargo.toml"), "{said}");
    }

    #[test]
    fn a_folder_without_a_site_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let problems = Plan::new(folder.path(), &Config::default()).unwrap_err().to_string();
        assert!(problems.contains("go to the folder of the site"), "{problems}");
    }
}
