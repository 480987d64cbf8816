use std::time::{SystemTime, UNIX_EPOCH};

use super::edits;
use super::field::{Field, FieldKind};
use super::plan::Plan;
use super::table;
use super::words::Words;

mod form;
mod html;
mod pictures;

const CODE: &str = include_str!("files/scaffold.rs.in");
const TESTS: &str = include_str!("files/scaffold_tests.rs.in");
const REFUSED: &str = include_str!("files/refused_test.rs.in");
const ROUTES: &str = include_str!("files/scaffold.conf");

/// A table with pages: list, detail, forms, feed, tests.
pub(super) fn plan(plan: &mut Plan, words: &Words, fields: &[Field]) {
    let module = &words.many;
    let picture = fields.iter().find(|field| field.kind == FieldKind::Image);
    plan.create(format!("src/{module}.rs"), pictures::filled(&words.filled(CODE), module, picture));
    plan.create(format!("src/{module}/form.rs"), form::text(words, fields));
    plan.create(format!("src/{module}/table.rs"), table::text(words, fields));
    plan.create(format!("src/{module}/tests.rs"), tests(words, fields));
    for (name, text) in html::templates(words, fields, &plan.site_name(), year()) {
        plan.template(&format!("{module}/{name}"), text);
    }
    plan.routes(module, words.filled(ROUTES));
    let controllers = ["list", "feed", "show", "create", "edit", "update", "delete"];
    let controllers = controllers.map(|name| format!("{module}::{name}")).join(", ");
    let state = format!(".state::<{module}::{}>()", words.type_of_many());
    plan.module(module, &[state, format!(".controllers(controllers![{controllers}])")]);
    plan.navigation(&words.filled("<a href=\"{{ url_for(name=\"@many@\") }}\">@Labels@</a>"));
    if picture.is_some() {
        pictures::plan(plan);
    }
    if !plan.has("src/tests.rs") {
        plan.note(
            "the tests want `get`, `post` and `site` of src/tests.rs, as a new site has them",
        );
    }
    plan.note("every visitor may write: take a session in the controllers that change something");
}

fn tests(words: &Words, fields: &[Field]) -> String {
    let samples = |second: bool| {
        let sample = |field: &Field| {
            form::sample(field, second).map(|text| format!("{}={text}", field.name))
        };
        fields.iter().filter_map(sample).collect::<Vec<_>>().join("&")
    };
    let unnamed = words.filled("@Label@ ");
    let (seen, changed, filled) = match html::main_field(fields) {
        Some(_) => ("Rain &amp; sun", "Snow &amp; ice", "Rain &amp; sun"),
        None => (&*unnamed, &*unnamed, "<form"),
    };
    let required = fields.iter().find(|field| form::is_required(field));
    let refused = required.map(|field| REFUSED.replace("@required@", &field.name));
    let article = words.filled("@a label@");
    let text = format!("{TESTS}{}", refused.unwrap_or_default());
    words
        .filled(&text)
        .replace("@article@", article.split(' ').next().unwrap_or("a"))
        .replace("@entered@", &samples(false))
        .replace("@changed@", &samples(true))
        .replace("@seen@", seen)
        .replace("@filled@", filled)
        .replace("@seen_changed@", changed)
}

/// The year, in which the addresses of a feed begin to be the site's.
fn year() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    1970 + now.as_secs() / 31_556_952
}
