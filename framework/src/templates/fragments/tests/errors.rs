use super::*;
use crate::templates::error::Place;

#[test]
fn an_error_in_a_fragment_fails_the_render_and_keeps_nothing() {
    let site = Site::of(
        "{% cache id='a' %}a{% endcache %}{% cache id='b' %}{% cache id='c' %}c{% endcache %}{{ 1 / zero }}\
         {% endcache %}",
    );
    site.error(r#"{"zero":0}"#);
    assert_eq!(site.kept(), []);
    // The stack is consistent again.
    assert_eq!(site.render(r#"{"zero":1}"#), "ac1.0");
    assert_eq!(site.kept().len(), 3);
}

#[test]
fn a_panic_in_a_fragment_leaves_nothing_behind() {
    let customise: Customise = Arc::new(|tera| {
        tera.register_function("boom", |arguments: Kwargs, _: &State<'_>| {
            assert!(arguments.get::<bool>("not").unwrap() == Some(true), "boom");
            "calm"
        });
    });
    let folder = write(&[(
        "a.html",
        "{% cache id='a', groups='g' %}{% cache id='b' %}b{% endcache %}{{ boom(not=x) }}{% endcache %}",
    )]);
    let options = EngineOptions { customise: vec![customise], ..EngineOptions::default() };
    let engine = Engine::load(folder.path(), &options).unwrap();
    let shelf = Rc::new(Shelf::default());
    let render = |x: bool| {
        let mut values = Values::new();
        values.set("x", &x).unwrap();
        engine.render("a.html", &values, shelf.clone())
    };
    for _ in 0..3 {
        render(false).unwrap_err();
        assert!(shelf.fragments.borrow().is_empty());
    }
    let page = render(true).unwrap();
    assert_eq!((shown(&page.content), page.groups), ("bcalm".to_owned(), vec!["g".to_owned()]));
}

#[test]
fn errors_of_the_tag_have_line_and_column() {
    for (page, expected) in [
        (
            "\n é{% cache %}{% endcache %}",
            "2:3: a fragment needs an id, as in `{% cache id=\"latest-news\" %}`, or a row, as in \
             `{% cache row=story %}`",
        ),
        (
            "{% cache id='b' %}{% endcache %}\n {% cache id='a' %}",
            "2:2: this `cache` is never closed; write `{% endcache %}` where the fragment ends",
        ),
        ("a\n{% endcache %}", "2:1: there is no `{% cache %}` before this `endcache`"),
        (
            "{% cache id='a', group='b' %}{% endcache %}",
            "1:18: `cache` takes no `group`; did you mean `groups`?",
        ),
        (
            "{% cache id='a',\n  ttl = 3 %}{% endcache %}",
            "2:3: `cache` takes no `ttl`; it takes `id`, `row`, `groups` and `type`",
        ),
        ("{% cache id='a', id='b' %}{% endcache %}", "1:18: `id` is there twice; leave one out"),
        (
            "{% cache id='a', type='forever' %}{% endcache %}",
            "1:23: `forever` is not a type of a fragment; write \"normal\", \"persistent\", \"timeout 20s\" or \"no_cache\"",
        ),
        (
            "{% cache id='a', type='timeout 20' %}{% endcache %}",
            "1:23: `20` is not a duration; write a number and a unit (ms, s, m, h, d), as in \"20s\"",
        ),
        (
            "{% cache 'a' %}{% endcache %}",
            "1:10: this is not an argument; write `id=…`, `row=…`, `groups=…` or `type=…`, with commas \
             between",
        ),
        (
            "{% cache id %}{% endcache %}",
            "1:10: this is not an argument; write `id=…`, `row=…`, `groups=…` or `type=…`, with commas \
             between",
        ),
        (
            "{% cache id== 3 %}{% endcache %}",
            "1:10: this is not an argument; write `id=…`, `row=…`, `groups=…` or `type=…`, with commas \
             between",
        ),
        ("{% cache id=, groups='a' %}{% endcache %}", "1:10: `id` has no value"),
        (
            "{% cache id='a %}{% endcache %}",
            "1:1: this `cache` does not end; close its strings, and write `%}`",
        ),
        (
            "{% cache id=1) or len(id=2 %}{% endcache %}",
            "1:14: this `)` closes no bracket of the tag",
        ),
        (
            "{% cache id='a' %}{% endcache a %}",
            "1:31: `endcache` takes nothing; write `{% endcache %}`",
        ),
        (
            "{% cache id='a' %}{% if x %}{% endcache %}{% endif %}",
            "1:29: the `if` of line 1 must be closed before this",
        ),
        (
            "{% filter upper %}{% cache id='a' %}{% endfilter %}{% endcache %}",
            "1:37: the `cache` of line 1 must be closed before this; write `{% endcache %}`",
        ),
        (
            "{% cache id='a' %}x{% endfilter %}{% filter upper %}{% endcache %}",
            "1:20: the `cache` of line 1 must be closed before this; write `{% endcache %}`",
        ),
        (
            "{% for a in b %}{% cache id=a %}\n{% if a %}{% break %}{% endif %}{% endcache %}{% endfor %}",
            "2:11: `break` cannot leave a fragment, because the body is not evaluated when the fragment is in the cache; put all of the loop into `{% cache %}`, or `{% cache %}` after this",
        ),
    ] {
        assert_eq!(problems_of(page)[0], format!("page.html:{expected}"), "{page}");
    }
}

#[test]
fn all_that_is_wrong_with_tags_is_reported_with_the_rest() {
    let found = problems(&[
        (
            "a.html",
            "{% cache %}{% endcache %}\n{% cache id=1, ids=2 %}{% endcache %}{% endcache %}",
        ),
        ("b.html", "{{ nothing() }}{% include 'a.html' %}"),
    ]);
    let begin = found.iter().map(|problem| &problem[..9]).collect::<Vec<_>>();
    assert_eq!(begin, ["a.html:1:", "a.html:2:", "a.html:2:", "b.html:1:"], "{found:#?}");
}

#[test]
fn a_loop_within_a_fragment_may_be_left() {
    let site = Site::of(
        "{% for n in [1, 2, 3] %}{% if n == 3 %}{% break %}{% endif %}{% cache id=n %}{% for m in [4, 5, 6] %}\
         {% if m == 5 %}{% continue %}{% endif %}{{ m }}{% else %}none{% endfor %}{% endcache %}{% endfor %}",
    );
    for _ in 0..2 {
        assert_eq!(site.render("{}"), "4646");
    }
}

#[test]
fn syntax_errors_are_where_the_author_made_them() {
    for (page, expected) in [
        (
            "{% cache id='é' %}{{ 1 + }}{% endcache %}",
            "1:26: Found `}}` but expected one of: integer, float, string, bool, ident, `-`, `not`, `<`, `{`, `[` or `(`",
        ),
        (
            "{% cache id=1 +, groups='a' %}{% endcache %}",
            "1:16: Found `,` but expected one of: integer, float, string, bool, ident, `-`, `not`, `<`, `{`, `[` or `(`",
        ),
        (
            "\n{% cache id=1 + %}{% endcache %}",
            "2:1: Found `%}` but expected one of: integer, float, string, bool, ident, `-`, `not`, `<`, `{`, `[` or `(`",
        ),
        ("{% cache id=1 groups=2 %}{% endcache %}", "1:15: Found identifier but expected ,."),
        ("{% cache id=1 %}{% endcache %} {% oh %}", "1:35: Unknown tag"),
        (
            "{% cache id=1 %}{% set x %}{% endcache %}{% endset %}",
            "1:28: this `endcache` comes while a tag after its `cache` is still open",
        ),
        (
            "{% cache id=1 %}{% set x %}{% endset %} {{ y }} {% else %}{% endcache %}",
            "1:52: Unknown tag",
        ),
    ] {
        assert_eq!(problems_of(page), [format!("page.html:{expected}")], "{page}");
    }
    let found = problems(&[
        ("a.html", "{% cache id=no() %}{{ x | shout }}\n{% endcache %}é{{ z() }}"),
        ("b.html", "{% extends 'a.html' %}\n {% cache id=1 %}{% endcache %}"),
        ("c.html", "{% cache id=1 %}{% <nope> %}{% </nope> %}{% endcache %}"),
    ]);
    assert_eq!(
        found,
        [
            "b.html:2:2: This content would be ignored: only `extends`, `block` and `component` are allowed at the top level of a child template.",
            "a.html:1:13: Unknown function `no`",
            "a.html:1:27: Unknown filter `shout`",
            "a.html:2:19: Unknown function `z`",
        ],
        "{found:#?}"
    );
}

#[test]
fn errors_of_a_render_are_where_the_author_made_them() {
    let place = |line, column| Some(Place { template: "page.html".into(), line, column });
    for (page, line, column, message) in [
        ("{% cache id='a' %}\n é{{ x.y }}{% endcache %}", 2, 6, "Variable `x` is not defined"),
        ("{% cache id='a' %}{% endcache %}é{{ x.y }}", 1, 37, "Variable `x` is not defined"),
        ("é {% cache id=x.y %}{% endcache %}", 1, 15, "Variable `x` is not defined"),
        (
            "é {% cache id=x %}{% endcache %}",
            1,
            3,
            "`id` of a fragment must be a string, a number, or an array of those, but it is `undefined`",
        ),
        (
            "{% cache id=['a', none] %}{% endcache %}",
            1,
            1,
            "`id` of a fragment must be a string, a number, or an array of those, but element 2 of its array is `none`",
        ),
        (
            "{% cache id=1, groups=['a', 'b', [1]] %}{% endcache %}",
            1,
            1,
            "`groups` of a fragment must be a string, or an array of strings, but element 3 of its array is `array`",
        ),
        ("{% cache id='' %}{% endcache %}", 1, 1, "the id of a fragment must not be empty"),
        (
            "\n{% if true %}{% cache id=1, groups=3 %}{% endcache %}{% endif %}",
            2,
            14,
            "`groups` of a fragment must be a string, or an array of strings, but it is",
        ),
        (
            "{% cache id=1, type='x' ~ 'y' %}{% endcache %}",
            1,
            1,
            "`xy` is not a type of a fragment",
        ),
        ("{% cache\n id=1,\n groups=[1 / zero] %}{% endcache %}", 3, 14, "divide by 0"),
        (
            "{% cache id=1 %}{% cache id=2 %}{% endcache %}{% endcache %}{% cache id=3 %}{{ throw(message='no') }}{% endcache %}",
            1,
            80,
            "no",
        ),
        (
            "{% set x %}{% cache id=1 %}{% endcache %}{% endset %}\n{% cache id=2 %}{{ x[:40] }}{% endcache %}",
            2,
            1,
            "was cut",
        ),
    ] {
        let site = Site::of(page);
        let error = site.try_render(r#"{"zero":0}"#).unwrap_err();
        assert_eq!(error.place, place(line, column), "{page}: {error}");
        assert!(error.message.contains(message), "{page}: {error}");
        let excerpt = error.excerpt.unwrap();
        assert!(!excerpt.contains("__headwater"), "{excerpt}");
        assert!(excerpt.contains(page.split('\n').nth(line - 1).unwrap()), "{excerpt}");
    }
}

#[test]
fn the_lines_in_an_error_are_those_of_the_source() {
    let site = Site::new(&[
        ("page.html", "\t{% cache id='a' %} {% include 'b.html' %}{% endcache %}"),
        ("b.html", "<p>\n {% cache id=['b'] %}{{<c n={3} />}}{% endcache %}"),
        ("c.html", "{% component c(n) %}é{% cache id=n.m %}{% endcache %}{% endcomponent c %}"),
    ]);
    let error = site.try_render("{}").unwrap_err();
    assert_eq!(
        error.excerpt.unwrap(),
        "error: `id` of a fragment must be a string, a number, or an array of those, but it is \
         `undefined`\n --> c.html:1:22\n  |\n\
         1 | {% component c(n) %}é{% cache id=n.m %}{% endcache %}{% endcomponent c %}\n  \
         |                      ^^^^^^^^^^^^^^^^^^\n\n\
         note: called from b.html:2:24\n  |\n2 |  {% cache id=['b'] %}{{<c n={3} />}}{% endcache %}\n  \
         |                        ^^^^^^^^^^^\n\n\
         note: called from page.html:1:32\n  |\n1 | \t{% cache id='a' %} {% include 'b.html' %}{% endcache %}\n  \
         | \t                              ^^^^^^^^"
    );
    let site = Site::of("a {% cache id=x %}b{% endcache %} c");
    let excerpt = site.try_render("{}").unwrap_err().excerpt.unwrap();
    assert!(
        excerpt.ends_with("\n1 | a {% cache id=x %}b{% endcache %} c\n  |   ^^^^^^^^^^^^^^^^"),
        "{excerpt}"
    );
}
