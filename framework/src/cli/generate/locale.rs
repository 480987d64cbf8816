use std::fs;

use super::edits;
use super::plan::Plan;
use crate::catalogues::built_in;
use crate::http::Languages;
use crate::problem::{Problem, Problems};

/// Plans the texts of another language for a translator: those of the site's first language, with `# ` before each
/// line. Removing the `# ` activates a text; until then the first language is used, and `check` lists the text.
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
    // The framework's own texts, for languages that it does not include.
    if let Some(text) = built_in(tag) {
        texts.push((to.join("headwater.ftl"), "the framework's texts".to_owned(), text.to_owned()));
    }
    for (file, source, text) in texts {
        if file.exists() {
            plan.note(format!("{} is unchanged; `check` lists its missing texts", file.display()));
        } else {
            plan.create_at(file, for_translation(tag, &source, &text));
        }
    }
    if !plan.languages().iter().any(|known| known.eq_ignore_ascii_case(tag)) {
        let by_hand = format!("add \"{tag}\" to `languages` in project.toml");
        plan.change_file("project.toml", &by_hand, |text| edits::with_language(text, tag));
    }
    plan.note(format!(
        "translate the texts in {}, and remove the `# ` before them; `check` lists the rest",
        to.display()
    ));
    plan.note(
        "pages are in the language that the browser prefers; the guide's chapter Languages has a form with which visitors choose another",
    );
    Ok(())
}

/// Returns a file of texts, with `# ` before each line.
fn for_translation(tag: &str, source: &str, text: &str) -> String {
    let head = format!(
        "### From {source}, for translation into {tag}: remove the `# ` before a text that is translated.\n"
    );
    let lines = text.lines().map(|line| match line.trim() {
        "" => String::new(),
        // A comment gets a second `#`, which distinguishes it from a text.
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
    fn a_new_language_gets_the_texts_of_the_first_for_translation() {
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
    fn nothing_is_overwritten_and_built_in_texts_are_not_copied() {
        let folder = site("languages = [\"en\"]\n");
        generate(&folder, "de").unwrap();
        assert_eq!(text(&folder, "locales/de/headwater.ftl"), "");
        fs::write(folder.path().join("locales/de/a.ftl"), "home = Anfang\n").unwrap();
        fs::write(folder.path().join("locales/en/b.ftl"), "more = More\n").unwrap();
        let said = generate(&folder, "de").unwrap();
        assert!(said.contains("a.ftl is unchanged") && said.contains("new "), "{said}");
        assert_eq!(text(&folder, "locales/de/a.ftl"), "home = Anfang\n");
        assert_eq!(text(&folder, "project.toml"), "languages = [\"en\", \"de\"]\n");
    }

    #[test]
    fn an_invalid_language_is_refused_with_advice() {
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
