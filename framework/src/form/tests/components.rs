//! The components, rendered.

use std::rc::Rc;

use crate::form::COMPONENTS;
use crate::prelude::*;
use crate::reply::Content;
use crate::templates::{Engine, EngineOptions, NoFragments, Values};

#[derive(Form)]
struct Recipe {
    #[form(required, maxlength = 80, placeholder = "\"Soup\"")]
    title: String,
    #[form(required, type = "textarea", hint = "An empty line begins a paragraph.")]
    body: String,
    #[form(type = "select", options = &[("soup", "Soup"), ("cake", "Cake & more")])]
    kind: Option<String>,
    #[form(type = "checkbox", options = &[("nuts", "Nuts"), ("milk", "Milk")])]
    contains: Vec<String>,
    #[form(type = "radio", options = &[("1", "One"), ("2", "Two")], required, hint = "To cook in.")]
    pots: String,
    vegan: bool,
    #[form(type = "password", required)]
    _password: String,
    #[form(accept = "image/png")]
    _picture: Option<FormFile>,
    #[form(type = "hidden")]
    from: String,
}

/// Renders `template` as the page of a form.
fn rendered(template: &str, form: FilledForm) -> String {
    render(template, crate::reply::template("page.html").with("form", form))
}

fn render(template: &str, reply: Reply) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("components.html"), COMPONENTS).unwrap();
    std::fs::write(folder.path().join("page.html"), template).unwrap();
    let engine = Engine::load(folder.path(), &EngineOptions::default()).unwrap();
    let Content::Template { values, .. } = reply.content() else { panic!("{reply:?}") };
    let values = Values::of(&serde_json::Value::Object(values.to_json())).unwrap();
    let page = engine.render("page.html", &values, Rc::new(NoFragments)).unwrap();
    let bytes: Vec<u8> = page
        .content
        .iter()
        .flat_map(|piece| match piece {
            crate::pieces::Piece::Bytes(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        })
        .collect();
    String::from_utf8(bytes).unwrap()
}

fn field(name: &str, form: FilledForm) -> String {
    rendered(&format!("{{{{ <field name=\"{name}\" /> }}}}"), form)
}

fn refused(fields: &[(&str, &str)]) -> FilledForm {
    let mut found = None;
    let refused = Submitted::<Recipe>::of(fields).valid(|form| {
        found = Some(form);
        "refused"
    });
    assert!(refused.is_err());
    found.unwrap()
}

#[test]
fn a_field_has_the_attributes_of_its_rules_and_those_of_the_call() {
    assert_eq!(
        field("title", Recipe::empty_form()),
        "<div class=\"field\">\n  <label for=\"title\">Title</label>\n  <input type=\"text\" value=\"\" \
         id=\"title\" name=\"title\" maxlength=\"80\" placeholder=\"&quot;Soup&quot;\" required>\n</div>"
    );
    let page = rendered(
        "{{ <field name=\"body\" label=\"The <text>\" rows={9} /> }}",
        Recipe::empty_form(),
    );
    assert_eq!(
        page,
        "<div class=\"field\">\n  <label for=\"body\">The &lt;text&gt;</label>\n  <textarea id=\"body\" \
         name=\"body\" required rows=\"9\" aria-describedby=\"body-hint\">\n</textarea>\n  <small id=\"body-hint\">An \
         empty line begins a paragraph.</small>\n</div>"
    );
}

#[test]
fn an_invalid_field_is_marked_for_assistive_technology() {
    let page = field("body", refused(&[]));
    assert!(
        page.contains(" aria-invalid=\"true\" aria-describedby=\"body-hint body-error\""),
        "{page}"
    );
    assert!(
        page.contains("<p class=\"error\" id=\"body-error\">Please fill in this field.</p>"),
        "{page}"
    );
    let page = rendered("{{ <errors /> }}", refused(&[("title", "x"), ("kind", "<b>")]));
    assert!(page.contains("role=\"alert\""), "{page}");
    assert!(page.contains("<a href=\"#body\">Body</a>: Please fill in this field."), "{page}");
    assert!(page.contains("<a href=\"#kind\">Kind</a>: This is not one of the choices."), "{page}");
    assert_eq!(rendered("{{ <errors /> }}", Recipe::empty_form()), "");
    let form = Recipe::empty_form().with_error("", "Not <today>.");
    assert!(rendered("{{ <errors /> }}", form).contains("<li>Not &lt;today&gt;.</li>"));
}

#[test]
fn entered_values_are_shown_again_and_escaped() {
    let form = refused(&[
        ("title", "\"><script>"),
        ("body", "\n</textarea><script>"),
        ("kind", "cake"),
        ("contains", "milk"),
        ("vegan", "on"),
        ("_password", "secret"),
        ("from", "'\"<"),
    ]);
    let page: String =
        Recipe::spec().fields.iter().map(|it| field(it.name(), form.clone())).collect();
    assert!(!page.contains("<script>") && !page.contains("secret"), "{page}");
    assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{page}");
    assert!(page.contains("<option value=\"cake\" selected>Cake &amp; more</option>"), "{page}");
    assert!(page.contains("value=\"milk\" checked> Milk"), "{page}");
    assert!(page.contains("value=\"nuts\"> Nuts"), "{page}");
    assert!(page.contains("<input type=\"checkbox\" checked id=\"vegan\""), "{page}");
    assert!(page.contains("<input type=\"hidden\" value=\"&#39;&quot;&lt;\""), "{page}");
    assert!(page.contains("accept=\"image/png\""), "{page}");
}

#[test]
fn groups_have_a_legend_and_one_of_them_can_be_linked() {
    let page = field("pots", refused(&[]));
    let group = "<fieldset class=\"field\" id=\"pots\" tabindex=\"-1\" role=\"radiogroup\"";
    let wrong = " aria-invalid=\"true\" aria-describedby=\"pots-hint pots-error\">";
    assert!(page.starts_with(&format!("{group}{wrong}")), "{page}");
    let right = field("pots", Recipe::empty_form());
    assert!(right.starts_with(&format!("{group} aria-describedby=\"pots-hint\">")), "{right}");
    assert!(page.contains("<legend>Pots</legend>"), "{page}");
    assert!(page.contains("value=\"1\" required> One"), "{page}");
    // The ARIA role of a group has no invalid state; each box has.
    let page = field("contains", refused(&[("contains", "nuts"), ("contains", "x")]));
    let group = "<fieldset class=\"field\" id=\"contains\" tabindex=\"-1\" aria-describedby=\"contains-error\">";
    assert!(page.starts_with(group), "{page}");
    assert!(page.contains("value=\"nuts\" checked aria-invalid=\"true\"> Nuts"), "{page}");
    assert!(page.contains("value=\"milk\" aria-invalid=\"true\"> Milk"), "{page}");
}

#[test]
fn options_may_come_from_the_page() {
    let call = "{{ <field name=\"kind\" options={[{\"value\": \"x\", \"label\": \"The X\"}]} /> }}";
    let page = rendered(call, Recipe::empty_form());
    assert!(
        page.contains("<option value=\"x\">The X</option>") && !page.contains("Soup"),
        "{page}"
    );
}

#[test]
fn a_button_sends_the_form() {
    let page = rendered("{{ <submit label=\"Save & go\" class=\"big\" /> }}", Recipe::empty_form());
    assert_eq!(page, "<button type=\"submit\" class=\"big\">Save &amp; go</button>");
}

#[test]
fn each_page_of_a_list_is_linked_once_and_the_first_without_a_parameter() {
    let page = |number, total, at: &str| {
        let pages = Pages::new(PageNumber::new(number), 10, total).unwrap();
        let reply = crate::reply::template("page.html").with("page", pages).with("at", at);
        render("{{ <pagination page={page} at={at} previous=\"<\" /> }}", reply)
    };
    assert_eq!(page(1, 10, "/list"), "");
    assert_eq!(
        page(2, 21, "/list"),
        "<nav class=\"pages\" aria-label=\"Pages\">\n  <a rel=\"prev\" href=\"/list\">&lt;</a>\n  \
         <a href=\"/list\">1</a>\n  <a href=\"/list?page=2\" aria-current=\"page\">2</a>\n  \
         <a href=\"/list?page=3\">3</a>\n  <a rel=\"next\" href=\"/list?page=3\">Next</a>\n</nav>"
    );
    let far = page(50, 1000, "/list?q=\"soup\"");
    assert_eq!(far.matches("<span>…</span>").count(), 2, "{far}");
    assert!(far.contains("href=\"/list?q=&quot;soup&quot;&amp;page=49\""), "{far}");
    assert!(!page(3, 30, "/list").contains("rel=\"next\""));
}
