//! `dev`: the site during development.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Running, Workshop};

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(300), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn shows(running: &Running, text: &str) -> bool {
    running.get("/").is_ok_and(|page| page.contains(text))
}

#[test]
fn code_templates_and_mistakes_show_in_the_open_page_and_no_request_fails() {
    let workshop = Workshop::new();
    let site = workshop.site("supper");
    site.cargo(&["build"]);
    site.write(".env", "HEADWATER_HTTP__REFERRER_POLICY=same-origin\n");
    let running = site.serve(&["dev", "-p", "0"]);
    let page = running.get("/").unwrap();
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("<script src=\"/.headwater/live.js\" defer></script>"), "{page}");
    assert!(page.contains("server-timing: total;dur="), "{page}");
    assert!(page.contains("referrer-policy: same-origin"), "{page}");
    assert!(running.get("/.headwater/live.js").unwrap().contains("EventSource"));
    until("the request is in the terminal", || running.said().contains("GET / 200 in "));
    assert!(!running.said().contains("headwater::link"), "{}", running.said());
    let first = running.event().unwrap();

    // A change of a template.
    let home = site.read("templates/home.html");
    site.write("templates/home.html", &home.replace("<h1>Supper", "<h1>Everybody brings a dish"));
    until("the template shows", || shows(&running, "<h1>Everybody brings a dish"));
    assert_ne!(running.event().unwrap(), first, "open pages are told");

    // A template with an undefined value: the page shows the cause.
    let dish = site.read("templates/home.html");
    site.write("templates/home.html", &dish.replace("<h1>", "<h1>{{ nobody.name }}"));
    until("the cause shows", || {
        running.get("/").is_ok_and(|page| page.contains("<pre>") && page.contains("nobody"))
    });
    site.write("templates/home.html", &dish);

    // A compile error: the program keeps running, and the page shows the error.
    let notes = site.read("src/notes.rs");
    site.write(
        "src/notes.rs",
        &notes.replace("const SHOWN: usize = 20;", "const SHOWN: usize = \"20\";"),
    );
    until("the mistake shows", || {
        running.event().is_ok_and(|event| event.contains("mismatched types"))
    });
    assert!(shows(&running, "<h1>Everybody brings a dish"));

    // A change of the code: the socket stays open, so every request is answered.
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let visitor = scope.spawn(|| {
            let mut answers = 0;
            while !done.load(Ordering::Relaxed) {
                let page = running.get("/").unwrap();
                assert!(
                    page.starts_with("HTTP/1.1 200") && page.ends_with("</script>\n"),
                    "{page}"
                );
                answers += 1;
            }
            answers
        });
        site.write(
            "src/notes.rs",
            &notes.replace("template!(\"home.html\")", "template!(\"home.html\").with(\"new\", 1)"),
        );
        let old = running.event().unwrap();
        let program = |event: &str| {
            let rest = event.split("\"program\":").nth(1).unwrap();
            rest.split([',', '}']).next().unwrap().to_owned()
        };
        until("the new program runs", || {
            let event = running.event().unwrap();
            program(&event) != program(&old) && !event.contains("mismatched types")
        });
        done.store(true, Ordering::Relaxed);
        assert!(visitor.join().unwrap() > 0);
    });
}
