//! The names found in small templates, and a comparison with the variables that Tera reads.

use proptest::prelude::*;
use tera::{Context, Tera};

use super::*;
use crate::templates::folder::Source;

/// Returns the mentions of the fragments of a site, in the order of its templates.
fn places(files: &[(&str, &str)]) -> Vec<Mentions> {
    let source =
        |(name, text): &(&str, &str)| Source { name: (*name).into(), text: (*text).into() };
    let sources: Vec<Source> = files.iter().map(source).collect();
    let functions = ["label".to_owned()];
    let code = SiteCode { is_all: true, functions: &functions, globals: Context::new() };
    let places = Places::of(&sources, code);
    (0..).map_while(|number| places.get(number)).map(|place| place.mentions.clone()).collect()
}

/// Formats the names in the body of a fragment, each path with dots; `*` for anything, `<>` for blocks.
fn shown(mentions: &Mentions) -> String {
    let paths = mentions.paths.iter().map(|path| path.join("."));
    let flags = [(mentions.is_opaque, "*"), (mentions.has_blocks, "<>")];
    let flags = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| (*flag).to_owned());
    paths.chain(flags).collect::<Vec<_>>().join(" ")
}

fn named(body: &str) -> String {
    let page = format!("{{% cache id='a' %}}{body}{{% endcache %}}");
    shown(&places(&[("page.html", &page)])[0])
}

#[test]
fn variables_are_named_with_their_fields() {
    for (body, expected) in [
        ("text", ""),
        ("{{ story.title }}{{ story.author?.name | upper }}", "story.author.name story.title"),
        ("{{ 1 + 2.5 ~ 'a.b' ~ \"c\" ~ true ~ none }}{# x #}{% raw %}{{ y }}{% endraw %}", ""),
        (
            "{{ stories[0].title }}{{ a['b'].c }}{{ d[e.f] }}{{ g?[h] }}{{ i[j:k.l] }}",
            "a d e.f g h i j k.l stories",
        ),
        ("{{ f.a | replace(from=b.c, to='d') | default(value=e) }}", "b.c e f.a"),
        ("{{ url_for(name='story', slug=story.slug) }}{{ range(end=n) }}", "n story.slug"),
        (
            "{% if a and not b or c not in d %}{{ e if f is defined else g }}{% elif h is not divisible_by(divisor=i) %}{% endif %}",
            "a b c d e f g h i",
        ),
        ("{{ a < b }}{{ (c) < d }}{{ e <= f }}{{ -g }}{{ h == i }}", "a b c d e f g h i"),
        ("{{ [a, ...b] }}{{ {'k': c, \"l\": [d.e], 3: f, ...g} }}", "a b c d.e f g"),
        ("{% filter replace(from=a, to='') | upper %}{{ b }}{% endfilter %}", "a b"),
        ("{{ loop.index }}{{ __tera_context }}", "__tera_context loop.index"),
        ("{% cache id=[a, 'x'], groups=b.c %}{{ d }}{% endcache %}", "a b.c d"),
        ("{% cache row=story %}{% endcache %}", "story"),
    ] {
        assert_eq!(named(body), expected, "{body}");
    }
}

#[test]
fn names_that_are_certainly_bound_within_are_left_out() {
    for (body, expected) in [
        ("{% for s in xs %}{{ s.title }}{{ loop.index }}{% else %}{{ s }}{% endfor %}", "s xs"),
        ("{% for s in xs %}{{ s }}{% else %}{{ loop.first }}{% endfor %}", "loop.first xs"),
        ("{% for s in xs %}{{ loop }}{{ loop['index'] }}{{ loop.last }}{% endfor %}", "loop xs"),
        ("{% for k, v in m.all %}{{ k }}{{ v }}{% endfor %}{{ v }}", "m.all v"),
        ("{% set x = y.z %}{{ x }}", "y.z"),
        ("{{ x }}{% set x = y %}", "x y"),
        ("{% set x = x.y %}{{ x.z }}", "x.y"),
        ("{% if a %}{% set x = b %}{{ x }}{% endif %}{{ x.c }}", "a b x.c"),
        ("{% if a %}{% set x = b %}{% else %}{{ x }}{% endif %}", "a b x"),
        ("{% for s in xs %}{% set t = s %}{{ t }}{% endfor %}{{ t }}", "t xs"),
        ("{% cache id='i' %}{% set x = 1 %}{% endcache %}{{ x }}", "x"),
        ("{% set_global x = y %}{{ x }}", "x y"),
        ("{% set x | upper %}{{ a }}{% set y = 1 %}{{ y }}{% endset %}{{ x }}{{ y }}", "a y"),
        ("{{ [s.a for s in xs if s.b == t] }}{{ s }}", "s t xs"),
        ("{{ [[u.a ~ s for u in s.us] for k, s in xs | sort(attribute=k) if not k] }}", "k xs"),
        ("{{ [x for x in range(end=(a if b else x))] }}", "a b x"),
    ] {
        assert_eq!(named(body), expected, "{body}");
    }
}

#[test]
fn opaque_code_may_name_anything() {
    for (body, expected) in [
        ("{{ visitors() }}", "*"),
        ("{{ a | german(b=c) }}", "a c *"),
        ("{% if a is strange %}{% endif %}", "a *"),
        ("{% filter german %}x{% endfilter %}", "*"),
        ("{% set x | german %}x{% endset %}", "*"),
        ("{% include 'missing.html' %}", "*"),
    ] {
        assert_eq!(named(body), expected, "{body}");
    }
}

#[test]
fn includes_blocks_and_components_are_read_where_they_are_used() {
    let found = places(&[
        (
            "a.html",
            "{% cache id='a' %}{% for s in xs %}{% include 'card.html' %}{% endfor %}{% endcache %}",
        ),
        (
            "b.html",
            "{% extends 'base.html' %}{% block main %}{{ b }}{% endblock %}{% block foot %}\
                    {% cache id='b' %}{{ super() }}{% endcache %}{% endblock %}",
        ),
        (
            "base.html",
            "{% cache id='c' %}{{ t }}{% include 'main.html' %}{% endcache %}\
                       {% block foot %}{{ f }}{% endblock %}",
        ),
        ("card.html", "{{ s.title }}{{ heading }}{% include 'tag.html' %}"),
        (
            "d.html",
            "{% cache id='d' %}{{ <card story={d.story} title=\"x\" other size={1} {...rest} /> }}\
                    {% <frame> %}{{ e }}{% </frame> %}{% endcache %}",
        ),
        (
            "e.html",
            "{% component card(story, title, other, size, @lang, ...more) %}\
                    {% cache id='e' %}{{ story.title }}{% endcache %}{% endcomponent card %}\
                    {% component frame() %}{{ body }}{% endcomponent %}",
        ),
        ("main.html", "{% block main %}{{ m }}{% endblock %}"),
        ("tag.html", "{{ s.tag }}{{ tag }}"),
    ]);
    let found: Vec<String> = found.iter().map(shown).collect();
    assert_eq!(
        found,
        ["heading tag xs", "f <>", "b m t <>", "d.story e lang other rest", "story.title"]
    );
}

#[test]
fn an_opaque_component_makes_each_call_opaque() {
    let found = places(&[
        ("a.html", "{% cache id='a' %}{{ <card /> }}{% endcache %}"),
        ("b.html", "{% component card() %}{{ visitors() }}{% endcomponent %}"),
    ]);
    assert_eq!(shown(&found[0]), "*");
    let source = Source {
        name: "a".into(),
        text: "{% block b %}{% cache id='a' %}{{ super() }}{% endcache %}{% endblock %}".into(),
    };
    let code = SiteCode { is_all: false, functions: &[], globals: Context::new() };
    let places = Places::of(&[source], code);
    assert!(
        places.get(0).unwrap().mentions.is_opaque,
        "a template of the code may have such a block"
    );
}

#[test]
fn a_call_of_a_component_names_the_variables_of_all_components_it_reaches() {
    let found = places(&[
        ("a.html", "{% cache id='a' %}{{ <plain /> }}{% endcache %}"),
        ("b.html", "{% cache id='b' %}{% <outer> %}{% </outer> %}{% endcache %}"),
        ("c.html", "{% cache id='c' %}{{ <answers.one row={row} /> }}{% endcache %}"),
        (
            "d.html",
            "{% component plain() %}{% endcomponent %}\
             {% component outer() %}{{ <inner /> }}{% endcomponent %}\
             {% component inner(@form) %}{{ t(key='a') }}{{ form }}{% endcomponent %}\
             {% component answers.one(row) %}{% for row in row.answers %}{{ <answers.one row={row} /> }}{% endfor %}\
             {{ row.length | number }}{% endcomponent %}",
        ),
    ]);
    let shown: Vec<_> = found.iter().map(|it| (shown(it), it.request_uses())).collect();
    let said = |text: &str, uses| (text.to_owned(), uses);
    let (none, lang) = (RequestUses::NONE, RequestUses::LANG);
    assert_eq!(shown, [said("", none), said("form", lang), said("row", lang)]);
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-e]",
        "[a-e]\\.[f-h]",
        "[a-e]\\?\\.f\\.g",
        "[0-9]",
        "'[ab]'",
        Just("true".to_owned()),
        "[a-e]\\[[a-e]\\]",
        "\\[\\]",
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), "(~|==|<|and|or|in|not in|\\*)", inner.clone())
                .prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            inner.clone().prop_map(|a| format!("{a} | default(value={a})")),
            inner.clone().prop_map(|a| format!("({a}) is defined")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{'k': {a}, 'a': {b}}}")),
            ("[a-e]", inner.clone(), inner.clone(), inner)
                .prop_map(|(x, a, b, c)| format!("[{a} for {x} in ({b}) if ({c})]")),
        ]
    })
}

fn body() -> impl Strategy<Value = String> {
    let leaf = expression().prop_map(|expression| format!("{{{{ {expression} }}}}"));
    leaf.prop_recursive(4, 24, 4, |inner| {
        let inner = prop::collection::vec(inner, 0..4).prop_map(|bodies| bodies.concat());
        prop_oneof![
            (expression(), inner.clone(), inner.clone())
                .prop_map(|(e, a, b)| format!("{{% if {e} %}}{a}{{% else %}}{b}{{% endif %}}")),
            ("[a-e]", expression(), inner.clone(), inner.clone()).prop_map(|(x, e, a, b)| format!(
                "{{% for {x} in {e} %}}{a}{{% else %}}{b}{{% endfor %}}"
            )),
            ("[a-e]", expression(), inner.clone())
                .prop_map(|(x, e, a)| format!("{{% set {x} = {e} %}}{a}")),
            ("[a-e]", inner.clone(), inner.clone())
                .prop_map(|(x, a, b)| format!("{{% set {x} %}}{a}{{% endset %}}{b}")),
            inner.prop_map(|a| format!("{{% filter upper %}}{a}{{% endfilter %}}")),
        ]
    })
}

proptest! {
    /// Tera reports the variables that a template takes from outside, except those that are also set somewhere in it.
    #[test]
    fn all_variables_that_tera_reads_are_found(body in body()) {
        let mut tera = Tera::new();
        if tera.add_raw_template("t", &body).is_err() {
            return Ok(());
        }
        let page = format!("{{% cache id='a' %}}{body}{{% endcache %}}");
        let found = places(&[("page.html", &page)]);
        let names: BTreeSet<&str> = found[0].paths.iter().map(|path| &*path[0]).collect();
        for name in tera.get_template_variables("t").unwrap() {
            prop_assert!(names.contains(name), "{name} in {body}");
        }
        prop_assert!(!found[0].is_opaque);
    }
}

#[test]
fn a_function_that_sees_only_its_arguments_names_only_them() {
    let body = "{{ label(key='by', name=story.author) }}";
    let found = places(&[("a", &format!("{{% cache id='a' %}}{body}{{% endcache %}}"))]);
    assert_eq!(shown(&found[0]), "story.author");
    let found = places(&[("a", "{% cache id='a' %}{{ other(name=story.author) }}{% endcache %}")]);
    assert!(found[0].is_opaque);
}

#[test]
fn blocks_that_contain_each_other_are_named_in_any_order() {
    let found = places(&[
        ("a.html", "{% cache id='a' %}{% block a %}{% endblock %}{% endcache %}"),
        ("b.html", "{% block a %}{% block b %}{% endblock %}{% endblock %}"),
        ("c.html", "{% cache id='c' %}{% block b %}{% endblock %}{% endcache %}"),
        ("d.html", "{% extends 'c.html' %}{% block b %}{% block a %}{% endblock %}{% endblock %}"),
        ("e.html", "{% extends 'd.html' %}{% block a %}{{ heading }}{% endblock %}"),
    ]);
    assert!(found[1].names("heading") || found[1].is_opaque, "{}", shown(&found[1]));
}
