//! Groups of fragments whose values are marked with their rows.

use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::*;
use crate::packed::{self, Packed};

/// A row of the table `stories`.
#[derive(Clone)]
pub(super) struct Row(pub(super) &'static str, pub(super) Json);

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        packed::marked_row(self.0, &self.1, to)
    }
}

/// The result of a read, and its groups.
#[derive(Clone)]
pub(super) struct Read<T>(pub(super) &'static [&'static str], pub(super) T);

impl<T: Serialize> Serialize for Read<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        packed::marked_read(self.0, &self.1, to)
    }
}

/// The serialized form of a `Page`.
#[derive(Serialize)]
struct Page {
    rows: Read<Vec<Row>>,
    number: usize,
    total: Read<usize>,
}

pub(super) fn story(slug: &str, title: &str) -> Json {
    json!({ "slug": slug, "title": title, "tags": ["a", "b"], "author": { "name": "Ada" }, "none": [] })
}

pub(super) const A: &str = "stories/a";
pub(super) const B: &str = "stories/b";

pub(super) fn rows() -> Vec<Row> {
    vec![Row(A, story("a", "Rain")), Row(B, story("b", "Flood"))]
}

/// A page's values as received over the link.
pub(super) struct Given(Packed);

impl Given {
    pub(super) fn new() -> Given {
        Given(Packed::new())
    }

    pub(super) fn with(mut self, name: &str, value: &impl Serialize) -> Given {
        self.0.insert(name, value).unwrap();
        self
    }

    pub(super) fn values(&self, recorded: Option<&[&str]>) -> Values {
        let recorded = recorded
            .map(|groups| groups.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>());
        let values = Values::from_packed(&self.0.clone().into_bytes()).unwrap();
        values.recorded_as(recorded.as_deref())
    }
}

/// All groups that the site of these tests reads.
pub(super) const ALL: &[&str] = &["stories@all", A, B, "stories@", "motto", "stories/none"];

pub(super) fn usual() -> Given {
    let page =
        Page { rows: Read(&["stories@all"], rows()), number: 1, total: Read(&["stories@"], 7) };
    Given::new()
        .with("stories", &Read(&["stories@all"], rows()))
        .with("story", &Row(A, story("a", "Rain")))
        .with("page", &Read(&["stories@all", "stories@"], page))
        .with("count", &Read(&["stories@"], 7))
        .with("absent", &Read(&["stories/none"], None::<Row>))
        .with("nothing", &Read(&["stories@tag=x"], Vec::<Row>::new()))
        .with("motto", &Row("motto", json!("Dry")))
        .with("heading", &"News")
        .with("view", &json!({"story": null}))
        .with("mixed", &Mixed { story: Row(B, story("b", "Flood")), note: "copied" })
}

#[derive(Serialize)]
struct Mixed {
    story: Row,
    note: &'static str,
}

impl Site {
    pub(super) fn render_given(&self, given: &Given) -> Rendered {
        let values = given.values(Some(ALL));
        self.engine.render("page.html", &values, self.shelf.clone()).unwrap()
    }

    pub(super) fn error_given(&self, given: &Given) -> String {
        let values = given.values(Some(ALL));
        self.engine.render("page.html", &values, self.shelf.clone()).unwrap_err().to_string()
    }

    fn recorded(&self, id: &str) -> Vec<String> {
        let fragment = self.fragment(id);
        let mut groups: Vec<String> =
            fragment.recorded.iter().map(|group| group.to_string()).collect();
        groups.sort_unstable();
        groups
    }
}

fn all() -> Vec<String> {
    let mut all: Vec<String> = ALL.iter().map(|group| (*group).to_owned()).collect();
    all.sort_unstable();
    all
}

/// Returns the groups of a fragment with this body, in a page with the usual values.
fn groups_of(before: &str, body: &str) -> Vec<String> {
    let site = Site::of(&format!("{before}{{% cache id='x' %}}{body}{{% endcache %}}"));
    site.render_given(&usual());
    site.recorded("fragment:x")
}

#[test]
fn a_fragment_has_the_groups_of_the_values_that_it_names() {
    for (body, expected) in [
        ("text", &[][..]),
        ("{{ story.title }}{{ story.author.name }}{{ story.tags }}{{ story.none }}", &[A]),
        ("{{ story }}{{ story | json_encode }}{% for k, v in story %}{{ k }}{% endfor %}", &[A]),
        ("{% if story.subtitle is defined %}x{% endif %}", &[A]),
        ("{% for tag in story.tags %}{{ tag }}{{ loop.index }}{% endfor %}", &[A]),
        ("{% for s in stories %}{{ s.title }}{{ loop.index }}{% endfor %}", &[A, B, "stories@all"]),
        ("{{ stories | length }}{{ stories[0].title }}", &[A, B, "stories@all"]),
        ("{{ page.number }}", &["stories@", "stories@all"]),
        ("{{ page.total }}", &["stories@"]),
        ("{{ page.rows[1].title }}", &[A, B, "stories@all"]),
        ("{{ page.next is defined }}", &["stories@", "stories@all"]),
        ("{{ count }}", &["stories@"]),
        ("{% if absent %}{{ absent.title }}{% endif %}", &["stories/none"]),
        ("{% for s in nothing %}{{ s }}{% else %}none{% endfor %}", &["stories@tag=x"]),
        ("{{ motto }}", &["motto"]),
        ("{{ motto }}{{ story.title | upper }}{{ count + 1 }}", &["motto", A, "stories@"]),
        ("{{ mixed.story.title }}", &[B]),
        ("{{ [s.title for s in stories if s.slug] }}", &[A, B, "stories@all"]),
    ] {
        assert_eq!(groups_of("", body), expected, "{body}");
    }
}

#[test]
fn a_value_keeps_its_mark_wherever_it_is_carried() {
    for (before, body, expected) in [
        ("{% set x = story %}", "{{ x.title }}", &[A][..]),
        ("{% set x = mixed.story %}", "{{ x.title }}", &[B]),
        ("{% set x = stories[1] %}", "{{ x.author.name }}", &[B]),
        ("{% set x = [story, 1] %}{% set x = x[0] %}", "{{ x.slug }}", &[A]),
        ("{% set x = heading if count == 0 else story %}", "{{ x.slug }}", &[A]),
        ("{% set x = story.author %}", "{{ x.name }}", &[A]),
        ("{% set x = page.rows %}", "{{ x[0].title }}", &[A, B, "stories@all"]),
        ("{% set x = story | default(value=1) %}", "{{ x.slug }}", &[A]),
    ] {
        assert_eq!(groups_of(before, body), expected, "{before}{body}");
    }
}

#[test]
fn a_value_without_a_mark_means_all_groups_of_the_page() {
    for (before, body) in [
        ("", "{{ heading }}"),
        ("", "{{ mixed }}"),
        ("", "{{ mixed.note }}"),
        ("", "{{ mixed.missing is defined }}"),
        ("", "{{ view.story }}"),
        ("", "{{ unknown is defined }}"),
        ("", "{{ __tera_context }}"),
        ("", "{{ count() }}"),
        // Values computed from marked ones have no marks.
        ("{% set x = story.title %}", "{{ x }}"),
        ("{% set x = stories | reverse %}", "{{ x[0].title }}"),
        ("{% set x = stories[1:] %}", "{{ x[0].title }}"),
        ("{% set x = story.none %}", "{{ x }}"),
        // A value with the name of another one does not get its mark.
        ("{% set motto = heading %}", "{{ motto }}"),
        ("{% set count = 7 %}", "{{ count }}"),
        ("{% for motto in ['Dry'] %}{% endfor %}", "{{ motto }}"),
        ("{% set x = [motto for motto in ['Dry']] %}", "{{ motto }}"),
        ("{% set nothing = [] %}", "{{ nothing }}"),
    ] {
        assert_eq!(groups_of(before, body), all(), "{before}{body}");
    }
    let site = Site::of(
        "{% for s in stories %}{% cache id=s.slug %}{{ s.title }}{{ loop.index }}{% endcache %}{% endfor %}",
    );
    site.render_given(&usual());
    assert_eq!(site.recorded("fragment:a"), all());
}

#[test]
fn the_groups_of_nested_templates() {
    let site = Site::new(&[
        (
            "base.html",
            "{% cache id='top', groups='site' %}{{ motto }}{% include 'list.html' %}{% endcache %}\
                       {% block foot %}{% endblock %}",
        ),
        (
            "page.html",
            "{% extends 'base.html' %}{% block foot %}{% cache id='foot' %}{{ count }}{% endcache %}{% endblock %}",
        ),
        (
            "list.html",
            "\
                       {% cache id='list', groups=['lists'] %}{% for s in stories %}{% include 'card.html' %}{% endfor %}\
                       {% endcache %}{% cache id='head' %}{{ story.title }}{{ <badge row={story.author} /> }}{% endcache %}",
        ),
        (
            "card.html",
            "{% cache row=s %}<{{ s.title }}{% cache id=['tags', s.slug], groups='tags' %}\
                       {% for tag in s.tags %}{{ tag }}{% endfor %}{% endcache %}>{% endcache %}",
        ),
        (
            "badge.html",
            "{% component badge(row) %}{% cache id='badge' %}{{ row.name }}{% endcache %}{% endcomponent %}",
        ),
    ]);
    let first = site.render_given(&usual());
    assert_eq!(shown(&first.content), "Dry<Rainab><Floodab>RainAda7");
    for (id, named, recorded) in [
        ("fragment:badge", &[][..], &[A][..]),
        ("fragment:card.html:1/stories%2Fa", &["tags"], &[A]),
        ("fragment:card.html:1/stories%2Fb", &["tags"], &[B]),
        ("fragment:tags/a", &["tags"], &[A]),
        ("fragment:tags/b", &["tags"], &[B]),
        ("fragment:list", &["lists", "tags"], &[A, B, "stories@all"]),
        ("fragment:head", &[], &[A]),
        ("fragment:foot", &[], &["stories@"]),
        ("fragment:top", &["site", "lists", "tags"], &["motto", A, B, "stories@all"]),
    ] {
        assert_eq!(names(&site.fragment(id).groups), named, "{id}");
        assert_eq!(site.recorded(id), recorded, "{id}");
    }
    assert_eq!(site.kept().len(), 9, "{:?}", site.kept());
    let again = site.render_given(&usual());
    assert_eq!(again.content, first.content);
    let groups = |rendered: &Rendered| {
        let mut groups = rendered.recorded.clone();
        groups.sort_unstable();
        groups
    };
    assert_eq!((again.groups, groups(&first)), (first.groups.clone(), groups(&first)));
}

#[test]
fn no_template_can_see_a_mark() {
    let page = "{{ story }}|{{ story | json_encode }}|{{ story | length }}|{{ stories | length }}|\
                {% for k, v in story %}{{ k }}{% endfor %}|{{ story | keys }}|{{ stories }}|{{ page }}|\
                {{ __tera_context | json_encode }}";
    let site = Site::of(page);
    let plain = json!({
        "story": story("a", "Rain"),
        "stories": [story("a", "Rain"), story("b", "Flood")],
        "page": {"rows": [story("a", "Rain")], "number": 1, "total": 7},
    });
    let [first, second] = [story("a", "Rain"), story("b", "Flood")];
    let page =
        Page { rows: Read(&["x"], vec![Row(A, first.clone())]), number: 1, total: Read(&["y"], 7) };
    let marked = Given::new()
        .with("story", &Row(A, first.clone()))
        .with("stories", &Read(&["x"], vec![Row(A, first), Row(B, second)]))
        .with("page", &Read(&["z"], page));
    let rendered = shown(&site.render_given(&marked).content);
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    // Tera's objects have no order.
    assert_eq!(sorted(&rendered), sorted(&site.render(&plain.to_string())));
}

#[test]
fn a_mark_that_is_lost_on_the_way_is_no_mark() {
    #[derive(Serialize)]
    struct Flat {
        #[serde(flatten)]
        row: Row,
        note: u8,
    }
    #[derive(Serialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Story(Row),
    }
    struct ThroughJson(Row);
    impl Serialize for ThroughJson {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            serde_json::to_value(&self.0).unwrap().serialize(to)
        }
    }
    let row = Row(A, story("a", "Rain"));
    let given = Given::new()
        .with("flat", &Flat { row: row.clone(), note: 1 })
        .with("tagged", &Tagged::Story(row.clone()))
        .with("json", &ThroughJson(row.clone()))
        .with("within", &Read(&["stories@all"], [ThroughJson(row.clone())]))
        .with("some", &Some(Box::new(row)));
    for (name, expected) in [
        ("flat", all()),
        ("tagged", all()),
        ("json", all()),
        ("within", all()),
        ("some", vec![A.to_owned()]),
    ] {
        let site = Site::of(&format!("{{% cache id='x' %}}{{{{ {name} }}}}{{% endcache %}}"));
        site.render_given(&given);
        assert_eq!(site.recorded("fragment:x"), expected, "{name}");
    }
}

#[test]
fn a_duplicate_name_or_key_does_not_get_the_mark_of_the_first() {
    struct Twice;
    impl Serialize for Twice {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = to.serialize_map(None)?;
            map.serialize_entry("a", &Read(&["first"], 1))?;
            map.serialize_entry("a", &2)?;
            map.end()
        }
    }
    let site = Site::of(
        "{% cache id='x' %}{{ v.a }}{% endcache %}{% cache id='y' %}{{ s.title }}{% endcache %}",
    );
    site.render_given(&Given::new().with("v", &Twice).with("s", &Row(A, story("a", "Rain"))));
    assert_eq!(
        (site.recorded("fragment:x"), site.recorded("fragment:y")),
        (all(), vec![A.to_owned()])
    );
    let twice = Given::new().with("s", &Row(A, story("a", "Rain"))).with("s", &story("b", "Flood"));
    let site = Site::of("{% cache id='x' %}{{ s.title }}{% endcache %}");
    assert_eq!(shown(&site.render_given(&twice.with("v", &1)).content), "Flood");
    assert_eq!(site.recorded("fragment:x"), all());
}

#[test]
fn without_recorded_reads_only_fully_marked_fragments_are_kept() {
    let site = Site::of(
        "{% cache id='known' %}{{ story.title }}{% endcache %}{% cache id='unknown' %}{{ heading }}{% endcache %}\
         {% cache id='around' %}{% cache id='within' %}{{ heading }}{% endcache %}{% endcache %}",
    );
    let values = usual().values(None);
    site.engine.render("page.html", &values, site.shelf.clone()).unwrap();
    assert_eq!(site.kept(), [("fragment:known".to_owned(), "Rain".to_owned())]);
}

#[test]
fn values_given_to_all_pages_need_no_group() {
    let folder = write(&[(
        "page.html",
        "{% cache id='x' %}{{ variant }}{{ site }}{{ story.title }}{% endcache %}",
    )]);
    let customise: Customise = Arc::new(|tera| tera.global_context().insert("site", "Gazette"));
    let options = EngineOptions { customise: vec![customise], ..EngineOptions::default() };
    let engine = Engine::load(folder.path(), &options).unwrap_or_else(|error| panic!("{error}"));
    let mut values = usual().values(Some(ALL));
    values.offer("variant", "de").unwrap();
    let shelf: Rc<Shelf> = Rc::default();
    engine.render("page.html", &values, shelf.clone()).unwrap();
    let fragments = shelf.fragments.borrow();
    let recorded = fragments["fragment:x"].fragment.recorded.iter().map(|group| group.to_string());
    assert_eq!(recorded.collect::<Vec<_>>(), [A]);
}

#[test]
fn a_function_sees_the_pages_variant_and_not_a_value_called_variant() {
    let folder = write(&[(
        "page.html",
        "{% cache id='x' %}{{ label() }}{% endcache %}{% cache row=story %}{{ label() }}{% endcache %}",
    )]);
    let label: crate::templates::SiteFunction =
        Arc::new(|_, page| Ok(tera::Value::from(page.variant())));
    let functions = vec![("label".to_owned(), label)];
    let options = EngineOptions { functions, ..EngineOptions::default() };
    let engine = Engine::load(folder.path(), &options).unwrap_or_else(|error| panic!("{error}"));
    let shelf: Rc<Shelf> = Rc::default();
    let show = |product: &str| {
        let values = usual().with("variant", &product).values(Some(ALL)).in_variant(Some("de"));
        shown(&engine.render("page.html", &values, shelf.clone()).unwrap().content)
    };
    assert_eq!([show("small"), show("large")], ["dede", "dede"]);
}

#[test]
fn a_fragment_of_more_rows_than_a_page_may_depend_on_has_the_groups_of_its_page() {
    let site = Site::of(
        "{% cache id='x' %}{% for s in stories %}{{ s.title }}{% endfor %}{% endcache %}\
         {% cache row=stories[0] %}{{ story.title }}{% endcache %}",
    );
    let row = |number: usize| Row(format!("stories/{number}").leak(), story("s", "S"));
    let rows: Vec<Row> = (0..1000).map(row).collect();
    let given = Given::new()
        .with("stories", &Read(&["stories*"], rows))
        .with("story", &row(0))
        .with("x", &1);
    let values = given.values(Some(&["stories*"]));
    let rendered = site.engine.render("page.html", &values, site.shelf.clone()).unwrap();
    assert_eq!(site.recorded("fragment:x"), ["stories*"]);
    assert_eq!(site.recorded("fragment:page.html:2/stories%2F0"), ["stories/0"]);
    assert_eq!(rendered.recorded, ["stories*", "stories/0"]);
}
