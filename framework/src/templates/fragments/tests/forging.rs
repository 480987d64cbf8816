use super::*;

#[test]
fn text_that_was_cut_fails_the_render_and_nothing_is_kept() {
    let fragment = "{% cache id='x' %}some text that is long enough{% endcache %}";
    for (page, changed) in [
        ("{% filter truncate(length=20) %}@{% endfilter %}", "cut within the first mark"),
        ("{% filter truncate(length=70) %}@{% endfilter %}", "cut at its end"),
        ("{% filter truncate(length=120) %}@{% endfilter %}", "cut within the last mark"),
        ("{% filter reverse %}@{% endfilter %}", "reversed"),
        ("{% set x %}@{% endset %}{{ x[20:] }}", "cut at the beginning"),
        ("{% set x %}@{% endset %}{{ x[8:40] }}", "cut at both ends"),
        ("{% set x %}@{% endset %}{{ x[70:] }}", "without a beginning"),
        ("{% set x %}@{% endset %}{% cache id='y' %}{{ x[:70] }}{% endcache %}", "in a fragment"),
        ("{% set x %}@{% endset %}{{ x }}{{ x[:70] }}", "the second time"),
        (
            "{% filter replace(from='1', to='2') | replace(from='3', to='4') | replace(from='5', to='6') %}\
          @@@@@@@@{% endfilter %}",
            "replaced digits",
        ),
    ] {
        let site = Site::of(&page.replace('@', fragment));
        let error = site.error("{}");
        assert!(error.contains("write the filter inside of `{% cache %}`"), "{changed}: {error}");
        assert_eq!(site.kept(), [], "{changed}");
        assert!(!error.contains("000000"), "{error}");
    }
}

#[test]
fn an_error_names_the_fragment_whose_text_was_cut() {
    let site = Site::of(
        "{% filter truncate(length=70) %}{% cache id=['a', 1] %}long enough text{% endcache %}{% endfilter %}",
    );
    assert!(site.error("{}").contains("`fragment:a/1`"), "{}", site.error("{}"));
}

#[test]
fn text_from_visitors_is_never_a_mark() {
    let site = Site::of(
        "{% cache id='a' %}{{ v }}{% endcache %}{{ v }}{% cache id='b' %}{{ v }}{% endcache %}",
    );
    let digits = "0123456789".repeat(100);
    for text in [digits.as_str(), "00000000000000000000", "{% cache id='x' %}", "__headwater_open"]
    {
        site.shelf.fragments.borrow_mut().clear();
        let json = serde_json::to_string(&serde_json::json!({ "v": text })).unwrap();
        let escaped = text.replace('\'', "&#39;");
        assert_eq!(site.render(&json), escaped.repeat(3));
        assert_eq!(site.render(&json), escaped.repeat(3));
    }
}

#[test]
fn a_mark_that_an_earlier_render_has_left_is_text() {
    let left = Arc::new(std::sync::Mutex::new(None::<tera::Value>));
    let handle = Arc::clone(&left);
    let customise: Customise = Arc::new(move |tera| {
        let handle = Arc::clone(&handle);
        tera.register_filter("once", move |text: tera::Value, _: Kwargs, _: &State<'_>| {
            handle.lock().unwrap().get_or_insert(text).clone()
        });
    });
    let folder = write(&[(
        "a.html",
        "{% cache id='z' %}{% endcache %}{% filter once %}{% cache id=id, groups=id %}x{% endcache %}{% endfilter %}",
    )]);
    let options = EngineOptions { customise: vec![customise], ..EngineOptions::default() };
    let engine = Engine::load(folder.path(), &options).unwrap();
    let render = |id: &str| {
        let mut values = Values::new();
        values.set("id", id).unwrap();
        engine.render("a.html", &values, Rc::new(NoFragments)).unwrap()
    };
    assert_eq!(shown(&render("one").content), "x");
    let second = render("two");
    // The marks in the text of the first render have no meaning in the second.
    assert_eq!(shown(&second.content).len(), 2 * 64 + 1);
    assert_eq!(second.groups, ["two"]);
}

#[test]
fn templates_cannot_use_the_functions_behind_the_tags() {
    for (page, error) in [
        ("{{ __headwater_found() }}", "no fragment was found"),
        ("{% filter __headwater_close %}x{% endfilter %}", "there is none"),
        (
            "{% cache id='a' %}{% filter __headwater_close %}x{% endfilter %}{% endcache %}",
            "there is none",
        ),
        ("{% if __headwater_open(groups='a') %}x{% endif %}", "place"),
    ] {
        let site = Site::of(page);
        assert!(site.error("{}").contains(error), "{page}: {}", site.error("{}"));
        assert_eq!(site.kept(), []);
    }
}

#[test]
fn a_site_cannot_replace_the_functions_behind_the_tags() {
    let customise: Customise = Arc::new(|tera| {
        tera.register_function("__headwater_open", |_: Kwargs, _: &State<'_>| true);
        tera.register_filter(
            "__headwater_close",
            |_: tera::Value, _: Kwargs, _: &State<'_>| "mine",
        );
    });
    let folder = write(&[("a.html", "{% cache id='a' %}x{% endcache %}")]);
    let options = EngineOptions { customise: vec![customise], ..EngineOptions::default() };
    let engine = Engine::load(folder.path(), &options).unwrap();
    let page = engine.render("a.html", &Values::new(), Rc::new(NoFragments)).unwrap();
    assert_eq!(shown(&page.content), "x");
}
