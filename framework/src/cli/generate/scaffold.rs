use std::time::{SystemTime, UNIX_EPOCH};

use super::edits;
use super::field::{Field, FieldKind};
use super::plan::Plan;
use super::table;
use super::words::Words;
use crate::problem::Problem;

mod form;
mod html;
mod owned;
mod pictures;

pub(super) use owned::Owned;

const CODE: &str = include_str!("files/scaffold.rs.in");
const TESTS: &str = include_str!("files/scaffold_tests.rs.in");
const REFUSED: &str = include_str!("files/refused_test.rs.in");
const ROUTES: &str = include_str!("files/scaffold.conf");
const TEXTS: &str = include_str!("files/scaffold.ftl");

/// Plans a table with pages: list, detail, forms, feed, tests.
///
/// # Errors
/// Fails when rows should belong to accounts, and the site has none, or a field is called `owner`.
pub(super) fn plan(
    plan: &mut Plan,
    words: &Words,
    fields: &[Field],
    owned: Owned,
) -> Result<(), Problem> {
    let has_accounts = plan.has("src/accounts.rs");
    if owned == Owned::Yes && !has_accounts {
        return Err(Problem::new(
            "--owned: the site has no accounts; make them first, with `generate auth`",
        ));
    }
    if owned == Owned::Yes && fields.iter().any(|field| field.name == "owner") {
        return Err(Problem::new("with --owned every row has a field `owner`; leave it out"));
    }
    let module = &words.many;
    let picture = fields.iter().find(|field| field.kind == FieldKind::Image);
    plan.create(
        format!("src/{module}.rs"),
        pictures::filled(&words.filled(&owned.code(CODE)), module, picture),
    );
    plan.create(format!("src/{module}/form.rs"), form::text(words, fields));
    plan.create(format!("src/{module}/table.rs"), table::text(words, fields, owned));
    plan.create(format!("src/{module}/tests.rs"), tests(words, fields, owned));
    for (name, text) in html::templates(words, fields, owned, &plan.site_name(), year()) {
        plan.template(&format!("{module}/{name}"), text);
    }
    plan.texts(module, words.filled(TEXTS).replace("@texts@\n", &form::texts(fields)));
    plan.routes(module, words.filled(&owned.routes(ROUTES)));
    let mut controllers = vec!["list", "feed", "show", "new", "create", "edit", "update", "delete"];
    controllers.extend((owned == Owned::Yes).then_some("actions"));
    let controllers: Vec<String> =
        controllers.iter().map(|name| format!("{module}::{name}")).collect();
    let controllers = controllers.join(", ");
    let state = format!(".state::<{module}::{}>()", words.type_of_many());
    plan.module(module, &[state, format!(".controllers(controllers![{controllers}])")]);
    plan.navigation(
        &words.filled("<a href=\"{{ url_for(name=\"@many@\") }}\">{{ t(key=\"@many@\") }}</a>"),
    );
    if picture.is_some() {
        pictures::plan(plan);
    }
    plan.forms();
    match (owned, has_accounts) {
        (Owned::Yes, _) => {}
        (Owned::No, true) => plan.note(
            "every visitor may write: put `#[before(signed_in)]` above the controllers that change something, and \
             `cache = \"no_cache\"` into their routes; with --owned only the account that has made a row changes it",
        ),
        (Owned::No, false) => plan.note(
            "every visitor may write: with accounts (`generate auth`) and --owned only the account that has made a row \
             changes it",
        ),
    }
    Ok(())
}

fn tests(words: &Words, fields: &[Field], owned: Owned) -> String {
    let samples = |second: bool| {
        fields.iter().filter_map(|field| form::sample(field, second)).collect::<String>()
    };
    let unnamed = words.filled("@Label@ ");
    let (seen, changed) = match html::main_field(fields) {
        Some(_) => ("Rain & sun", "Snow & ice"),
        None => (&*unnamed, &*unnamed),
    };
    let required = fields.iter().find(|field| form::is_required(field));
    let refused = required.map(|field| REFUSED.replace("@required@", &field.heading()));
    let article = words.filled("@a label@");
    words
        .filled(&owned.tests(&TESTS.replace("@refused@\n", &refused.unwrap_or_default())))
        .replace("@article@", article.split(' ').next().unwrap_or("a"))
        .replace("@enter@", &samples(false))
        .replace("@change@", &samples(true))
        .replace("@seen@", seen.trim_end())
        .replace("@seen_changed@", changed.trim_end())
}

/// Returns the current year, from which the tags of a feed identify the site.
fn year() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    1970 + now.as_secs() / 31_556_952
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    /// Returns all code that is generated for a row, with every kind of field.
    fn code(words: &Words, owned: Owned) -> String {
        let fields = "line:line text:text? number:number flag:flag mail:email url:url list:list image:image?";
        let fields: Vec<String> = fields.split(' ').map(str::to_owned).collect();
        let fields = Field::read_all(&fields).unwrap();
        let image = fields.iter().find(|field| field.kind == FieldKind::Image);
        [
            pictures::filled(&words.filled(&owned.code(CODE)), &words.many, image),
            form::text(words, &fields),
            table::text(words, &fields, owned),
            super::tests(words, &fields, owned),
        ]
        .concat()
    }

    #[test]
    fn a_row_cannot_have_the_name_of_a_type_in_its_code() {
        let words = Words::new("blog_post", None).unwrap();
        let code = code(&words, Owned::No) + &code(&words, Owned::Yes);
        let code = Regex::new("//.*|\"[^\"]*\"").unwrap().replace_all(&code, "");
        // After `::`, a name refers to a type only if another type precedes it.
        let names = Regex::new(r"(?m)(^|[^:\w])([A-Z]\w*[a-z]\w*)").unwrap();
        // Variants and associated types cannot conflict.
        let own =
            "^(BlogPosts?|BlogPostsView|BlogPostForm|Create|Edit|Delete|Update|Output|Refusal)$";
        let own = Regex::new(own).unwrap();
        let mut found = 0;
        for name in names.captures_iter(&code).map(|found| found[2].to_owned()) {
            if !own.is_match(&name) {
                found += 1;
                assert!(Words::new(&name, None).is_err(), "`{name}` is in the code");
            }
        }
        assert!(found > 50, "{found} names");
    }
}
