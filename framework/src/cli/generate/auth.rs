use super::edits;
use super::plan::Plan;

macro_rules! files {
    ($($path:literal: $source:literal,)*) => {
        &[$(($path, include_str!(concat!("files/auth/", $source)))),*]
    };
}

const CODE: &[(&str, &str)] = files! {
    "src/accounts.rs": "accounts.rs.in",
    "src/accounts/form.rs": "form.rs.in",
    "src/accounts/password.rs": "password.rs.in",
    "src/accounts/table.rs": "table.rs.in",
    "src/accounts/tests.rs": "tests.rs.in",
    "src/mailer.rs": "mailer.rs.in",
};

const TEMPLATES: &[(&str, &str)] = files! {
    "accounts/corner.html": "corner.html",
    "accounts/forgot.html": "forgot.html",
    "accounts/join.html": "join.html",
    "accounts/reset.html": "reset.html",
    "accounts/show.html": "show.html",
    "accounts/sign_in.html": "sign_in.html",
};

const ROUTES: &str = include_str!("files/auth/routes.conf");
const TEXTS: &str = include_str!("files/auth/accounts.ftl");

/// The dependencies that generated code adds to those of a new site.
const DEPENDENCIES: [(&str, &str); 4] = [
    ("argon2", "\"0.6\""),
    ("blake3", "\"1\""),
    ("rand", "\"0.10\""),
    ("tokio", "{ version = \"1\", features = [\"fs\", \"rt\", \"sync\"] }"),
];

/// Hashing a password takes half a second in a debug build, and the tests do it often.
const PROFILE: &str = "
# A password would take half a second.
[profile.dev.package.argon2]
opt-level = 3

[profile.dev.package.blake2]
opt-level = 3
";

const SETTINGS: &str = "
[site.mail]
site = \"http://127.0.0.1:8000\" # the address of the site, for links in mail
transport = \"log\" # mail is written to stderr
";

/// Plans accounts: signing up, in and out, and forgotten passwords.
pub(super) fn plan(plan: &mut Plan) {
    for (path, text) in CODE {
        plan.create(path, (*text).to_owned());
    }
    for (name, text) in TEMPLATES {
        plan.template(name, (*text).to_owned());
    }
    plan.texts("accounts", TEXTS.to_owned());
    plan.routes("accounts", ROUTES.to_owned());
    let controllers = [
        "show",
        "corner",
        "join_form",
        "join",
        "sign_in_form",
        "sign_in",
        "sign_out",
        "sign_out_everywhere",
        "forgot_form",
        "forgot",
        "reset_form",
        "reset",
    ];
    let controllers = controllers.map(|name| format!("accounts::{name}")).join(", ");
    plan.module(
        "accounts",
        &[
            ".state::<accounts::Accounts>()".to_owned(),
            ".session::<accounts::Member>(\"/sign-in\")".to_owned(),
            format!(".controllers(controllers![{controllers}])"),
        ],
    );
    plan.module("mailer", &[".resource(mailer::mailer)".to_owned()]);
    for (name, value) in DEPENDENCIES {
        plan.change_file(
            "Cargo.toml",
            &format!("add to the dependencies: {name} = {value}"),
            |text| edits::with_dependency(text, name, value),
        );
    }
    plan.change_file("Cargo.toml", &format!("add to Cargo.toml:{PROFILE}"), |text| {
        let has_own = text.contains("profile.dev.package");
        (!has_own).then(|| format!("{}\n{PROFILE}", text.trim_end()))
    });
    plan.change_file("project.toml", &format!("add to project.toml:{SETTINGS}"), |text| {
        Some(format!("{}\n{SETTINGS}", text.trim_end()))
    });
    plan.navigation("{{ part(url=\"/parts/account\") }}");
    plan.forms();
    plan.note("write a `Transport` for your mail in src/mailer.rs before the site goes public");
}
