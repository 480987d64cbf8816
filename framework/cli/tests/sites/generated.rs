//! The code that `generate` writes.

use crate::harness::Workshop;

#[test]
fn a_site_with_all_generated_code_compiles_without_a_warning_and_passes_its_tests_and_its_checks() {
    let workshop = Workshop::new();
    let site = workshop.site("pot_luck");
    site.cargo(&["build"]);
    // Generated code does not depend on previously generated code, so no build is needed in between.
    for command in [
        "scaffold story title:line body:text picture:image? tags:list",
        "scaffold BlogPost heading:line stars:number more:number? done:flag mail:email mail2:email? \
         home:url home2:url? due:date done_on:date? note:text? line2:line?",
        "scaffold fox stars:number --plural skulk",
        "table fruit name:line seen:flag --plural all_fruit",
        "controller pages about contact_us",
        "deploy",
        "auth",
        "scaffold gadget name:line picture:image? --owned",
        "scaffold errand due:date --owned",
    ] {
        let command: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
        site.generates(&command);
    }
    site.passes_everything();
}

#[test]
fn a_site_reports_its_routes_settings_and_problems() {
    let workshop = Workshop::new();
    let site = workshop.site("feast");
    let routes = site.cargo(&["run", "-q", "--", "routes", "--json"]);
    assert!(routes.contains("\"path\": \"/assets/{*path}\""), "{routes}");
    assert!(routes.contains("\"line\": "), "{routes}");

    site.write(".cargo/variables.toml", "");
    let config = site.read(".cargo/config.toml") + "[env]\nHEADWATER_LINK__SECRET = \"sesame\"\n";
    site.write(".cargo/config.toml", &config);
    let settings = site.cargo(&["run", "-q", "--", "config"]);
    let line = |key: &str| {
        let line = settings.lines().find(|line| line.split(' ').next() == Some(key));
        line.unwrap_or_else(|| panic!("{settings}"))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("http.listen"), "http.listen \"127.0.0.1:8000\" default");
    assert_eq!(line("environment"), "environment \"development\" project.toml:5");
    assert_eq!(line("link.secret"), "link.secret \"…\" HEADWATER_LINK__SECRET");
    assert!(!settings.contains("sesame"), "{settings}");

    let completions = site.cargo(&["run", "-q", "--", "completions", "bash"]);
    assert!(completions.contains("_feast()"), "{completions}");

    // `check` reads the code and does not need a build.
    let notes = site.read("src/notes.rs");
    let wrong = notes.replace(
        "redirect_to(\"/\")",
        "redirect_to(\"/\").flash(\"notice\", \"note.left\", t!(\"note.no\"))",
    );
    site.write("src/notes.rs", &wrong);
    let texts = site.read("locales/en/site.ftl");
    site.write("locales/en/site.ftl", &format!("{texts}\nforgotten = Forgotten\n"));
    let program = crate::harness::target().join("debug/feast");
    let output = crate::harness::command(program, &site.folder).arg("check").output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let line = 1 + wrong.lines().position(|line| line.contains("note.left")).unwrap();
    for part in [
        format!("note: src/notes.rs:{line}: no catalogue has the text `note.left`"),
        format!("\nsrc/notes.rs:{line}: no catalogue has the text `note.no`"),
        "neither a template nor the code asks for `forgotten`".to_owned(),
    ] {
        assert!(said.contains(&part), "{said}");
    }
    assert_eq!(said.matches("asks for").count(), 1, "{said}");
    site.write("src/notes.rs", &notes);
    site.write("locales/en/site.ftl", &texts);

    let running = site.serve(&["serve", "-p", "0"]);
    let admin = format!("http://{}", running.admin);
    assert_eq!(site.cargo(&["run", "-q", "--", "health", "--admin", &admin]), "ok\n");
    assert_eq!(site.cargo(&["run", "-q", "--", "health", "--ready", "--admin", &admin]), "ready\n");
    drop(running);

    let mut doctor = crate::harness::command("cargo", &site.folder);
    let output = doctor.args(["run", "-q", "--", "doctor"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in ["project.toml:5: environment:", "http.trusted_proxies:", "HEADWATER_LINK__SECRET:"]
    {
        assert!(said.contains(part), "{said}");
    }
}
