use std::fs;
use std::path::Path;

use super::*;
use crate::http::Languages;
use crate::problem::Problems;

/// Returns the catalogues of these files, and their problems.
fn load(languages: &[&str], files: &[(&str, &str)]) -> (Catalogues, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut problems = Problems::new();
    let catalogues = Catalogues::load(folder.path(), &Languages::new(languages), &mut problems);
    (catalogues, below(folder.path(), &problems))
}

fn below(folder: &Path, problems: &Problems) -> Vec<String> {
    let folder = format!("{}/", folder.display());
    problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
}

fn text(catalogues: &Catalogues, lang: &str, key: &str) -> Option<String> {
    let count = (Cow::Borrowed("count"), Argument::Number(2.0));
    let name = (Cow::Borrowed("name"), Argument::Text(Cow::Borrowed("Ana")));
    catalogues.text(lang, key, [count, name])
}

#[test]
fn a_text_comes_from_the_nearest_language_that_has_it() {
    let (catalogues, problems) = load(
        &["en", "de", "de-CH", "fr"],
        &[
            ("en/site.ftl", "street = street\nhello = Hello, { $name }\n    .title = A title\n"),
            ("de/site.ftl", "street = Straße\n"),
            ("de/more.ftl", "hello = Hallo, { $name }\n"),
            ("de-CH/site.ftl", "street = Strasse\n"),
        ],
    );
    assert_eq!(problems, [""; 0]);
    let text = |lang, key| text(&catalogues, lang, key).unwrap_or_default();
    assert_eq!(text("de-CH", "street"), "Strasse");
    assert_eq!(text("de-CH", "hello"), "Hallo, Ana");
    assert_eq!(text("de", "hello.title"), "A title");
    assert_eq!(text("fr", "hello"), "Hello, Ana");
    assert_eq!(text("fr", "nothing"), "");
    assert_eq!(text("it", "hello"), "");
}

#[test]
fn plural_forms_follow_the_language_and_arguments_have_no_marks_around_them() {
    let forms =
        "n = { $count ->\n    [one] one\n    [two] two\n   *[other] others\n } for { $name }\n";
    let (catalogues, problems) = load(&["en", "ar"], &[("en/a.ftl", forms), ("ar/a.ftl", forms)]);
    assert_eq!(problems, [""; 0]);
    assert_eq!(text(&catalogues, "en", "n").unwrap(), "others for Ana");
    assert_eq!(text(&catalogues, "ar", "n").unwrap(), "two for Ana");
}

#[test]
fn errors_in_a_catalogue_are_reported_with_their_lines() {
    let (_, problems) = load(
        &["en", "pt-BR"],
        &[
            ("en/a.ftl", "a = A\nb = { $x\n\nc = C\n"),
            ("en/b.ftl", "ok = { NUMBER($x, style: \"percent\") }\n\nok = again\n"),
            ("en/notes.txt", ""),
            ("pt-br/a.ftl", "a = A\n"),
            ("it/a.ftl", "a = A\n"),
        ],
    );
    let found = problems.join("\n");
    for expected in [
        "en/a.ftl:4: this is not Fluent: Expected a token starting with",
        "en/b.ftl:3: `ok` is defined already, at ",
        "en/b.ftl:1: `NUMBER` takes no `style`",
        "en/notes.txt: a catalogue is made of files whose names end in `.ftl`",
        "pt-br: this is not one of the site's languages; did you mean `pt-BR`?",
        "it: this is not one of the site's languages: name it",
    ] {
        assert!(found.contains(expected), "{expected} in {found}");
    }
    let (_, problems) =
        load(&["en"], &[("en/a.ftl", "a = A\nc = { missing } { -term } { LOUD($x) }\n")]);
    let found = problems.join("\n");
    for expected in ["en/a.ftl:2: there is no `missing`", "no `-term`", "no function `LOUD`"] {
        assert!(found.contains(expected), "{expected} in {found}");
    }
}

#[test]
fn texts_that_a_language_lacks_are_noted() {
    let files = [
        ("en/a.ftl", "a = { $x }\nb = B\nc = { a }\n-brand = Weir\nd = { -brand }\n"),
        ("de/a.ftl", "a = { $y }\nb = B\nc = { a }\nd = D\n"),
        ("de-AT/a.ftl", "b = B\n"),
    ];
    let (catalogues, problems) = load(&["en", "de", "de-AT", "fr"], &files);
    assert_eq!(problems, [""; 0]);
    let notes = |asked: Option<&[&str]>| {
        let asked = asked.map(|asked| asked.iter().map(|key| (*key).to_owned()).collect());
        let notes = catalogues.notes(asked.as_ref());
        let line = |problem: &crate::problem::Problem| {
            let file = problem.file.as_ref().and_then(|file| file.parent()).unwrap();
            let folder = file.file_name().unwrap().to_str().unwrap();
            format!("{folder}:{}: {}", problem.line.unwrap(), problem.message)
        };
        notes.iter().map(line).collect::<Vec<_>>()
    };
    let expected = [
        "de:1: `a` shows `$y` in `de`, and `$x` in `en`",
        "de:3: `c` shows `$y` in `de`, and `$x` in `en`",
        "en:1: `a` is not in `fr`",
        "en:2: `b` is not in `fr`",
        "en:3: `c` is not in `fr`",
        "en:5: `d` is not in `fr`",
    ];
    assert_eq!(notes(None), expected);
    let mut with_unused = expected.to_vec();
    with_unused.push("en:2: neither a template nor the code asks for `b`");
    assert_eq!(notes(Some(&["c", "d"])), with_unused);
}

#[test]
fn the_first_language_has_every_text_that_any_has() {
    let files = [
        ("de-AT/a.ftl", "a = A\n-weir = Wehr\n"),
        ("de/a.ftl", "a = A\nb = B { -weir }\n-weir = Wehr\n"),
        (
            "en/a.ftl",
            "a = A { part }\npart = P\nc = C\n    .title = T\nform-send = Send it\n-own = O\n",
        ),
    ];
    let (catalogues, problems) = load(&["de-AT", "de", "en"], &files);
    let lacking = |key| {
        format!(
            "`{key}` is not in `de-AT`, the site's first language, which is the fallback for the others"
        )
    };
    let expected =
        [format!("en/a.ftl:3: {}", lacking("c")), format!("en/a.ftl:4: {}", lacking("c.title"))];
    assert_eq!(problems, expected);
    let wrong = |key| catalogues.wrong(key, &Default::default());
    assert_eq!((wrong("a"), wrong("b"), wrong("form-send")), (None, None, None));
    assert!(wrong("c").unwrap().starts_with("`c` is in `en`, and not in `de-AT`"));
    // Another text of its language may refer to it, but no template.
    assert!(wrong("part").unwrap().starts_with("`part` is in `en`"));
    assert!(wrong("parts").unwrap().ends_with("did you mean `part`?"));
}

#[test]
fn a_file_that_is_not_translated_has_one_note() {
    let file = "z = Z\na = A\nb = B\nc = C\nd = D\ne = E\n";
    let files = [("en/a.ftl", file), ("en/b.ftl", "f = F\n"), ("de/a.ftl", "a = A\n")];
    let (catalogues, _) = load(&["en", "de", "fr"], &files);
    let notes: Vec<String> =
        catalogues.notes(None).iter().map(|note| note.message.clone()).collect();
    let each = ["b", "c", "d", "e", "f", "z"].map(|key| format!("`{key}` is not in `de`"));
    for note in &each {
        assert!(notes.contains(note), "{notes:?}");
    }
    let others = ["`z` and 5 more of this file are not in `fr`", "`f` is not in `fr`"];
    assert_eq!(notes.len(), each.len() + others.len(), "{notes:?}");
    for note in others {
        assert!(notes.iter().any(|found| found == note), "{notes:?}");
    }
}

#[test]
fn a_text_that_refers_to_itself_or_grows_is_cut() {
    let mut bomb = "a0 = ha ha ha\n".to_owned();
    for level in 1..20 {
        let below = format!("{{ a{} }} ", level - 1);
        bomb.push_str(&format!("a{level} = {}\n", below.repeat(9)));
    }
    bomb.push_str("round = { about }\nabout = { round }\n");
    let (catalogues, problems) = load(&["en"], &[("en/a.ftl", &bomb)]);
    assert_eq!(problems, [""; 0]);
    assert!(text(&catalogues, "en", "a19").unwrap().len() < 10_000);
    assert!(text(&catalogues, "en", "round").unwrap().len() < 100);
    let deep = format!("a = A\nb = {}1{}\n", "{".repeat(100_000), "}".repeat(100_000));
    let (_, problems) = load(&["en"], &[("en/a.ftl", &deep)]);
    assert!(problems[0].starts_with("en/a.ftl:2: braces may nest 16 deep"), "{problems:?}");
}

#[test]
fn a_site_can_override_built_in_texts() {
    let files = [("fr/a.ftl", "form-value-missing = Il manque quelque chose.\n")];
    let (catalogues, problems) = load(&["fr", "de-AT"], &files);
    assert_eq!(problems, [""; 0]);
    let said = |lang, key| {
        let argument = |name, value| (Cow::Borrowed(name), Argument::Text(Cow::Borrowed(value)));
        catalogues.text(
            lang,
            key,
            [argument("type", "file"), argument("max", "7"), argument("length", "8")],
        )
    };
    let text = |lang, key| said(lang, key).unwrap();
    assert_eq!(text("fr", "form-value-missing"), "Il manque quelque chose.");
    assert_eq!(text("de-AT", "form-value-missing"), "Bitte wählen Sie eine Datei aus.");
    assert_eq!(text("fr", "form-too-long"), "Please use 7 characters at most; there are 8.");
    assert!(catalogues.wrong("form-too-long", &["max", "length"].into()).is_none());
    assert!(catalogues.notes(Some(&Default::default())).is_empty());
}

#[test]
fn built_in_texts_have_the_same_arguments_in_each_language() {
    let languages: Vec<&str> = load::BUILT_IN.iter().map(|(language, _)| *language).collect();
    let files = load::BUILT_IN.map(|(language, text)| (format!("{language}/a.ftl"), text));
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let (catalogues, problems) = load(&languages, &files);
    assert_eq!(problems, [""; 0]);
    assert_eq!(catalogues.notes(None).to_string(), "");
    let keys = |catalogue: &Catalogue| catalogue.messages.keys().cloned().collect::<Vec<_>>();
    let first = keys(&catalogues.all[0]);
    assert!(first.len() > 5 && catalogues.all.iter().all(|catalogue| keys(catalogue) == first));
}

#[test]
fn a_long_chain_of_messages_does_not_use_the_stack_of_the_template() {
    let mut chain = "a0 = end\n".to_owned();
    for level in 1..99 {
        chain.push_str(&format!("a{level} = {{ a{} }}\n", level - 1));
    }
    let (catalogues, problems) = load(&["en"], &[("en/a.ftl", &chain)]);
    assert_eq!(problems, [""; 0]);
    // The stack that is left for functions at the deepest level of a template.
    let thread = std::thread::Builder::new().stack_size(128 * 1024);
    let text = thread.spawn(move || text(&catalogues, "en", "a98").unwrap()).unwrap();
    assert_eq!(text.join().unwrap(), "end");
}

#[test]
fn nested_calls_are_limited_and_parentheses_in_a_text_are_not() {
    let deep = |levels: usize| {
        let calls = ("NUMBER(".repeat(levels), ")".repeat(levels));
        let catalogue = format!("a = A\nb = {{ {}1{} }}\n", calls.0, calls.1);
        load(&["en"], &[("en/a.ftl", &catalogue)]).1
    };
    assert_eq!(deep(64), [""; 0]);
    for levels in [65, 100_000] {
        assert!(
            deep(levels)[0].starts_with("en/a.ftl:2: braces may nest 16 deep here, and calls 64")
        );
    }
    let sad = format!("sad = {{ $n ->\n   *[other] {}\n }}\n", ":( ".repeat(50));
    assert_eq!(
        load(&["en"], &[("en/a.ftl", &format!("a = {}\n{sad}", ":( ".repeat(500)))]).1,
        [""; 0]
    );
}
