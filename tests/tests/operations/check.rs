//! Problems of a site that are found before it is served.

use headwater_tests::Mode;
use headwater_tests::Site;
use tokio::net::TcpListener;

use crate::{PROGRAM, site};

#[tokio::test]
async fn routes_shows_the_table_in_matching_order() {
    let printed = site().printed(&["routes"]).await;
    assert_eq!((printed.code, &*printed.errors), (0, ""));
    let line = |path: &str, target: &str| {
        let found = printed
            .out
            .lines()
            .find(|line| line.split_whitespace().nth(1) == Some(path) && line.contains(target));
        found.unwrap_or_else(|| panic!("no {path} in {}", printed.out)).to_owned()
    };
    assert!(line("/page/{n}", "board.page").starts_with("GET,HEAD"));
    assert!(line("/page/{n}", "board.page").contains("normal"));
    assert!(line("/page/{n}", "board.raise").starts_with("POST"));
    assert!(line("/timeout/{n}", "board.page").contains("timeout 1s"));
    assert!(line("/", "alias").contains("/static"));
    assert!(line("/moved", "redirect").contains("302"));
    assert!(line("/files/{*path}", "files").contains("dispatch.conf:"));
    assert_eq!(site().printed(&["check"]).await.out, "no problems\n");
}

/// Returns a site with as many problems as possible.
fn broken() -> Site {
    Site::test_site(PROGRAM)
        .project(
            "environment = \"staging\"\n\n[link]\nleese = \"2s\"\ndeadline = \"soon\"\n\n\
             [limits]\nbody = \"8 MB\"\n",
        )
        .dispatch(
            r#"[[route]]
path = "/a"
controler = "board.page"

[[route]]
path = "/b"
controller = "board.pag"

[[route]]
pattern = '^/c/(?<name>[a-z]+$'
controller = "board.page"

[[route]]
path = "/d"
template = "missing.html"

[[route]]
path = "/e"
alias = "/f"

[[route]]
path = "/f"
alias = "/e"

[[route]]
path = "/g"
controller = "board.all"
cache = "forever"

[[route]]
path = "/h"
controller = "board.all"
groups = ["h:{name}"]

[[route]]
include = "no-such.conf"

[[route]]
path = "/d"
template = "page.html"

[[error]]
status = 200
template = "error.html"
"#,
        )
        .template("wrong.html", "line one\n{% if %}\n")
}

#[tokio::test]
async fn check_shows_all_problems_at_once_with_their_places() {
    let printed = broken().printed(&["check"]).await;
    assert_eq!(printed.code, 1, "{}", printed.errors);
    for (place, words) in [
        ("project.toml:1", "staging"),
        ("project.toml:4", "did you mean `lease`?"),
        ("project.toml:5", "soon"),
        ("project.toml:8", "8 MB"),
        ("dispatch.conf:3", "did you mean `controller`?"),
        ("dispatch.conf:5", "did you mean `board.page`?"),
        ("dispatch.conf:10", "unclosed group"),
        ("dispatch.conf:13", "missing.html"),
        ("dispatch.conf:17", "/e"),
        ("dispatch.conf:28", "forever"),
        ("dispatch.conf:33", "{name}"),
        ("dispatch.conf:36", "no-such.conf"),
        ("dispatch.conf:43", "status"),
        ("wrong.html", "2"),
    ] {
        let found = printed.errors.split_inclusive('\n').any(|line| line.contains(place));
        assert!(found && printed.errors.contains(words), "{place} {words}:\n{}", printed.errors);
    }
}

#[tokio::test]
async fn a_node_with_problems_does_not_start_and_shows_them_all() {
    let site = broken().project("[http]\nlissten = \"127.0.0.1:0\"\n\n[cache]\nbytes = \"lots\"\n");
    let ended = site.node(Mode::Backend, "b1").try_start().await.expect_err("it must not start");
    assert_eq!(ended.status.code(), Some(1));
    for words in ["project.toml:2", "did you mean `listen`?", "project.toml:5", "lots"] {
        assert!(ended.messages.contain(words), "{words}: {}", ended.messages);
    }
    let site = broken().project("");
    let ended = site.node(Mode::Frontend, "f1").try_start().await.expect_err("it must not start");
    assert_eq!(ended.status.code(), Some(1));
    for words in ["dispatch.conf:3", "dispatch.conf:10", "unclosed group", "wrong.html"] {
        assert!(ended.messages.contain(words), "{words}: {}", ended.messages);
    }
}

#[tokio::test]
async fn check_production_finds_the_problems_that_a_start_refuses() {
    let site = Site::test_site(PROGRAM).file("short", "a secret\n");
    let public = [("HEADWATER_HTTP__TRUSTED_PROXIES", Some("127.0.0.1"))];
    let (no_key, file) = (("HEADWATER_SECRET_KEY", None), "HEADWATER_SECRET_KEY_FILE");
    for (variables, words) in [
        (&[no_key, (file, Some("missing"))][..], "missing: "),
        (&[no_key], "the site has sessions, so its front ends need a secret"),
        (&[no_key, (file, Some("short"))], "short: a secret key has 32 characters"),
        (&[("PORT", Some("http"))], "PORT: `http` is not a port"),
        (&[("RUST_LOG", Some("headwater=loud"))], "RUST_LOG: "),
        (&[("HEADWATER_LINK__LEASE", Some("0s"))], "HEADWATER_LINK__LEASE"),
    ] {
        let mut launch = site.node(Mode::SingleNodeWithCache, "n1");
        if variables[0].0 == "PORT" {
            // The site's own setting takes precedence.
            launch = launch.without("HEADWATER_HTTP__LISTEN");
        }
        let mut command = site.command();
        command.args(["check", "--production"]);
        for (name, value) in public.iter().chain(variables) {
            launch = match value {
                Some(value) => launch.variable(name, value),
                None => launch.without(name),
            };
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let ended = launch.try_start().await.expect_err("it must not start");
        assert!(ended.messages.contain(words), "{words}: {}", ended.messages);
        let checked = command.output().unwrap();
        let errors = String::from_utf8(checked.stderr).unwrap();
        assert_eq!(checked.status.code(), Some(1), "{words}: {errors}");
        assert!(errors.contains(words), "{words}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
    let mut command = site.command();
    command.args(["check", "--production"]).env(public[0].0, "127.0.0.1");
    assert_eq!(command.output().unwrap().stdout, b"no problems\n");
}

#[tokio::test]
async fn an_unknown_variable_or_an_invalid_value_is_an_error() {
    for (name, value, words) in [
        ("LINK__LEESE", "2s", "HEADWATER_LINK__LEASE"),
        ("LINK__LEASE", "soon", "HEADWATER_LINK__LEASE"),
        ("CACHE__BYTES", "much", "HEADWATER_CACHE__BYTES"),
    ] {
        let node = site().node(Mode::Backend, "b1").set(name, value);
        let ended = node.try_start().await.expect_err("it must not start");
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.messages.contain(words), "{words}: {}", ended.messages);
    }
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    for (mode, key) in [
        (Mode::Frontend, "HTTP__LISTEN"),
        (Mode::Frontend, "ADMIN__LISTEN"),
        (Mode::Backend, "LINK__LISTEN"),
    ] {
        let node = site().node(mode, "n1").set(key, address);
        let ended = node.try_start().await.expect_err("it must not start");
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.messages.contain(&address.to_string()), "{key}: {}", ended.messages);
    }
}
