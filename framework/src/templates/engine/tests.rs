use std::fs;

use serde_json::json;
use tempfile::TempDir;
use tera::{Kwargs, State};

use super::*;
use crate::packed::Packed;
use crate::templates::NoFragments;
use crate::templates::error::{Place, RenderErrorKind};
use crate::templates::functions::{SiteFunction, UrlFor};

fn site(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load(files: &[(&str, &str)]) -> Engine {
    Engine::load(site(files).path(), &EngineOptions::default()).unwrap()
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let folder = site(files);
    let problems = Engine::load(folder.path(), &EngineOptions::default()).unwrap_err();
    let folder = format!("{}/", folder.path().display());
    problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
}

fn render(engine: &Engine, name: &str, json: &str) -> Result<String, Box<RenderError>> {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    render_values(engine, name, &Values::of(&json).unwrap())
}

fn render_values(engine: &Engine, name: &str, values: &Values) -> Result<String, Box<RenderError>> {
    let rendered = engine.render(name, values, Rc::new(NoFragments));
    rendered.map(|page| String::from_utf8(page.content.whole().unwrap().to_vec()).unwrap())
}

#[test]
fn a_template_extends_and_includes_others_in_any_folder() {
    let engine = load(&[
        (
            "stories/show.html",
            "{% extends 'base.html' %}{% block body %}{{ story.title }}{% endblock %}",
        ),
        ("base.html", "<{% block body %}{% endblock %}>{% include 'parts/foot.html' %}"),
        ("parts/foot.html", "{{ story.n }}"),
        (".hidden.html", "{{"),
    ]);
    assert_eq!(engine.names(), ["base.html", "parts/foot.html", "stories/show.html"]);
    let page = render(&engine, "stories/show.html", r#"{"story":{"title":"a & b","n":3}}"#);
    assert_eq!(page.unwrap(), "<a &amp; b>3");
}

#[test]
fn values_are_escaped_as_the_media_type_demands() {
    let text = "{{ v }}";
    let names = [
        "a.html",
        "a.HTML",
        "a.htm",
        "a.xhtml",
        "a.xml",
        "a.svg",
        "feed.rss",
        "feed.atom",
        "a.txt",
        "a.json",
        "html",
    ];
    let engine = load(&names.map(|name| (name, text)));
    for name in names {
        let page = render(&engine, name, r#"{"v":"<'\">/"}"#).unwrap();
        let expected = match name {
            "a.txt" | "html" => "<'\">/",
            "a.json" => "\\u003c'\\\"\\u003e/",
            _ => "&lt;&#39;&quot;&gt;/",
        };
        assert_eq!(page, expected, "{name}");
    }
}

#[test]
fn values_are_encoded_for_urls_and_scripts() {
    for (template, value, expected) in [
        ("/tags/{{ v | urlencode }}", r#""a/b c&ö?""#, "/tags/a/b%20c%26%C3%B6%3F"),
        ("?of={{ v | urlencode_strict }}", r#""a/b+c""#, "?of=a%2Fb%2Bc"),
        ("{{ v | urlencode }}", "7", "7"),
        (
            "<script>{{ v | json_encode | safe }}</script>",
            r#"{"a":["</script>&\u2028", 1, null]}"#,
            r#"<script>{"a":["\u003c/script\u003e\u0026\u2028",1,null]}</script>"#,
        ),
        ("<a b=\"{{ v | json_encode }}\">", r#""\"""#, "<a b=\"&quot;\\&quot;&quot;\">"),
    ] {
        let engine = load(&[("a.html", template)]);
        let page = render(&engine, "a.html", &format!(r#"{{"v":{value}}}"#));
        assert_eq!(page.unwrap(), expected, "{template}");
    }
    let engine = load(&[("a.html", "{{ v | urlencode }}")]);
    let error = render(&engine, "a.html", r#"{"v":[1]}"#).unwrap_err().to_string();
    assert!(error.contains("takes a string"), "{error}");
}

#[test]
fn maps_keep_the_order_in_which_they_came() {
    let engine = load(&[("a.txt", "{% for k, v in m %}{{ k }}{{ v }} {% endfor %}")]);
    let mut packed = Packed::new();
    packed.insert("m", &Fields { z: 1, a: 2, m: 3 }).unwrap();
    let values = Values::from_packed(&packed.into_bytes()).unwrap();
    assert_eq!(render_values(&engine, "a.txt", &values).unwrap(), "z1 a2 m3 ");
}

#[derive(serde::Serialize)]
struct Fields {
    z: u8,
    a: u8,
    m: u8,
}

#[test]
fn all_that_is_wrong_is_reported_at_once_with_file_and_line() {
    let found = problems(&[
        ("a.html", "\n\n{{ 1 + }}"),
        ("b.html", "one\n{% if %}"),
        ("c.html", "{% extends 'bace.html' %}"),
        ("d.html", "\n{{ x | shout }}{{ nothing() }}"),
        ("e.html", "{% include 'a.html' %}\n{% include 'nowhere/at/all' %}"),
        ("base.html", ""),
    ]);
    assert_eq!(found.len(), 6, "{found:#?}");
    assert!(found[0].starts_with("a.html:3:"), "{found:#?}");
    assert!(found[1].starts_with("b.html:2:"), "{found:#?}");
    assert_eq!(found[2], "c.html:1: there is no template `bace.html`; did you mean `base.html`?");
    assert_eq!(found[3], "e.html:2: there is no template `nowhere/at/all`");
    assert_eq!(found[4], "d.html:2:8: Unknown filter `shout`");
    assert_eq!(found[5], "d.html:2:19: Unknown function `nothing`");
}

#[test]
fn blocks_and_components_that_do_not_exist_are_reported() {
    let found = problems(&[
        ("base.html", "{% block body %}{% endblock %}"),
        ("a.html", "{% extends 'base.html' %}\n{% block boby %}{% endblock %}"),
        ("b.html", "{{<Card title='x' />}}"),
    ]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("a.html:2:10: Block `boby` is not defined"), "{found:#?}");
    assert!(found[1].starts_with("b.html:1:3: Unknown component `Card`"), "{found:#?}");
}

#[test]
fn templates_that_lead_back_to_themselves_are_refused() {
    let itself = problems(&[("a.html", "x\n{% include 'a.html' %}")]);
    assert_eq!(itself, ["a.html:2: templates must not lead back to themselves: a.html → a.html"]);
    let extends = problems(&[("a", "{% extends 'b' %}"), ("b", "{% extends 'a' %}")]);
    assert_eq!(extends, ["b:1: templates must not lead back to themselves: a → b → a"]);
    // Tera alone accepts this one, and its render overflows the stack.
    let mixed = problems(&[
        ("base.html", "{% block x %}{% include 'page.html' %}{% endblock %}"),
        ("page.html", "{% extends 'base.html' %}{% block x %}{{ super() }}{% endblock %}"),
    ]);
    assert_eq!(mixed.len(), 1, "{mixed:#?}");
    assert!(mixed[0].starts_with("page.html:1: templates must not lead back"), "{mixed:#?}");
}

/// Returns a chain of templates: `t000` includes `t001` and so on; `last` is in the last one.
fn chain(length: usize, last: &str) -> Vec<(String, String)> {
    let include = |n| (format!("t{n:03}"), format!("{{% include 't{:03}' %}}", n + 1));
    let last = (format!("t{length:03}"), last.to_owned());
    (0..length).map(include).chain([last]).collect()
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

#[test]
fn templates_may_not_be_nested_too_deep() {
    let found = problems(&borrowed(&chain(200, "end")));
    let expected = "t063:1: this is the 64th template on the way from `t000`; that is too deep";
    assert_eq!(found[0], expected);
    let engine = load(&borrowed(&chain(63, "end")));
    assert_eq!(render(&engine, "t000", "{}").unwrap(), "end");
}

#[test]
fn a_component_that_calls_itself_is_an_error_of_the_render() {
    let mut files = chain(15, "{{<again />}}");
    let again = "{% component again() %}{% include 't000' %}{% endcomponent again %}";
    files.push(("c".to_owned(), again.to_owned()));
    let error = render(&load(&borrowed(&files)), "t000", "{}").unwrap_err();
    assert!(error.to_string().contains("recursion depth"), "{error}");
    files.extend(chain(40, "{{<again />}}"));
    let found = problems(&borrowed(&files));
    assert!(found[0].contains("nest 882 levels deep"), "{found:#?}");
}

#[test]
fn an_error_names_the_template_and_the_line_it_is_in() {
    let engine =
        load(&[("a.html", "{% include 'b.html' %}"), ("b.html", "one\n  {{ storry.title }}")]);
    let error = render(&engine, "a.html", r#"{"story":{}}"#).unwrap_err();
    assert_eq!(error.kind, RenderErrorKind::Failed);
    assert_eq!(error.place, Some(Place { template: "b.html".into(), line: 2, column: 6 }));
    assert!(error.to_string().contains("/b.html:2:6: "), "{error}");
    assert!(error.to_string().contains("(while rendering a.html)"), "{error}");
    assert!(error.excerpt.unwrap().contains("storry.title"));
    assert_eq!(render(&engine, "c.html", "{}").unwrap_err().kind, RenderErrorKind::Missing);
}

#[test]
fn a_page_that_grows_too_long_is_an_error() {
    let folder = site(&[(
        "a.html",
        "{% for a in range(end=100000) %}{% for b in range(end=100000) %}{{ v }}x{% endfor %}{% endfor %}",
    )]);
    let options = EngineOptions { max_output: 1000, ..EngineOptions::default() };
    let engine = Engine::load(folder.path(), &options).unwrap();
    let error = render(&engine, "a.html", r#"{"v":"<"}"#).unwrap_err();
    assert_eq!(error.kind, RenderErrorKind::TooLarge);
}

#[test]
fn a_panic_in_a_function_is_an_error_of_the_render() {
    let folder = site(&[("a.html", "{{ 3 | boom }}")]);
    let customise: Customise = Arc::new(|tera| {
        tera.register_filter("boom", |n: i64, _: Kwargs, _: &State<'_>| -> i64 {
            panic!("no {n}")
        });
    });
    let options = EngineOptions { customise: vec![customise], ..EngineOptions::default() };
    let engine = Engine::load(folder.path(), &options).unwrap();
    let error = render(&engine, "a.html", "{}").unwrap_err();
    assert_eq!(error.kind, RenderErrorKind::Panicked);
    assert!(error.message.ends_with("no 3"), "{error}");
}

#[test]
fn functions_make_urls_and_say_why_they_cannot() {
    let folder = site(&[
        (
            "a.html",
            "{{ url_for(name='story', slug=s, page=2, q='x', x=f) }} {{ asset(path='css/a b.css') }}",
        ),
        ("b.html", "{{ url_for(name='storry') }}"),
        ("c.html", "{{ url_for(name='story', slug=[1]) }}"),
        ("d.txt", "{{ t | date(format='%e %B %Y') }} {{ 0 | date }}"),
    ]);
    let url_for: UrlFor = Arc::new(|name, parameters| match name {
        "story" => Ok(format!("{parameters:?}&").replace('"', "")),
        _ => Err(format!("no route `{name}`")),
    });
    let engine =
        Engine::load(folder.path(), &EngineOptions { url_for, ..EngineOptions::default() })
            .unwrap();
    let page = render(&engine, "a.html", r#"{"s":"one","f":1.0}"#).unwrap();
    assert_eq!(page, "[(page, 2), (q, x), (slug, one), (x, 1)]&amp; /assets/css/a%20b.css");
    assert!(render(&engine, "b.html", "{}").unwrap_err().message.contains("no route `storry`"));
    assert!(render(&engine, "c.html", "{}").unwrap_err().message.contains("`slug`"));
    let page = render(&engine, "d.txt", r#"{"t":"2009-11-03T18:30:00Z"}"#).unwrap();
    assert_eq!(page, "3 November 2009 1970-01-01");
}

#[cfg(unix)]
#[test]
fn links_lead_to_files_of_the_same_folder_only() {
    use std::os::unix::fs::symlink;

    let outside = site(&[("secret.html", "secret")]);
    let folder = site(&[("a.html", "a"), ("sub/b.html", "b")]);
    symlink("a.html", folder.path().join("c.html")).unwrap();
    let load = || Engine::load(folder.path(), &EngineOptions::default());
    assert_eq!(load().unwrap().names(), ["a.html", "c.html", "sub/b.html"]);
    symlink(outside.path().join("secret.html"), folder.path().join("d.html")).unwrap();
    symlink(folder.path(), folder.path().join("sub/loop")).unwrap();
    let problems = load().unwrap_err();
    assert_eq!(problems.iter().count(), 2, "{problems}");
}

#[test]
fn a_folder_that_is_not_there_and_files_that_are_not_text_are_reported() {
    let folder = site(&[]);
    assert!(Engine::load(&folder.path().join("none"), &EngineOptions::default()).is_err());
    fs::write(folder.path().join("a.html"), b"\xff\xfe").unwrap();
    let problems = Engine::load(folder.path(), &EngineOptions::default()).unwrap_err();
    assert!(problems.to_string().ends_with("a.html: a template must be UTF-8 text"), "{problems}");
}

#[test]
fn a_function_sees_the_variant_of_the_page_even_if_a_template_value_shadows_it() {
    let variant: SiteFunction = Arc::new(|_, page| Ok(tera::Value::from(page.variant())));
    let functions = vec![("label".to_owned(), variant)];
    let options = EngineOptions { functions, ..EngineOptions::default() };
    let component = "{% component card() %}{{ label() }}{% endcomponent %}{{ <card /> }}";
    for text in [
        "{{ label() }}",
        component,
        "{% for variant in [1, 2] %}{{ label() }}{% break %}{% endfor %}",
        "{% set variant = 'x' %}{{ label() }}",
    ] {
        let engine = Engine::load(site(&[("a.html", text)]).path(), &options).unwrap();
        for given in [json!({}), json!({ "variant": "a size" })] {
            let mut values = Values::of(&given).unwrap().in_variant(Some("de"));
            values.offer("variant", "de").unwrap();
            assert_eq!(render_values(&engine, "a.html", &values).unwrap(), "de", "{text} {given}");
            let values = values.in_variant(None);
            assert_eq!(render_values(&engine, "a.html", &values).unwrap(), "", "{text} {given}");
        }
    }
}

#[test]
fn a_value_in_json_cannot_leave_its_string() {
    let engine = load(&[
        (
            "a.json",
            "{\"title\": \"{{ title }}\", \"all\": {{ all | json_encode }}, \"n\": {{ n }}{% include 'b.html' %}}",
        ),
        ("b.html", "{# {{ title }} #}"),
        ("c.html", "{{ title }}"),
        ("d.txt", "{{ title }}"),
    ]);
    let title = "\"},\n\\ </script>&";
    let values = serde_json::json!({"title": title, "all": [title, {"a": 1}], "n": 1.5});
    let rendered = |name: &str| render(&engine, name, &values.to_string()).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&rendered("a.json")).unwrap(), values);
    assert!(!rendered("a.json").contains(['<', '&']), "{}", rendered("a.json"));
    assert!(rendered("c.html").starts_with("&quot;}"), "{}", rendered("c.html"));
    assert_eq!(rendered("d.txt"), title);
}

/// Returns the names in the first column of the guide's table below this heading, without their arguments.
fn listed(heading: &str) -> Vec<String> {
    let guide = include_str!("../../../../docs/guide/templates.md");
    let section = guide.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = rows.map(|row| row.split(" | ").next().unwrap());
    let code = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    code.map(|code| code.split('(').next().unwrap().to_owned()).collect()
}

#[test]
fn the_guide_lists_every_filter_and_function() {
    let tera = super::tera(&EngineOptions::default());
    let tera = format!("{tera:?}");
    for (heading, field, own, call) in [
        ("Filters", "filters: ", 1, "{{ 1 | NAME }}"),
        ("Functions", "functions: ", 2, "{{ NAME() }}"),
    ] {
        let names = listed(heading);
        let count = tera.split(field).nth(1).unwrap().split(',').next().unwrap();
        // The functions that rewritten tags call are not for authors.
        assert_eq!(names.len() + own, count.parse::<usize>().unwrap(), "{heading}: {names:?}");
        for name in names {
            let folder = site(&[("a.html", &call.replace("NAME", &name))]);
            let loaded = Engine::load(folder.path(), &EngineOptions::default());
            let found = loaded.err().map(|found| found.to_string()).unwrap_or_default();
            assert!(!found.contains("Unknown"), "{heading}: {found}");
        }
    }
}
