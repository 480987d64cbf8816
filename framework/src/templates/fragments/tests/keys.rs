//! Keys of fragments whose values are marked with their rows.

use serde::{Serialize, Serializer};
use serde_json::json;

use super::rows::{A, ALL, B, Given, Read, Row, rows, story, usual};
use super::*;
use crate::packed;

#[test]
fn the_page_of_another_row_does_not_get_the_fragment_of_the_first() {
    let site = Site::of("{% cache id='x' %}{{ story.title }}{% endcache %}");
    let page = |row: &Row| Given::new().with("story", row);
    let show = |row: &Row| shown(&site.render_given(&page(row)).content);
    let (a, b) = (Row(A, story("a", "Rain")), Row(B, story("b", "Flood")));
    assert_eq!([show(&a), show(&b), show(&a)], ["Rain", "Flood", "Rain"]);
    // The same row has the same text, until its group is invalidated.
    assert_eq!(show(&Row(A, story("a", "Sun"))), "Rain");
}

#[test]
fn other_rows_or_another_order_or_another_count_is_another_fragment() {
    let site = Site::of(
        "{% cache id='x' %}{% for s in stories %}{{ s.title }}{% endfor %}{{ count }}{% endcache %}",
    );
    let show = |rows: Vec<Row>, count: usize| {
        let list = Read(&["stories@all"], rows);
        let given = Given::new().with("stories", &list).with("count", &Read(&["stories@"], count));
        shown(&site.render_given(&given).content)
    };
    let turned: Vec<Row> = rows().into_iter().rev().collect();
    assert_eq!(show(rows(), 7), "RainFlood7");
    assert_eq!(show(turned, 7), "FloodRain7");
    assert_eq!(show(rows()[..1].to_vec(), 7), "Rain7");
    assert_eq!(show(rows(), 8), "RainFlood8");
}

#[test]
fn a_fragment_of_a_row_is_found_on_every_page_that_shows_the_same() {
    let site = Site::new(&[
        ("page.html", "{% for s in stories %}{% include 'card.html' %}{% endfor %}"),
        (
            "card.html",
            "{% cache row=s %}{{ count() }}{{ s.title }}{{ size }}{{ loop is defined }}{% endcache %} ",
        ),
    ]);
    let page = |rows: Vec<Row>, size: &str| {
        let given = Given::new().with("stories", &Read(&["stories@all"], rows)).with("size", &size);
        shown(&site.render_given(&given).content)
    };
    assert_eq!(page(rows(), "big"), "1Rainbigfalse 2Floodbigfalse ");
    assert_eq!(page(rows()[1..].to_vec(), "big"), "2Floodbigfalse ");
    assert_eq!(page(rows()[1..].to_vec(), "small"), "3Floodsmallfalse ");
}

#[test]
fn the_key_of_a_row_fragment_includes_the_loop_and_the_blocks_of_its_page() {
    let site = Site::new(&[
        ("base.html", "{% block all %}{{ s.title }}{% block b %}{% endblock %}{% endblock %}"),
        (
            "list.html",
            "{% extends 'base.html' %}{% block all %}{% for s in stories %}\
                       {% cache row=s %}{{ super() }}{{ loop.index }}{% endcache %}{% endfor %}{% endblock %}",
        ),
        ("page.html", "{% extends 'list.html' %}{% block b %}!{% endblock %}"),
        ("other.html", "{% extends 'list.html' %}{% block b %}?{% endblock %}"),
    ]);
    let page = |name: &str, rows: Vec<Row>| {
        let values = Given::new().with("stories", &Read(&["stories@all"], rows)).values(Some(ALL));
        shown(&site.engine.render(name, &values, site.shelf.clone()).unwrap().content)
    };
    assert_eq!(page("page.html", rows()), "Rain!1Flood!2");
    assert_eq!(page("page.html", rows()[1..].to_vec()), "Flood!1");
    assert_eq!(page("other.html", rows()[1..].to_vec()), "Flood?1");
}

#[test]
fn a_value_that_is_not_a_row_is_reported_with_advice() {
    for (page, kind) in [
        ("{% cache row=heading %}{% endcache %}", "string"),
        ("{% cache row=stories %}{% endcache %}", "array"),
        ("{% cache row=mixed %}{% endcache %}", "map/struct"),
        ("{% cache row=absent %}{% endcache %}", "none"),
        ("{% cache row=unknown %}{% endcache %}", "undefined"),
    ] {
        let error = Site::of(page).error_given(&usual());
        assert!(
            error.contains(&format!("this is `{kind}` without a row; write `id=[…]`")),
            "{error}"
        );
    }
    let both = problems_of("{% cache id='a', row=story %}{% endcache %}");
    assert_eq!(both, ["page.html:1:1: with `row` a fragment has an id; leave `id` out"]);
}

#[test]
fn under_one_id_two_bodies_are_two_fragments() {
    let site = Site::of(
        "{% if story.title == 'Rain' %}{% cache id='x' %}wet{% endcache %}\
         {% else %}{% cache id='x' %}dry{% endcache %}{% endif %}",
    );
    let show = |title: &str| {
        let given = Given::new().with("story", &Row(A, story("a", title)));
        shown(&site.render_given(&given).content)
    };
    assert_eq!([show("Rain"), show("Sun"), show("Rain")], ["wet", "dry", "wet"]);
}

#[test]
fn a_value_called_loop_outside_of_loops_is_an_ordinary_value() {
    let component = "{% component video(film, loop=false) %}{% cache row=film %}{{ film.title }}\
                     {% if loop %} loop{% endif %}{% endcache %}{% endcomponent %}{{ <video film={story} loop={loop} /> }}";
    let include = "{% cache row=story %}{% for t in ['x'] %}{% include 'in.html' %}{% endfor %}{% endcache %}";
    for (page, value, expected) in [
        (component, [json!(true), json!(false)], ["Rain loop", "Rain"]),
        (
            "{% cache row=story %}{{ loop.title }}{% endcache %}",
            [json!({"title": "1"}), json!({"title": "2"})],
            ["1", "2"],
        ),
        (
            "{% cache row=story %}{% for t in ['x'] %}{{ loop }}{{ loop.index }}{% endfor %}{% endcache %}",
            [json!("a"), json!("b")],
            ["a1", "b1"],
        ),
        (include, [json!({"title": "1"}), json!({"title": "2"})], ["1", "2"]),
    ] {
        let site = Site::new(&[("page.html", page), ("in.html", "{{ loop.title }}")]);
        let show = |value: &serde_json::Value| {
            let given = Given::new().with("story", &Row(A, story("a", "Rain")));
            shown(&site.render_given(&given.with("loop", value)).content)
        };
        assert_eq!(value.each_ref().map(show), expected, "{page}");
    }
    let site = Site::of("{% cache id='x' %}{{ loop.title }}{% endcache %}");
    let show = |row: Row| shown(&site.render_given(&Given::new().with("loop", &row)).content);
    assert_eq!(show(Row(A, story("a", "Rain"))), "Rain");
    assert_eq!(show(Row(B, story("b", "Flood"))), "Flood");
}

#[test]
fn a_row_with_a_template_of_the_sites_code_in_it_is_made_anew_for_each_page() {
    let folder =
        write(&[("page.html", "{% cache row=story %}{% include 'added.html' %}{% endcache %}")]);
    let customise: Customise =
        Arc::new(|tera| tera.add_raw_template("added.html", "{{ theme }}").unwrap());
    let options = EngineOptions { customise: vec![customise], ..EngineOptions::default() };
    let engine = Engine::load(folder.path(), &options).unwrap_or_else(|error| panic!("{error}"));
    let shelf: Rc<Shelf> = Rc::default();
    let show = |theme: &str| {
        let given = Given::new().with("story", &Row(A, story("a", "Rain"))).with("theme", &theme);
        let rendered = engine.render("page.html", &given.values(Some(ALL)), shelf.clone());
        shown(&rendered.unwrap().content)
    };
    assert_eq!([show("dark"), show("light")], ["dark", "light"]);
}

#[test]
fn two_values_made_of_one_row_are_two_fragments() {
    struct Made(serde_json::Value);
    impl Serialize for Made {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            packed::marked_made(A, &self.0, to)
        }
    }
    let site = Site::of("{% cache row=card %}{{ card | json_encode | safe }}{% endcache %}");
    let show = |card| shown(&site.render_given(&Given::new().with("card", &Made(card))).content);
    for card in [json!({"a": {"b": 1}, "c": 2}), json!({"a": {"b": 1, "c": 2}})] {
        let shown: serde_json::Value = serde_json::from_str(&show(card.clone())).unwrap();
        assert_eq!(shown, card);
    }
}

#[test]
fn a_row_that_shows_a_text_with_a_fragment_in_it_is_not_kept() {
    let site = Site::of(
        "{% set x %}{% cache id='f' %}f{% endcache %}{{ part(url='/p') }}{% endset %}\
         {% cache row=story %}{{ x }}{{ story.title }}{% endcache %}",
    );
    for _ in 0..2 {
        assert_eq!(shown(&site.render_given(&usual()).content), "f[/p|]Rain");
    }
    assert_eq!(site.kept(), [("fragment:f".to_owned(), "f".to_owned())]);
}
