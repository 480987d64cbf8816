use std::fs;

use super::edits;
use super::plan::Plan;
use crate::catalogues::built_in;
use crate::http::Languages;
use crate::problem::{Problem, Problems};

/// The texts of another language, for a translator: those of the site's first language, each line behind `# `. A text is
/// there as soon as these are taken away, so `check` says what is left, and until then the first language stands in.
pub(super) fn plan(plan: &mut Plan, tag: &str) -> Result<(), Problems> {
    Languages::check(tag).map_err(Problem::new)?;
    let Some(first) = plan.languages().first().cloned() else {
        return Err(Problem::new(
            "project.toml names no language yet: write there, at the top, languages = [\"en\"], and the texts into \
             locales/en",
        )
        .into());
    };
    if first.eq_ignore_ascii_case(tag) {
        return Err(Problem::new(format!(
            "`{tag}` is the language that others are translated from"
        ))
        .into());
    }
    let (from, to) = (plan.locale(&first), plan.locale(tag));
    let mut texts = Vec::new();
    if let Ok(entries) = fs::read_dir(&from) {
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|it| it == "ftl")) {
            let Some(name) = file.file_name() else { continue };
            let text = fs::read_to_string(file)
                .map_err(|error| Problem::in_file(file, format!("cannot be read: {error}")))?;
            texts.push((to.join(name), file.display().to_string(), text));
        }
    }
    // What the framework says itself, where it does not speak the language.
    if let Some(text) = built_in(tag) {
        texts.push((to.join("headwater.ftl"), "the framework's texts".to_owned(), text.to_owned()));
    }
    for (file, source, text) in texts {
        if file.exists() {
            plan.note(format!("{} is left as it is; `check` says what it lacks", file.display()));
        } else {
            plan.create_at(file, for_translation(tag, &source, &text));
        }
    }
    if !plan.languages().iter().any(|known| known.eq_ignore_ascii_case(tag)) {
        let by_hand = format!("add \"{tag}\" to `languages` in project.toml");
        plan.change_file("project.toml", &by_hand, |text| edits::with_language(text, tag));
    }
    plan.note(format!(
        "write the texts in {}, and take the `# ` before them away; `check` says what is left",
        to.display()
    ));
    plan.note(
        "a page is in the language that the browser wants; the guide's chapter Languages has a form by which visitors choose another",
    );
    Ok(())
}

/// A file of texts, each line behind `# `.
fn for_translation(tag: &str, source: &str, text: &str) -> String {
    let head = format!(
        "### Of {source}, to be translated into {tag}: take the `# ` before a text away when it is.\n"
    );
    let lines = text.lines().map(|line| match line.trim() {
        "" => String::new(),
        // A comment, which is told from a text by its second sign.
        _ if line.starts_with("# ") => format!("#{line}"),
        _ if line.starts_with('#') => line.to_owned(),
        _ => format!("# {line}"),
    });
    lines.fold(head + "\n", |file, line| file + &line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogues::Catalogues;
    use crate::config::Config;

    const TEXTS: &str = "# Pages.\n\nhome = Home\n    .lead = Hello\n";

    fn site(settings: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::create_dir_all(folder.path().join("locales/en")).unwrap();
        let files = [("Cargo.toml", ""), ("project.toml", settings), ("locales/en/a.ftl", TEXTS)];
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn generate(folder: &tempfile::TempDir, tag: &str) -> Result<String, String> {
        let config = Config::of_folder(folder.path()).unwrap();
        let mut made = Plan::new(folder.path(), &config).unwrap();
        let planned = plan(&mut made, tag).and_then(|()| made.carry_out(false));
        planned.map_err(|problems| problems.to_string())
    }

    fn text(folder: &tempfile::TempDir, name: &str) -> String {
        fs::read_to_string(folder.path().join(name)).unwrap_or_default()
    }

    #[test]
    fn a_language_begins_with_the_texts_of_the_first_which_wait_to_be_translated() {
        let folder = site("languages = [\"en\"]\n");
        let said = generate(&folder, "fr").unwrap();
        assert!(said.contains("+ languages = [\"en\", \"fr\"]"), "{said}");
        let copied = text(&folder, "locales/fr/a.ftl");
        assert!(
            copied.ends_with("\n\n## Pages.\n\n# home = Home\n#     .lead = Hello\n"),
            "{copied}"
        );
        assert!(text(&folder, "locales/fr/headwater.ftl").contains("\n# form-send = Send\n"));

        let mut problems = Problems::new();
        let languages = Languages::new(["en", "fr"]);
        let catalogues =
            Catalogues::load(&folder.path().join("locales"), &languages, &mut problems);
        assert_eq!(problems.to_string(), "");
        assert!(catalogues.notes(None).to_string().contains("`home.lead` is not in `fr`"));
    }

    #[test]
    fn nothing_is_overwritten_and_what_the_framework_says_itself_is_not_copied() {
        let folder = site("languages = [\"en\"]\n");
        generate(&folder, "de").unwrap();
        assert_eq!(text(&folder, "locales/de/headwater.ftl"), "");
        fs::write(folder.path().join("locales/de/a.ftl"), "home = Anfang\n").unwrap();
        fs::write(folder.path().join("locales/en/b.ftl"), "more = More\n").unwrap();
        let said = generate(&folder, "de").unwrap();
        assert!(said.contains("a.ftl is left as it is") && said.contains("new "), "{said}");
        assert_eq!(text(&folder, "locales/de/a.ftl"), "home = Anfang\n");
        assert_eq!(text(&folder, "project.toml"), "languages = [\"en\", \"de\"]\n");
    }

    #[test]
    fn what_is_no_other_language_is_refused_with_what_to_write() {
        let folder = site("languages = [\"en\"]\n");
        for (tag, advice) in [("pt_BR", "pt-BR"), ("../de", "\"de-CH\""), ("EN", "translated from")]
        {
            let message = generate(&folder, tag).unwrap_err();
            assert!(message.contains(advice), "{message}");
        }
        let message = generate(&site(""), "de").unwrap_err();
        assert!(message.contains("languages = [\"en\"]"), "{message}");
    }
}
