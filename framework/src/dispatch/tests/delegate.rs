use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// Creates a folder with these files; returns the path of the first one.
fn files(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let first = folder.path().join(files[0].0);
    (folder, first)
}

fn load(list: &[(&str, &str)]) -> Table {
    let (_folder, file) = files(list);
    Table::load(&file).unwrap_or_else(|problems| panic!("{problems}"))
}

fn refuse(list: &[(&str, &str)]) -> String {
    let (folder, file) = files(list);
    let problems = Table::load(&file).expect_err("something is wrong").to_string();
    problems.replace(&format!("{}/", folder.path().display()), "")
}

const SITE: &str = r#"
    error = [{ status = 404, template = "404.html" }, { status = 500, template = "500.html" }]
    route = [
        { path = "/{*rest}", controller = "rest" },
        { path = "/admin", delegate = "admin/dispatch.conf" },
        { path = "/help/{lang}", delegate = "help.conf" },
        { include = "more/routes.conf" },
    ]"#;

const ADMIN: &str = r#"
    error = [{ status = 404, template = "admin/404.html" }]
    route = [
        { path = "/", alias = "/start" },
        { path = "/start", controller = "start" },
        { path = "/users/{id}", name = "user", controller = "user", groups = ["user:{id}"] },
        { pattern = '^/log/(?<day>[0-9]+)$', name = "log", controller = "log" },
        { path = "/deep", delegate = "deep.conf" },
    ]"#;

fn site() -> Table {
    load(&[
        ("dispatch.conf", SITE),
        ("admin/dispatch.conf", ADMIN),
        ("admin/deep.conf", r#"route = [{ path = "/x/{*y}", controller = "deep" }]"#),
        (
            "help.conf",
            r#"route = [
                { path = "/", controller = "help" },
                { path = "/{topic}", alias = "/t/{topic}" },
                { path = "/t/{topic}", controller = "topic", groups = ["{lang}:{topic}"] },
                { pattern = '(?<all>/.*\.txt)', controller = "text" },
            ]"#,
        ),
        ("more/routes.conf", "route = [{ include = 'again.conf' }]"),
        ("more/again.conf", "route = [{ path = '/again', controller = 'again' }]"),
    ])
}

#[test]
fn a_delegated_prefix_is_resolved_in_its_own_table_only() {
    let site = site();
    for (path, answer) in [
        ("/x", "controller rest /x rest=x"),
        ("/again", "controller again /again"),
        ("/adminx", "controller rest /adminx rest=adminx"),
        ("/admin", "controller start /admin/start"),
        ("/admin/start", "controller start /admin/start"),
        ("/admin/users/7", "controller user /admin/users/7 id=7"),
        ("/admin/log/12", "controller log /admin/log/12 day=12"),
        ("/admin/log/x", "404 admin/404.html"),
        ("/admin/", "404 admin/404.html"),
        ("/admin/deep", "404 admin/404.html"),
        ("/admin/deep/x/1/2", "controller deep /admin/deep/x/1/2 y=1/2"),
        ("/help/de", "controller help /help/de lang=de"),
        ("/help/de/a", "controller topic /help/de/t/a lang=de topic=a"),
        ("/help/de/a/b.txt", "controller text /help/de/a/b.txt lang=de all=/a/b.txt"),
        ("/help/de/a/b", "404 404.html"),
    ] {
        assert_eq!(ask(&site, "GET", path), answer, "{path}");
    }
    assert_eq!(ask(&site, "POST", "/admin/start"), "405 GET, HEAD, OPTIONS");
    assert_eq!(ask(&site, "POST", "/admin/log/1"), "405 GET, HEAD, OPTIONS");
}

#[test]
fn error_pages_of_the_site_apply_if_a_delegated_table_has_none() {
    let site = site();
    let path = CanonicalPath::new("/admin/nothing").unwrap();
    let Resolution::NotFound { scope } = site.resolve(&Method::GET, path) else { panic!() };
    let page = |status: http::StatusCode| site.error_template(scope, status);
    assert_eq!(page(http::StatusCode::NOT_FOUND), Some("admin/404.html"));
    assert_eq!(page(http::StatusCode::INTERNAL_SERVER_ERROR), Some("500.html"));
    assert_eq!(page(http::StatusCode::FORBIDDEN), None);
}

#[test]
fn a_pattern_may_capture_the_slash_of_the_prefix_itself() {
    let site = load(&[
        ("a.conf", "route = [{ path = '/x', delegate = 'b.conf' }]"),
        ("b.conf", "route = [{ pattern = '(?<all>.*)', controller = 'c' }]"),
    ]);
    assert_eq!(ask(&site, "GET", "/x"), "controller c /x all=/");
    assert_eq!(ask(&site, "GET", "/x/y"), "controller c /x/y all=/y");
}

#[test]
fn a_prefix_may_end_in_a_slash_or_be_the_whole_site() {
    let inner = "route = [{ path = '/', controller = 'c' }, { path = '/y', controller = 'y' }]";
    let slash =
        load(&[("a.conf", "route = [{ path = '/x/', delegate = 'b.conf' }]"), ("b.conf", inner)]);
    assert_eq!(ask(&slash, "GET", "/x/"), "controller c /x/");
    assert_eq!(ask(&slash, "GET", "/x/y"), "controller y /x/y");
    assert_eq!(ask(&slash, "GET", "/x"), "404");
    let whole =
        load(&[("a.conf", "route = [{ path = '/', delegate = 'b.conf' }]"), ("b.conf", inner)]);
    assert_eq!(ask(&whole, "GET", "/"), "controller c /");
    assert_eq!(ask(&whole, "GET", "/y"), "controller y /y");
}

#[test]
fn urls_are_made_for_delegated_routes() {
    let site = site();
    assert_eq!(site.url_for("user", [("id", "a b")]).as_deref(), Ok("/admin/users/a%20b"));
    assert_eq!(site.url_for("log", [("day", "12")]).as_deref(), Ok("/admin/log/12"));
}

#[test]
fn problems_in_other_files_name_those_files() {
    let message = refuse(&[
        ("dispatch.conf", "route = [{ path = '/admin', delegate = 'admin/dispatch.conf' }]"),
        ("admin/dispatch.conf", "\nroute = [{ include = 'x/y.conf' }]"),
        ("admin/x/y.conf", "\n\n[[route]]\npath = '/'"),
    ]);
    assert!(message.starts_with("admin/x/y.conf:3: the route does nothing"), "{message}");
}

#[test]
fn a_file_that_names_itself_is_refused() {
    for list in [
        &[("a.conf", "route = [{ include = 'a.conf' }]")][..],
        &[
            ("a.conf", "route = [{ path = '/x', delegate = 'b/b.conf' }]"),
            ("b/b.conf", "route = [{ include = '../a.conf' }]"),
        ],
        &[
            ("a.conf", "route = [{ include = 'b.conf' }]"),
            ("b.conf", "route = [{ path = '/x', delegate = 'b.conf' }]"),
        ],
    ] {
        let message = refuse(list);
        assert!(message.contains("names this file, directly or through others"), "{message}");
    }
}

#[test]
fn one_file_may_be_delegated_to_twice() {
    let site = load(&[
        (
            "a.conf",
            "route = [{ path = '/x', delegate = 'b.conf' }, { path = '/y', delegate = 'b.conf' }]",
        ),
        ("b.conf", "route = [{ path = '/z', controller = 'c' }]"),
    ]);
    assert_eq!(ask(&site, "GET", "/x/z"), "controller c /x/z");
    assert_eq!(ask(&site, "GET", "/y/z"), "controller c /y/z");
}

#[test]
fn routes_below_a_delegated_prefix_are_refused() {
    for (route, reason) in [
        ("{ path = '/x/y', controller = 'c' }", "`/x/y` cannot be reached"),
        ("{ path = '/x', controller = 'c' }", "`/x` cannot be reached"),
        ("{ path = '/x/{*y}', controller = 'c' }", "`/x/{*y}` cannot be reached"),
        ("{ path = '/x', delegate = 'b.conf' }", "`/x` cannot be reached"),
        (
            "{ path = '/{a}', delegate = 'b.conf' }, { path = '/{b}', controller = 'c' }",
            "`/{b}` cannot be reached",
        ),
    ] {
        let text = format!("route = [{{ path = '/x', delegate = 'b.conf' }},\n{route}]");
        let message = refuse(&[("a.conf", &text), ("b.conf", "")]);
        assert!(message.contains(reason), "{route}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.starts_with("a.conf:2:"), "{message}");
    }
}

#[test]
fn a_prefix_and_a_path_below_it_share_no_capture() {
    let message = refuse(&[
        ("a.conf", "route = [{ path = '/{x}', delegate = 'b.conf' }]"),
        (
            "b.conf",
            "route = [{ path = '/{x}', controller = 'c' },\n{ pattern = '/(?<x>a)', controller = 'c' }]",
        ),
    ]);
    assert!(message.contains("b.conf:1: ") && message.contains("b.conf:2: "), "{message}");
}
