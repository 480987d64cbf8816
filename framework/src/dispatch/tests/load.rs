use std::time::Duration;

use super::*;
use crate::dispatch::{ForgeryPolicy, RateBy};

/// Checks that the text is rejected, with a message that contains the expected parts.
#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let found = problems(text);
    assert_eq!(found.len(), 1, "{text}: {found:#?}");
    for expected in expected {
        assert!(found[0].contains(expected), "{text}: `{}` lacks `{expected}`", found[0]);
    }
}

#[test]
fn every_problem_is_reported_at_once_with_its_line() {
    let found = problems(
        r#"
[[route]]
pth = "/a"
controller = "a"
cache = "nomal"

[[route]]
path = "/b"

[[route]]
path = "/c"
controller = "c"
groups = ["{d}"]
max_body = "2 GB"

[[eror]]
"#,
    );
    assert_eq!(
        found.iter().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        [
            "dispatch.conf:16:",
            "dispatch.conf:3:",
            "dispatch.conf:5:",
            "dispatch.conf:2:",
            "dispatch.conf:7:",
            "dispatch.conf:14:",
            "dispatch.conf:13:",
        ],
        "{found:#?}"
    );
}

#[test]
fn a_syntax_error_is_reported_with_its_line() {
    refused("\n[[route]]\npath = \n", &["dispatch.conf:3"]);
}

#[test]
fn unknown_keys_name_the_nearest() {
    refused(
        "[[route]]\npath='/'\ncontroler='a'\ntemplate='t'",
        &["conf:3", "did you mean `controller`?"],
    );
    refused("[[routes]]", &["did you mean `[[route]]`?"]);
    refused("[route]", &["two brackets"]);
    refused("route = [1]", &["a table with keys"]);
    refused(
        "[[error]]\nstatus=404\ntemplate='t'\npath='/x'",
        &["conf:4", "unknown key `path`", "known are status, template"],
    );
}

#[test]
fn a_route_does_one_thing() {
    refused("[[route]]\npath='/'", &["conf:1", "needs one of controller, template"]);
    refused(
        "[[route]]\npath='/'\ncontroller='a'\nfiles='b'",
        &["conf:4", "`files` beside `controller`"],
    );
    refused("[[route]]\ncontroller='a'", &["needs a `path` or a `pattern`"]);
    refused(
        "[[route]]\npath='/'\npattern='/'\ncontroller='a'",
        &["conf:3", "`pattern` beside `path`"],
    );
}

#[test]
fn keys_that_mean_nothing_are_refused() {
    for (keys, reason) in [
        ("controller='a'\nstatus=302", "the controller's reply has the status"),
        ("template='a'\nmax_body=1", "other kinds of routes"),
        ("template='a'\nresend=true", "other kinds of routes"),
        ("redirect='/x'\ncache='normal'", "answered from the table itself"),
        ("files='x'\ncache_statuses=[404]", "past the cache"),
        ("alias='/x'\ncache_statuses=[404]", "the route that the alias leads to"),
        ("alias='/x'\ngroups=['a']", "the route that the alias leads to"),
        ("delegate='x.conf'\nname='a'", "beside `delegate`"),
        ("include='x.conf'", "no other key is allowed beside `include`"),
    ] {
        let found = problems(&format!("[[route]]\npath='/y'\n{keys}"));
        assert!(found[0].contains(reason), "{keys}: {found:#?}");
    }
}

#[test]
fn errors_of_wrong_values_name_the_allowed_ones() {
    let route = |keys: &str| format!("[[route]]\npath='/a'\ncontroller='c'\n{keys}");
    for (keys, reason) in [
        ("name=1", "must be text in quotes, not integer"),
        ("name=''", "`name` is empty"),
        ("methods='GET'", "as in methods = [\"GET\"]"),
        ("methods=[]", "never matched"),
        ("methods=['get']", "`get` is not a method"),
        ("methods=['G T']", "`G T` is not a method"),
        ("methods=[1]", "list of texts"),
        ("cache=1", "`cache` must be \"normal\""),
        ("cache='timeout'", "how long?"),
        ("cache={timeout='20'}", "`timeout`: `20` is not a duration"),
        ("cache={timeout='0s'}", "must not be zero"),
        ("cache={type='normal', timeout='1s'}", "leave `type` out"),
        ("cache={stale_if_eror='1s'}", "did you mean `stale_if_error`?"),
        ("cache={type='no_cache', stale_if_error='1s'}", "`stale_if_error` has no effect"),
        (
            "cache={type='no_cache', stale_while_revalidate='1s'}",
            "`stale_while_revalidate` has no effect",
        ),
        ("cache_statuses=404", "as in [404, 410], or a table"),
        ("cache_statuses=['404']", "from 201 to 599"),
        ("cache_statuses=[99]", "from 201 to 599, as in [404, 410], not 99"),
        ("cache_statuses=[200]", "according to `cache`"),
        ("cache_statuses=[304]", "depends on a single request"),
        ("cache_statuses={404=30}", "how long?; write { 404 = \"30s\" }"),
        ("cache_statuses={404='30'}", "is not a duration"),
        ("cache_statuses={404='0s'}", "must not be zero"),
        ("cache_statuses={missing='1s'}", "from 201 to 599"),
        ("cache='no_cache'\ncache_statuses=[404]", "`cache_statuses` has no effect"),
        (
            "browser='no-chache'",
            "`browser`: `no-chache` is not a directive; did you mean `no-cache`?",
        ),
        ("browser='max-age'", "write \"max-age=60\""),
        ("browser='no-store, max-age=60'", "a response that is not stored has no age"),
        ("cdn='max-age=1h'", "`cdn`: `max-age` takes a number of seconds"),
        ("cdn='public, public'", "`public` is there twice"),
        ("methods=['POST']\ncache='normal'", "only GET is cached"),
        ("groups='a'", "groups = [\"stories\""),
        ("groups=['{a}']", "it has none"),
        ("query=1", "query = [\"page\"]"),
        ("vary=['a b']", "not a name of a header"),
        ("vary=['*']", "not a name of a header"),
        ("vary=['Cookie']", "variant function"),
        ("vary=['X-Forwarded-Proto']", "trusted_proxies"),
        ("max_body='x'", "is not a size"),
        ("max_body=-1", "a number of bytes"),
        ("methods=['POST']\nresend='yes'", "`resend` must be true or false"),
        ("resend=true", "for requests that change something"),
    ] {
        refused(&route(keys), &[reason]);
    }
}

#[test]
fn stale_windows_cache_statuses_and_cache_directives_are_read() {
    let table = table(
        r#"
[[route]]
path = "/a"
controller = "a"
cache = { timeout = "20s", stale_while_revalidate = "10s", stale_if_error = "1h" }
cache_statuses = { 404 = "30s", 301 = "1h" }
browser = "public, max-age=60"
cdn = "max-age=3600"

[[route]]
path = "/b"
controller = "b"
cache_statuses = [404, 410]

[[route]]
path = "/files/{*path}"
files = "files"
browser = "max-age=5"
cdn = "max-age=7"
"#,
    );
    let listed = table.to_string();
    assert!(listed.starts_with("METHODS   PATH            TARGET        CACHE"), "{listed}");
    assert!(listed.contains("  BROWSER             CDN           WRITTEN AT"), "{listed}");
    assert!(listed.contains("  public, max-age=60  max-age=3600  dispatch.conf:2"), "{listed}");
    assert!(
        listed.contains("no_cache  ") && listed.contains("  max-age=5           max-age=7"),
        "{listed}"
    );
    let policy = "timeout 20s, stale_while_revalidate 10s, stale_if_error 1h, 301 1h, 404 30s";
    assert!(listed.contains(policy), "{listed}");
    assert!(listed.contains("normal, 404, 410"), "{listed}");
    let routes = table.routes();
    assert_eq!(routes[0].browser.as_ref().unwrap(), "public, max-age=60");
    assert_eq!(routes[0].cdn.as_ref().unwrap(), "max-age=3600");
    assert_eq!((&routes[1].browser, &routes[1].cdn), (&None, &None));
    assert_eq!(routes[2].browser.as_ref().unwrap(), "max-age=5");
    assert_eq!(routes[2].cdn.as_ref().unwrap(), "max-age=7");
    let usual = std::time::Duration::from_secs(10);
    assert_eq!(routes[1].cache_statuses.lifetime(http::StatusCode::GONE, usual), Some(usual));
}

#[test]
fn targets_are_checked() {
    for (keys, reason) in [
        ("path='/a'\nfiles='../x'", "leads out of the docroot"),
        ("path='/a'\nfiles='/x'", "leads out of the docroot"),
        ("path='/{a}'\nfiles='x'", "does not determine a file"),
        ("path='/a'\nredirect='//x'", "neither a path"),
        ("path='/a'\nredirect='x'", "neither a path"),
        ("path='/{a}'\nredirect='https://{a}/'", "no fixed host"),
        ("path='/a'\nredirect='/{b}'", "not a capture of the route"),
        ("path='/a'\nredirect='/a'", "redirects to itself"),
        ("path='/a'\nredirect='/b'\nstatus=200", "must be 301 or 308"),
        (
            "path='/a'\nredirect='/b'\nbrowser='no-cache'",
            "`browser` has no meaning beside `redirect`",
        ),
        (
            "path='/a'\nredirect='/b'\ncdn='no-cache'",
            "a redirect is answered from the table itself",
        ),
        ("path='/a'\nalias='/b'\nbrowser='no-cache'", "the route that the alias leads to"),
        ("path='/a'\nalias='b'", "is not a path"),
        ("path='/a'\nalias='/b?c=1'", "is not a path"),
        ("path='/a'\nalias='/../b'", "dot segment"),
        ("path='/a'\nalias='/b'", "which no route matches"),
        ("path='/a'\ndelegate='missing.conf'", "`missing.conf` cannot be read"),
        ("path='/{*a}'\ndelegate='missing.conf'", "leave `{*…}` out"),
        ("delegate='missing.conf'", "needs a `path`"),
        ("pattern='/(a'\ncontroller='c'", "unclosed group"),
    ] {
        refused(&format!("[[route]]\n{keys}"), &[reason]);
    }
}

#[test]
fn routes_that_hide_each_other_are_refused_with_both_places() {
    let two = |one: &str, other: &str| {
        format!("[[route]]\n{one}\ncontroller='a'\n[[route]]\n{other}\ncontroller='b'")
    };
    for (one, other, reason) in [
        ("path='/a'", "path='/%61'", "for GET, HEAD is already taken by `/a` (dispatch.conf:1)"),
        ("path='/{a}'", "path='/{b}'", "already taken by `/{a}` (dispatch.conf:1)"),
        ("pattern='/a+'", "pattern='/a+'", "already taken by `/a+` (dispatch.conf:1)"),
        ("path='/{*a}'", "pattern='/a+'", "paths are matched before patterns"),
        ("path='/a'\nmethods=['GET']", "path='/a'\nmethods=['HEAD']", "for HEAD is already"),
        ("path='/a'\nname='n'", "path='/b'\nname='n'", "already taken by /a (dispatch.conf:1)"),
    ] {
        let text = two(one, other);
        let line = 3 + one.lines().count();
        refused(&text, &[reason, &format!("dispatch.conf:{line}:")]);
    }
    for (one, other) in [
        ("path='/a'", "path='/a'\nmethods=['POST']"),
        ("path='/a'", "path='/{a}'"),
        ("path='/{*a}'", "pattern='/a+'\nmethods=['POST']"),
        ("path='/{*a}'", "path='/{b}.html'"),
        ("path='/{*a}'", "path='/{b}'"),
        ("path='/user-{id}'", "path='/{name}/posts'"),
        ("path='/{name}/posts'", "path='/user-{id}'"),
        ("path='/{*a}'", "pattern='/'"),
    ] {
        table(&two(one, other));
    }
}

#[test]
fn error_pages_have_one_status_each() {
    refused("[[error]]\ntemplate='t'", &["needs `status`"]);
    refused("[[error]]\nstatus=200\ntemplate='t'", &["from 400 to 599"]);
    refused(
        "[[error]]\nstatus=404\ntemplate='t'\n[[error]]\nstatus=404\ntemplate='u'",
        &["conf:4", "already an error page for 404 at dispatch.conf:1"],
    );
}

#[test]
fn alias_circles_are_found_at_load() {
    refused(
        "route=[{path='/a',alias='/b'},\n{path='/b',alias='/c'},\n{path='/c',alias='/b'}]",
        &[
            "conf:2",
            "in a circle: /b (dispatch.conf:2) → /c (dispatch.conf:3) → /b (dispatch.conf:2)",
        ],
    );
    refused("[[route]]\npath='/a/{x}'\nalias='/a/{x}'", &["in a circle"]);
    refused("[[route]]\npath='/a/{*x}'\nalias='/a/b/{x}'", &["in a circle"]);
    let text = "route=[{path='/a',methods=['POST'],alias='/b'},{path='/b',controller='b'}]";
    refused(text, &["takes POST, but `/b` takes only GET, HEAD"]);
}

#[test]
fn a_missing_file_is_a_problem() {
    let problems = Table::load("nowhere/dispatch.conf".as_ref()).unwrap_err().to_string();
    assert!(problems.starts_with("nowhere/dispatch.conf: cannot be read"), "{problems}");
}

#[test]
fn an_empty_file_is_an_empty_table() {
    assert_eq!(ask(&table(""), "GET", "/"), "404");
}

#[test]
fn audit_keys_are_checked() {
    let route = "[[route]]\npath='/'\ncontroller='a'\n";
    let refuse = |rest: &str, expected: &[&str]| refused(&format!("{route}{rest}"), expected);
    refuse("audit = 'no'", &["conf:4", "`audit` must be true or false"]);
    refuse("audit_ignore = ['(']", &["conf:4", "`audit_ignore`: ", "unclosed group"]);
    refuse("audit_ignore = 'a'", &["conf:4", "a list of texts"]);
    refuse("audit = false\naudit_ignore = ['a']", &["conf:5", "no effect beside `audit = false`"]);
    refuse("cache = 'no_cache'\naudit = true", &["conf:5", "nothing is cached here"]);
    refused(
        "[[route]]\npath='/{*file}'\nfiles='a'\naudit=false",
        &["conf:4", "`audit` has no meaning beside `files`"],
    );
    let fine = format!("{route}audit = true\naudit_ignore = ['a', '(?s)b.*c']");
    let table = table(&fine);
    let audit = &table.routes()[0].audit;
    assert_eq!((audit.audited, audit.ignored.len()), (crate::dispatch::Audited::All, 2));
}

#[test]
fn forgery_is_for_routes_that_change_something() {
    let route = "[[route]]\npath='/'\ncontroller='c'\nmethods=['GET','POST']\n";
    for (value, policy) in [("allow", ForgeryPolicy::Allow), ("refuse", ForgeryPolicy::Refuse)] {
        let table = Table::parse(&format!("{route}forgery='{value}'"), "dispatch.conf").unwrap();
        assert_eq!(table.routes()[0].forgery, policy);
    }
    refused(&format!("{route}forgery='off'"), &["dispatch.conf:5", "\"refuse\" or \"allow\""]);
    let reading = "[[route]]\npath='/'\ntemplate='t'\nforgery='allow'";
    refused(reading, &["dispatch.conf:4", "leave `forgery` out"]);
    let socket = "[[route]]\npath='/'\nservice='s'\nmethods=['GET']\nforgery='allow'";
    assert!(Table::parse(socket, "dispatch.conf").is_ok());
    let alias = "\n[[route]]\npath='/a'\nalias='/'\nforgery='allow'";
    refused(&format!("{route}{alias}"), &["`forgery` has no meaning beside `alias`"]);
}

#[test]
fn a_route_declares_the_format_of_its_errors() {
    let route = "[[route]]\npath='/'\ncontroller='c'\n";
    for (value, sends_problems) in [("page", false), ("problem", true)] {
        let table = Table::parse(&format!("{route}errors='{value}'"), "dispatch.conf").unwrap();
        assert_eq!(table.routes()[0].scope.sends_problems, sends_problems);
    }
    refused(&format!("{route}errors='json'"), &["dispatch.conf:4", "\"page\" or \"problem\""]);
    let alias = "\n[[route]]\npath='/a'\nalias='/'\nerrors='problem'";
    refused(&format!("{route}{alias}"), &["`errors` has no meaning beside `alias`"]);
}

#[test]
fn a_page_of_each_user_is_cached_by_the_site_only() {
    let route = "[[route]]\npath='/'\ncontroller='c'\nsession='user'\n";
    let table = Table::parse(route, "dispatch.conf").unwrap();
    assert!(table.routes()[0].is_by_user());
    refused(&route.replace("'user'", "'name'"), &["dispatch.conf:4", "`session` is \"user\""]);
    refused(&format!("{route}cache='no_cache'"), &["nothing is cached here"]);
    refused(&format!("{route}browser='max-age=9'"), &["`browser` beside `session`"]);
    refused(&format!("{route}cdn='max-age=9'"), &["`cdn` beside `session`"]);
    let named = "[[route]]\npath='/'\ncontroller='c'\nvary=['Headwater-Session-User']";
    refused(named, &["write session = \"user\""]);
    refused("[[route]]\npath='/'\nfiles='a'\nsession='user'", &["`session` has no meaning beside"]);
}

#[test]
fn a_rate_is_a_number_and_a_duration() {
    let route = "[[route]]\npath='/'\ncontroller='c'\n";
    let table = Table::parse(&format!("{route}rate='10/3m'"), "dispatch.conf").unwrap();
    let rate = table.routes()[0].rate.unwrap();
    assert_eq!(
        (rate.requests, rate.period, rate.by),
        (10, Duration::from_secs(180), RateBy::Address)
    );
    assert_eq!(rate.to_string(), "10/3m");
    for rate in
        ["10", "10/3", "0/1s", "-1/1s", "1/0s", "1/1ms", "1/400d", "many/1s", "99999999999/1s"]
    {
        refused(&format!("{route}rate='{rate}'"), &["dispatch.conf:4", "as in \"10/3m\""]);
    }
    refused(&format!("{route}rate_by='address'"), &["write rate = \"10/3m\" too"]);
    refused(&format!("{route}rate='1/1s'\nrate_by='adress'"), &["did you mean \"address\"?"]);
    refused(&format!("{route}rate='1/1s'\nrate_by='session'"), &["a cached route has no session"]);
    let uncached = format!("{route}cache='no_cache'\nrate='1/1s'\nrate_by='session'");
    let table = Table::parse(&uncached, "dispatch.conf").unwrap();
    assert_eq!(table.routes()[0].rate.unwrap().by, RateBy::Session);
    let service = "[[route]]\npath='/'\nservice='s'\nrate='1/1s'\n";
    refused(service, &["write on = \"backend\""]);
    assert!(Table::parse(&format!("{service}on='backend'"), "dispatch.conf").is_ok());
    let template = "[[route]]\npath='/'\ntemplate='t'\nrate='1/1s'";
    refused(template, &["`rate` has no meaning beside `template`"]);
}
