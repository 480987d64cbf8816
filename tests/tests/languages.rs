//! Pages in several languages, on real nodes.

use headwater_tests::{Client, Cluster, Site};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/hello"
template = "hello.html"

[[route]]
path = "/{lang}/hello"
template = "hello.html"
"#;

fn site() -> Site {
    Site::new(PROGRAM)
        .project("languages = [\"en\", \"zh-Hant\", \"pt-BR\"]\n\n[link]\nlease = \"1s\"\n")
        .dispatch(ROUTES)
        .template("hello.html", "{{ lang }}: {{ t(key=\"hello\", name=\"<Ana>\", n=1234.5) }}")
        .file("locales/en/site.ftl", "hello = Hello, { $name } ({ $n })\n")
        .file("locales/zh-Hant/site.ftl", "hello = 你好，{ $name } ({ $n })\n")
        .file("locales/pt-BR/site.ftl", "hello = Olá, { $name } ({ $n })\n")
}

const TEXTS: [(&str, &str); 4] = [
    ("zh-TW, en;q=0.5", "zh-Hant: 你好，&lt;Ana&gt; (1,234.5)"),
    ("pt", "pt-BR: Olá, &lt;Ana&gt; (1.234,5)"),
    ("en-GB", "en: Hello, &lt;Ana&gt; (1,234.5)"),
    ("it", "en: Hello, &lt;Ana&gt; (1,234.5)"),
];

/// Returns whether each page in [`TEXTS`] is served from the cache.
async fn hits(visitor: &Client) -> [bool; 4] {
    let mut hits = [false; 4];
    for ((wanted, text), is_hit) in TEXTS.iter().zip(&mut hits) {
        let page = visitor.page_with("/hello", &[("accept-language", wanted)]).await;
        assert_eq!((page.status, page.text()), (200, *text), "{wanted}");
        assert_eq!(page.header("vary"), "accept-language");
        *is_hit = page.is_hit();
    }
    hits
}

#[tokio::test]
async fn a_page_is_cached_in_each_language_and_invalidated_in_all() {
    let cluster = Cluster::start(site(), 2).await;
    for frontend in [0, 1] {
        let visitor = cluster.visitor(frontend);
        assert_eq!(hits(&visitor).await, [false, false, false, true]);
        assert_eq!(hits(&visitor).await, [true; 4]);
        let english = [("accept-language", "en")];
        assert_eq!(visitor.page_with("/pt-BR/hello", &english).await.text(), TEXTS[1].1);
        assert_eq!(visitor.page_with("/de/hello", &english).await.status, 404);
    }
    let json = [("content-type", "application/json")];
    let forget = r#"{"patterns":["^/hello$"]}"#;
    let operator = cluster.backend.operator();
    assert_eq!(operator.ask("POST", "/invalidate", &json, forget).await.status, 200);
    for frontend in [0, 1] {
        assert_eq!(hits(&cluster.visitor(frontend)).await, [false, false, false, true]);
    }
}

#[tokio::test]
async fn check_reports_missing_texts_with_their_places() {
    let site = site()
        .file("locales/en/more.ftl", "\nbye = Good-bye, { $name }\nmail = { $name }\n")
        .file("locales/pt-BR/more.ftl", "bye = Tchau\n");
    // The code is found in the folder where it was compiled.
    let checked = site.command().arg("check").current_dir("..").output().unwrap();
    let all = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    let of_texts = || all.lines().filter(|line| line.contains("locales/"));
    assert!(of_texts().all(|line| line.starts_with("note: ")), "{all}");
    // The program of the tests names templates that this site does not have.
    assert!(
        all.contains("failures.rs:") && all.contains("there is no template `no-such.html`"),
        "{all}"
    );
    for expected in [
        "locales/en/more.ftl:2: `bye` is not in `zh-Hant`",
        "locales/en/more.ftl:2: neither a template nor the code asks for `bye`",
        "locales/pt-BR/more.ftl:1: `bye` shows no argument in `pt-BR`, and `$name` in `en`",
    ] {
        assert!(all.contains(expected), "{expected} in {all}");
    }
    assert!(!all.contains("asks for `mail`"), "{all}");
    let site = site.file("locales/en/more.ftl", "bye = Good-bye, { $name }\n");
    let checked = site.command().arg("check").current_dir("..").output().unwrap();
    let errors = String::from_utf8(checked.stderr).unwrap();
    assert!(errors.contains("tests/site/texts.rs:"), "{errors}");
    assert!(errors.contains("no catalogue has the text `mail`"), "{errors}");
    let site = site.template("more.html", "\n{{ t(key=\"by\") }}");
    let printed = site.printed(&["check"]).await;
    let expected = "templates/more.html:2:4: no catalogue has the text `by`; did you mean `bye`?";
    assert!(printed.code == 1 && printed.errors.contains(expected), "{}", printed.errors);
}
