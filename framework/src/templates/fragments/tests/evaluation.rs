use std::time::Duration;

use super::*;

#[test]
fn a_body_is_evaluated_once() {
    let site = Site::of("<{% cache id='a' %}{{ count() }}{{ x }}{% endcache %}>");
    assert_eq!(site.render(r#"{"x":"&"}"#), "<1&amp;>");
    assert_eq!(site.render(r#"{"x":"other"}"#), "<1&amp;>");
    assert_eq!(site.counted(), 1);
    assert_eq!(site.kept(), [("fragment:a".to_owned(), "1&amp;".to_owned())]);
}

#[test]
fn without_fragments_each_body_is_evaluated_and_groups_bubble() {
    let site = Site::of("{% cache id='a', groups='g' %}{{ count() }}{% endcache %}");
    for count in 1..4 {
        let values = Values::new();
        let rendered = site.engine.render("page.html", &values, Rc::new(NoFragments)).unwrap();
        assert_eq!(shown(&rendered.content), count.to_string());
        assert_eq!(
            (rendered.groups, rendered.contains),
            (vec!["g".into()], vec!["fragment:a".into()])
        );
    }
}

#[test]
fn ids_groups_and_types_are_expressions() {
    let site = Site::of(
        "{% for n in [1, 2] %}{% cache id=['card', n, s, \"/%\"], groups='a, card:' ~ n ~ ',,', \
         type='time' ~ 'out 20s' %}{{ n }}{% endcache %}{% endfor %}\
         {% cache groups=['x,y', s, 7], type=t, id=-1.5 %}z{% endcache %}\
         {% cache id='never' ~ 1, type='no_cache', groups='never', %}{{ count() }}{% endcache %}",
    );
    let json = r#"{"s":"é b","t":"persistent"}"#;
    assert_eq!(site.render(json), "12z1");
    assert_eq!(site.render(json), "12z2");
    let fragments = site.shelf.fragments.borrow();
    let kept =
        fragments.values().map(|fill| (&*fill.key.id, names(&fill.fragment.groups), fill.kind));
    let twenty = FragmentType::Timeout(Duration::from_secs(20));
    assert_eq!(
        kept.collect::<Vec<_>>(),
        [
            ("fragment:-1.5", vec!["x,y", "é b", "7"], FragmentType::Persistent),
            ("fragment:card/1/é b/%2F%25", vec!["a", "card:1"], twenty),
            ("fragment:card/2/é b/%2F%25", vec!["a", "card:2"], twenty),
        ]
    );
    drop(fragments);
    assert!(!site.shelf.asked.borrow().iter().any(|id| id.contains("never")));
    assert_eq!(site.rendered(json).groups, ["a", "card:1", "card:2", "x,y", "é b", "7", "never"]);
}

#[test]
fn different_ids_are_never_the_same() {
    let site = Site::of("{% cache id=id %}{% endcache %}");
    let ids = [r#""a\n5""#, r#""a\n 5""#, r#""a 5""#, r#"["a","5"]"#, r#"["a/5"]"#, r#"["a%2F5"]"#];
    for id in ids.iter().chain(&[r#"["a\n5"]"#, r#"["a%0A5"]"#, r#"["a",""]"#, r#""a""#]) {
        site.render(&format!(r#"{{"id":{id}}}"#));
    }
    assert_eq!(site.kept().len(), 10, "{:?}", site.kept());
    assert!(site.kept().iter().all(|(id, _)| !id.replace("\n ", "").contains('\n')));
}

#[test]
fn a_fragment_adds_its_groups_to_those_around_it_on_hits_and_misses() {
    let site = Site::new(&[
        (
            "page.html",
            "{% extends 'base.html' %}{% block body %}\
             {% cache id='list', groups='stories' %}\
             {% for s in stories %}{% include 'card.html' %}{% endfor %}\
             {% endcache %}{{ super() }}{% endblock %}",
        ),
        (
            "base.html",
            "{% cache id='top', groups='site' %}T{% endcache %}{% block body %}\
             {% cache id='foot', groups=['site', 'foot'] %}{{<badge n={1} />}}{% endcache %}{% endblock %}",
        ),
        (
            "card.html",
            "{% cache id=['card', s], groups=['story:' ~ s, 'cards'] %}{{<badge n={s} />}}{% endcache %}",
        ),
        (
            "badge.html",
            "{% component badge(n) %}{% cache id=['badge', n], groups='badge:' ~ n %}({{ n }}\
             {{ count() }}){% endcache %}{% endcomponent badge %}",
        ),
    ]);
    let check = |rendered: &Rendered| {
        assert_eq!(
            rendered.groups,
            ["site", "stories", "story:1", "cards", "badge:1", "story:2", "badge:2", "foot"]
        );
        assert_eq!(
            rendered.contains,
            [
                "fragment:top",
                "fragment:list",
                "fragment:card/1",
                "fragment:badge/1",
                "fragment:card/2",
                "fragment:badge/2",
                "fragment:foot",
            ]
        );
    };
    let json = r#"{"stories":[1,2]}"#;
    let first = site.rendered(json);
    assert_eq!(shown(&first.content), "T(11)(22)(13)");
    check(&first);
    let expected: [(&str, &[&str], &[&str]); 7] = [
        ("fragment:badge/1", &["badge:1"], &[]),
        ("fragment:badge/2", &["badge:2"], &[]),
        ("fragment:card/1", &["story:1", "cards", "badge:1"], &["fragment:badge/1"]),
        ("fragment:card/2", &["story:2", "cards", "badge:2"], &["fragment:badge/2"]),
        ("fragment:foot", &["site", "foot", "badge:1"], &["fragment:badge/1"]),
        (
            "fragment:list",
            &["stories", "story:1", "cards", "badge:1", "story:2", "badge:2"],
            &["fragment:card/1", "fragment:badge/1", "fragment:card/2", "fragment:badge/2"],
        ),
        ("fragment:top", &["site"], &[]),
    ];
    assert_eq!(site.kept().len(), expected.len());
    // A removed fragment is evaluated from the remaining ones, with the same result.
    for (missing, _, _) in expected {
        for (id, groups, contains) in expected {
            let fragment = site.fragment(id);
            assert_eq!(
                (names(&fragment.groups), names(&fragment.contains)),
                (groups.into(), contains.into())
            );
        }
        let without = |id: &String, fill: &mut FragmentFill| {
            id != missing && !fill.fragment.contains.iter().any(|id| **id == *missing)
        };
        site.shelf.fragments.borrow_mut().retain(without);
        let again = site.rendered(json);
        check(&again);
        assert_eq!(shown(&again.content).replace(|c: char| c.is_ascii_digit(), "").len(), 7);
    }
}

#[test]
fn a_fragment_sees_everything_in_scope() {
    let site = Site::new(&[
        (
            "page.html",
            "{% set a = 1 %}{% for k, v in m %}{% set b = 2 %}{% include 'inner.html' %}{% endfor %}\
             {{<c d={4} />}}",
        ),
        (
            "inner.html",
            "{% set e = 5 %}{% cache id=['i', k] %}{{ a }}{{ b }}{{ k }}{{ v }}{{ e }}{{ x }};{% endcache %}",
        ),
        (
            "c.html",
            "{% component c(d, f=6) %}{% cache id='c' %}{{ d }}{{ f }}{% endcache %}{% endcomponent c %}",
        ),
    ]);
    for _ in 0..2 {
        assert_eq!(site.render(r#"{"m":{"p":7,"q":8},"x":9}"#), "12p759;12q859;46");
    }
    let site = Site::of(
        "{% for n in ns %}{% cache id=n %}{{ loop.index }}/{{ loop.length }}{% if loop.last %}.{% endif %}\
         {% endcache %} {% endfor %}",
    );
    assert_eq!(site.render(r#"{"ns":["a","b"]}"#), "1/2 2/2. ");
    assert_eq!(site.render(r#"{"ns":["b","a"]}"#), "2/2. 1/2 ");
}

#[test]
fn an_assignment_in_a_fragment_takes_effect_on_a_miss_only() {
    let site = Site::of(
        "{% set x = 'before' %}{% cache id='a' %}{% set x = 'within' %}{{ x }} {% endcache %}{{ x }}",
    );
    assert_eq!(site.render("{}"), "within within");
    assert_eq!(site.render("{}"), "within before");
}

#[test]
fn white_space_is_trimmed_as_the_tags_request() {
    let site = Site::of(
        "a \n{%- cache id='a' -%}\n b \n{%- endcache -%}\n c {% cache id='d' %} d {% endcache %} e",
    );
    for _ in 0..2 {
        assert_eq!(site.render("{}"), "abc  d  e");
    }
    assert_eq!(site.kept()[0].1, "b");
}

#[test]
fn a_filter_around_a_fragment_does_not_change_the_stored_text() {
    let site = Site::of(
        "{% filter upper %}a{% cache id='x' %}b{{ v }}{{ part(url='/p', fallback='f') }}{% endcache %}c\
         {% endfilter %}",
    );
    for _ in 0..2 {
        assert_eq!(site.render(r#"{"v":"<ß"}"#), "AB&LT;SS[/p|f]C");
        assert_eq!(site.kept()[0].1, "b&lt;ß[/p|f]");
    }
}

#[test]
fn text_that_a_variable_carries_brings_its_groups() {
    let site = Site::of(
        "{% set x %}{% cache id='a', groups='ga' %}A{{ count() }}{% endcache %}{% endset %}\
         {% cache id='b', groups='gb' %}B{{ x }}{{ x | upper }}{% endcache %}\
         {% cache id='c', groups='gc' %}C{% endcache %}{{ x }}",
    );
    for _ in 0..2 {
        let rendered = site.rendered("{}");
        assert_eq!(shown(&rendered.content), "BA1A1CA1");
        assert_eq!(rendered.groups, ["ga", "gb", "gc"]);
        let b = site.fragment("fragment:b");
        assert_eq!((names(&b.groups), names(&b.contains)), (vec!["gb", "ga"], vec!["fragment:a"]));
        assert_eq!(names(&site.fragment("fragment:c").groups), ["gc"]);
        site.shelf.fragments.borrow_mut().remove("fragment:b");
    }
}

#[test]
fn a_fragment_whose_text_is_never_shown_still_adds_its_groups() {
    let site = Site::of(
        "{% cache id='out' %}{% set x %}{% cache id='a', groups='g' %}A{% endcache %}{% endset %}\
         {% if x %}yes{% endif %}{% endcache %}",
    );
    for _ in 0..2 {
        let rendered = site.rendered("{}");
        assert_eq!(
            (shown(&rendered.content), rendered.groups),
            ("yes".to_owned(), vec!["g".to_owned()])
        );
    }
    assert_eq!(names(&site.fragment("fragment:out").groups), ["g"]);
}

#[test]
fn fragments_work_in_captures_components_and_plain_text() {
    let site = Site::new(&[
        (
            "page.html",
            "{% <box> %}{% cache id='a' %}<{{ v }}>{% endcache %}{% </box> %}{{ <box /> | upper }}\
             {% set s %}{% cache id='b' %}{{ v }}{% endcache %}{% endset %}{{ s | escape_html }}",
        ),
        (
            "box.html",
            "{% component box() %}[{{ body | default(value='') }}{% cache id='c' %}c{% endcache %}]\
             {% endcomponent box %}",
        ),
    ]);
    for _ in 0..2 {
        assert_eq!(site.render(r#"{"v":"&"}"#), "[<&amp;>c][C]&amp;amp;amp;");
    }
    let plain = Site::new(&[(
        "page.txt",
        "{% cache id='a' %}{{ v }}{{ part(url='/p', fallback=v) }}{% endcache %}",
    )]);
    let values = Values::of(&serde_json::json!({"v": "<"})).unwrap();
    for _ in 0..2 {
        let rendered = plain.engine.render("page.txt", &values, plain.shelf.clone()).unwrap();
        assert_eq!(shown(&rendered.content), "<[/p|<]");
    }
}

#[test]
fn a_plain_text_is_never_put_into_html() {
    let fragment = "{% cache id='a' %}{{ v }}{% endcache %}";
    let site = Site::new(&[("page.txt", fragment), ("page.html", fragment)]);
    let values = Values::of(&serde_json::json!({"v": "<"})).unwrap();
    let plain = || site.engine.render("page.txt", &values, site.shelf.clone()).unwrap();
    assert_eq!(shown(&plain().content), "<");
    assert_eq!(site.render(r#"{"v":"<"}"#), "&lt;");
    assert_eq!(shown(&plain().content), "<");
}

#[test]
fn fragments_nest_as_deep_as_tags_may() {
    let nested = |depth: usize| {
        let open = (0..depth).map(|n| format!("{{% cache id={n}, groups='g{n}' %}}{n}"));
        open.chain((0..depth).map(|_| "{% endcache %}".to_owned())).collect::<String>()
    };
    let site = Site::new(&[
        ("page.html", &(nested(18) + "{% include 'b.html' %}")),
        ("b.html", &nested(19)),
    ]);
    for _ in 0..2 {
        let rendered = site.rendered("{}");
        assert_eq!(rendered.groups.len(), 19);
        assert!(shown(&rendered.content).starts_with("0123456789101112"));
    }
    let found = problems_of(&nested(20));
    assert!(found[0].contains("nesting is too deep"), "{found:?}");
}

#[test]
fn parts_are_pieces_of_the_page_and_of_fragments() {
    let site = Site::of(
        "a{{ part(url='/x?y=1', fallback='<' ~ v) }}{% cache id='f' %}b{{ part(url='/z', fallback=h | safe) }}c\
         {% endcache %}{% set p = part(url='/twice') %}{{ p }}{{ p }}",
    );
    for _ in 0..2 {
        let rendered = site.rendered(r#"{"v":"&","h":"<i>"}"#);
        assert_eq!(shown(&rendered.content), "a[/x?y=1|&lt;&amp;]b[/z|<i>]c[/twice|][/twice|]");
        assert_eq!(rendered.content.iter().count(), 7);
    }
    let fragment = site.fragment("fragment:f");
    assert_eq!(shown(&fragment.content), "b[/z|<i>]c");
    assert!(fragment.content.has_parts());
    for (page, wrong) in [
        ("{{ part(fallback='x') }}", "url"),
        ("{{ part(url=none) }}", "got `none`"),
        ("{{ part(url='/x', fall='x') }}", "no `fall`"),
        ("{{ part(url='/x', fallback=u) }}", "undefined"),
    ] {
        let error = Site::of(page).error("{}");
        assert!(error.contains("/page.html:1:") && error.contains(wrong), "{page}: {error}");
    }
}

#[test]
fn a_nested_render_is_independent() {
    let inner = Arc::new(std::sync::Mutex::new(None::<Engine>));
    let handle = Arc::clone(&inner);
    let customise: Customise = Arc::new(move |tera| {
        let handle = Arc::clone(&handle);
        tera.register_function("nested", move |_: Kwargs, _: &State<'_>| {
            let engine = handle.lock().unwrap().clone().unwrap();
            let rendered = engine.render("inner.html", &Values::new(), Rc::new(NoFragments));
            rendered.map(|page| shown(&page.content)).unwrap_or_else(|error| error.to_string())
        });
    });
    let folder = write(&[
        (
            "page.html",
            "{% cache id='a', groups='a' %}{{ nested() }}{{ v }}{% endcache %}{{ nested() }}",
        ),
        ("inner.html", "{% cache id='b', groups='b' %}b{{ 1 / z }}{% endcache %}"),
        ("fine.html", "{% cache id='b', groups='b' %}b{% endcache %}"),
    ]);
    let options = EngineOptions { customise: vec![customise], ..EngineOptions::default() };
    let engine = Engine::load(folder.path(), &options).unwrap();
    *inner.lock().unwrap() = Some(engine.clone());
    let values = Values::of(&serde_json::json!({"v": "V"})).unwrap();
    let rendered = engine.render("page.html", &values, Rc::new(NoFragments)).unwrap();
    let text = shown(&rendered.content);
    assert_eq!((rendered.groups, rendered.contains), (vec!["a".into()], vec!["fragment:a".into()]));
    assert!(text.contains("/inner.html:1:") && text.contains("V"), "{text}");
    *inner.lock().unwrap() = None;
}
