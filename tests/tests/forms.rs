//! Forms in a browser: the browser and the server check entered values alike.

use headwater::form::COMPONENTS;
use headwater_tests::{Browser, Mode, Node, Site};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/dinner"
controller = "forms.dinner"
cache = "no_cache"

[[route]]
path = "/dinner"
methods = ["POST"]
controller = "forms.order"
"#;

const DINNER: &str = r#"<!doctype html>
<html lang="en"><title>Dinner</title><link rel="icon" href="data:,">
<main><h1>Dinner</h1>
<form method="post" novalidate>
{{ <errors /> }}
{% for name in ["vessel", "contains", "guests", "candles", "litres", "begin", "end", "day", "reminder", "quarter", "week"] %}
{{ <field name={name} /> }}
{% endfor %}
{{ <submit label="Order" /> }}
</form></main></html>"#;

async fn node() -> (Node, String) {
    let site = Site::test_site(PROGRAM).route(ROUTES);
    let site = site.template("components.html", COMPONENTS).template("dinner.html", DINNER);
    let node = site.node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    let address = format!("http://{}/dinner", node.http());
    (node, address)
}

/// Returns the verdicts of the browser and the server on each value in a field of the current page.
const JUDGE: &str = r#"(async (name, values) => {
    const form = document.forms[0], field = form.elements[name];
    const entered = field.value, found = [];
    for (const value of values) {
        field.value = value;
        const sent = new URLSearchParams(new FormData(form));
        const answer = await fetch(location.pathname, { method: "POST", body: sent });
        found.push(`${field.value}: ${field.validity.valid} ${answer.status == 200}`);
    }
    field.value = entered;
    return found;
})"#;

#[tokio::test]
async fn a_browser_and_the_server_accept_the_same_values() {
    let Some(mut browser) = Browser::start().await else { return };
    let (_node, page) = node().await;
    browser.open(&page).await;
    for (field, right, wrong) in [
        ("guests", &["0", "2", "-4", "2e1", "2.0"][..], &["3", "-1", "2.5"][..]),
        ("candles", &["1", "3", "101"], &["2", "0", "-1", "1.5"]),
        ("litres", &["0.5", "0.6", "1.1", "2.3", "3"], &["0.55", "0.4", "3.1"]),
        ("begin", &["00:00", "09:30", "09:30:00"], &["09:30:15", "09:30:00.500"]),
        (
            "end",
            &["21:00", "23:30", "00:00", "06:00"],
            &["12:00", "20:30", "06:30", "21:15", "05:59"],
        ),
        ("day", &["2026-03-02", "2026-12-28"], &["2026-03-03", "2026-02-23", "2027-01-04"]),
        ("reminder", &["2026-03-01T09:45"], &["2026-03-01T09:40", "2026-03-01T09:45:01"]),
        ("quarter", &["1970-01", "2026-04", "1969-10"], &["2026-05"]),
        ("week", &["1970-W01", "1970-W03", "2026-W09"], &["1970-W02", "2026-W10"]),
    ] {
        for (values, verdict) in [(right, "true true"), (wrong, "false false")] {
            let call = format!("{JUDGE}({field:?}, {values:?})");
            let found = browser.evaluate(&call).await;
            let found: Vec<&str> =
                found.as_array().unwrap().iter().flat_map(|it| it.as_str()).collect();
            for (value, found) in values.iter().zip(found) {
                assert!(found.ends_with(verdict), "{field} = {value}: {found}");
            }
        }
    }
    browser.is_sound().await;
}

#[tokio::test]
async fn a_shown_value_off_the_steps_can_be_corrected_on_its_page() {
    let Some(mut browser) = Browser::start().await else { return };
    let (_node, page) = node().await;
    for (shown, field, right) in [
        ("guests=3", "guests", "4"),
        ("begin=09:30:15", "begin", "09:31"),
        ("candles=4", "candles", "5"),
    ] {
        browser.open(&format!("{page}?{shown}")).await;
        let found = browser.evaluate(&format!("{JUDGE}({field:?}, [{right:?}])")).await;
        assert!(found[0].as_str().unwrap().ends_with("true true"), "{shown}: {found}");
    }
}

#[tokio::test]
async fn invalid_groups_are_announced_to_screen_readers() {
    let Some(mut browser) = Browser::start().await else { return };
    let (_node, page) = node().await;
    browser.open(&page).await;
    browser.is_sound().await;
    browser.evaluate("document.querySelectorAll('input').forEach(it => it.checked = false)").await;
    browser.press("Order").await;
    let shown = browser.shown().await;
    assert!(shown.contains("Vessel: Please choose one of these."), "{shown}");
    assert!(shown.contains("Contains: Please tick this."), "{shown}");
    for (group, place, words) in [
        ("vessel", "", "To cook in. Please choose one of these."),
        ("contains", " input", "Please tick this."),
    ] {
        let invalid = format!("document.querySelector('#{group}{place}').ariaInvalid");
        assert_eq!(browser.text(&invalid).await, "true", "{group}");
        let described = format!(
            "document.getElementById('{group}').getAttribute('aria-describedby').split(' ')\
             .map(id => document.getElementById(id).textContent.trim()).join(' ')"
        );
        assert_eq!(browser.text(&described).await, words);
    }
    browser.is_sound().await;
}
