//! Pages in several languages, in complete sites in this process: the language for a visitor, and the keys of pages.

use headwater::app::SiteService;
use headwater::prelude::*;

/// A site in this process.
struct Site {
    service: SiteService,
    folder: tempfile::TempDir,
}

type Answer = http::Response<String>;

const CATALOGUES: [(&str, &str); 3] = [
    (
        "locales/en/site.ftl",
        "hello = Hello, { $name }\ncount = { $n ->\n    [one] one story\n   *[other] { $n } stories\n }\n",
    ),
    ("locales/de/site.ftl", "hello = Guten Tag, { $name }\n"),
    ("locales/pt-BR/site.ftl", "hello = Olá, { $name }\n"),
];

impl Site {
    async fn open(app: App, config: &str, files: &[(&str, &str)]) -> Site {
        Site::try_open(app, config, files).await.unwrap_or_else(|problems| panic!("{problems}"))
    }

    async fn try_open(
        app: App,
        config: &str,
        files: &[(&str, &str)],
    ) -> Result<Site, headwater::Problems> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("project.toml", &format!("languages = [\"en\", \"de\", \"pt-BR\"]\n{config}"));
        CATALOGUES.iter().chain(files).for_each(|(name, text)| write(name, text));
        let service = app.into_service(folder.path()).await?;
        Ok(Site { service, folder })
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = http::Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.service.answer(request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect(1 << 20).await.unwrap();
        http::Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn post(&self, path: &str, language: &str, form: &'static str) -> Answer {
        let request = http::Request::post(path)
            .header("accept-language", language)
            .header("content-type", "application/x-www-form-urlencoded");
        let response = self.service.answer(request.body(Body::from(form)).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect(1 << 20).await.unwrap();
        http::Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Returns the text of a page for a browser that prefers `language`, and whether it was cached.
    async fn seen(&self, path: &str, language: &str) -> (String, bool) {
        let answer = self.get(path, &[("accept-language", language)]).await;
        assert_eq!(answer.status(), 200, "{path}: {}", answer.body());
        let is_hit = header(&answer, "cache-status").contains("; hit");
        (answer.into_body(), is_hit)
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn hit(text: &str) -> (String, bool) {
    (text.to_owned(), true)
}

fn miss(text: &str) -> (String, bool) {
    (text.to_owned(), false)
}

const TEMPLATE: &str = "[[route]]\npath = \"/\"\ntemplate = \"page.html\"\n";

#[tokio::test]
async fn a_page_with_texts_is_cached_once_in_each_language() {
    let page =
        "<p lang=\"{{ lang }}\" dir=\"{{ dir }}\">{{ t(key=\"hello\", name=\"<Ana>\") }}</p>";
    let files = [("dispatch.conf", TEMPLATE), ("templates/page.html", page)];
    let site = Site::open(App::new(), "", &files).await;
    let english = "<p lang=\"en\" dir=\"ltr\">Hello, &lt;Ana&gt;</p>";
    let german = "<p lang=\"de\" dir=\"ltr\">Guten Tag, &lt;Ana&gt;</p>";
    assert_eq!(site.seen("/", "en").await, miss(english));
    assert_eq!(site.seen("/", "de-CH, en;q=0.5").await, miss(german));
    assert_eq!(site.seen("/", "de").await, hit(german));
    assert_eq!(site.seen("/", "it").await, hit(english));
    let answer = site.get("/", &[]).await;
    assert_eq!(header(&answer, "vary"), "accept-language");
    assert_eq!(site.service.audit().await.checked, 2);
}

#[tokio::test]
async fn a_language_cookie_takes_precedence_over_the_browser() {
    let files = [("dispatch.conf", TEMPLATE), ("templates/page.html", "{{ lang }}")];
    let site = Site::open(App::new(), "language_cookie = \"chosen\"", &files).await;
    let lang = async |cookie: &str| {
        let headers = [("accept-language", "de"), ("cookie", cookie)];
        let answer = site.get("/", &headers).await;
        assert_eq!(header(&answer, "vary"), "accept-language, cookie");
        answer.into_body()
    };
    assert_eq!(lang("chosen=pt-BR").await, "pt-BR");
    assert_eq!(lang("chosen=PT-br").await, "pt-BR");
    assert_eq!(lang("chosen=it").await, "de");
    assert_eq!(lang("a=b").await, "de");
    let audit = site.service.audit().await;
    assert_eq!((audit.checked, audit.skipped, audit.findings.len()), (2, 0, 0));
}

#[tokio::test]
async fn a_path_has_one_of_the_sites_languages() {
    let routes = "[[route]]\npath = \"/{lang}/hello\"\ntemplate = \"page.html\"\n";
    let page = "{{ t(key=\"hello\", name=\"Ana\") }}{% for page in alternates() %} {{ page.lang }}={{ page.path }}\
                {% if page.current %}!{% endif %}{% endfor %} {{ path }}";
    let files = [("dispatch.conf", routes), ("templates/page.html", page)];
    let site = Site::open(App::new(), "", &files).await;
    let text = "Guten Tag, Ana en=/en/hello de=/de/hello! pt-BR=/pt-BR/hello /de/hello";
    assert_eq!(site.seen("/de/hello", "pt").await, miss(text));
    assert_eq!(site.seen("/de/hello", "en").await, hit(text));
    assert_eq!(header(&site.get("/de/hello", &[]).await, "vary"), "");
    for none in ["/it/hello", "/DE/hello", "/pt-br/hello"] {
        assert_eq!(site.get(none, &[]).await.status(), 404, "{none}");
    }
    assert_eq!(site.seen("/pt-BR/hello", "en").await.0.split(' ').next(), Some("Olá,"));
}

#[tokio::test]
async fn properties_of_the_request_that_a_page_does_not_show_are_not_in_its_key() {
    let routes: String = ["plain", "lang", "scheme", "block", "included", "called"]
        .map(|name| format!("[[route]]\npath = \"/{name}\"\ntemplate = \"{name}.html\"\n"))
        .concat();
    let base = "{% block content %}{% endblock %}";
    let files = [
        ("dispatch.conf", routes.as_str()),
        ("templates/base.html", base),
        (
            "templates/plain.html",
            "{% extends \"base.html\" %}{% block content %}plain{% endblock %}",
        ),
        (
            "templates/lang.html",
            "{% extends \"base.html\" %}{% block content %}{{ lang }}{% endblock %}",
        ),
        (
            "templates/scheme.html",
            "{% extends \"base.html\" %}{% block content %}{{ scheme }}{% endblock %}",
        ),
        ("templates/block.html", "{% extends \"lang.html\" %}"),
        ("templates/included.html", "{% include \"lang.html\" %}"),
        ("templates/called.html", "{{ <word n={1} /> }}"),
        (
            "templates/components.html",
            "{% component word(n: integer) %}{{ t(key=\"count\", n=n) }}{% endcomponent %}",
        ),
    ];
    let site = Site::open(App::new(), "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n", &files).await;
    for (path, english, german) in [
        ("/lang", "en", "de"),
        ("/block", "en", "de"),
        ("/included", "en", "de"),
        ("/called", "one story", "one story"),
    ] {
        assert_eq!(site.seen(path, "en").await, miss(english), "{path}");
        assert_eq!(site.seen(path, "de").await, miss(german), "{path}");
        assert_eq!(header(&site.get(path, &[]).await, "vary"), "accept-language", "{path}");
    }
    assert_eq!(site.seen("/plain", "en").await, miss("plain"));
    assert_eq!(site.seen("/plain", "de").await, hit("plain"));
    assert_eq!(header(&site.get("/plain", &[]).await, "vary"), "");
    let encrypted = [("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(site.seen("/scheme", "en").await, miss("http"));
    assert_eq!(site.seen("/scheme", "de").await, hit("http"));
    let answer = site.get("/scheme", &encrypted).await;
    assert_eq!((answer.body().as_str(), header(&answer, "vary")), ("https", ""));
    assert!(header(&site.get("/plain", &encrypted).await, "cache-status").contains("; hit"));
    let audit = site.service.audit().await;
    assert_eq!((audit.checked, audit.skipped, audit.findings.len()), (11, 0, 0));
}

#[tokio::test]
async fn a_fragment_is_shared_by_the_pages_of_all_languages_unless_it_shows_one() {
    let page = "{{ lang }}: {% cache id='a' %}{{ count() }}{% endcache %} \
                {% cache id='b' %}{{ t(key='hello', name='x') }} {{ count() }}{% endcache %} \
                {% cache id='c' %}{{ path }} {{ count() }}{% endcache %}";
    let routes = "[[route]]\npath = \"/{name}\"\ntemplate = \"page.html\"\n\
                  [[route]]\npath = \"/own/{name}\"\ntemplate = \"page.html\"\ncache = \"no_cache\"\n";
    let counter = std::sync::atomic::AtomicU64::new(0);
    let app = App::new().function("count", move |_, _| {
        Ok(counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1)
    });
    let files = [("dispatch.conf", routes), ("templates/page.html", page)];
    let site = Site::open(app, "", &files).await;
    assert_eq!(site.seen("/x", "en").await.0, "en: 1 Hello, x 2 /x 3");
    assert_eq!(site.seen("/x", "de").await.0, "de: 1 Guten Tag, x 4 /x 3");
    assert_eq!(site.seen("/y", "de").await.0, "de: 1 Guten Tag, x 4 /y 5");
    assert_eq!(site.seen("/own/x", "en").await.0, "en: 1 Hello, x 2 /own/x 6");
    assert_eq!(site.seen("/own/x", "de").await.0, "de: 1 Guten Tag, x 4 /own/x 6");
}

#[controller("greet")]
async fn greet(Lang(lang): Lang, scheme: Scheme) -> String {
    format!("{lang} {}", scheme.as_str())
}

#[controller("notice")]
async fn notice() -> Reply {
    template!("notice.html").with("notice", t!("count", n = 2))
}

fn undeclared() -> Reply {
    template("notice.html").with("notice", Message::new("hello").with("name", "Ana"))
}

#[controller("hidden")]
async fn hidden() -> Reply {
    undeclared()
}

#[tokio::test]
async fn properties_that_a_controller_takes_or_its_template_shows_are_in_the_key() {
    let routes: String = ["greet", "notice", "hidden"]
        .map(|name| format!("[[route]]\npath = \"/{name}\"\ncontroller = \"{name}\"\n"))
        .concat()
        + "[[route]]\npath = \"/own\"\ncontroller = \"hidden\"\ncache = \"no_cache\"\n";
    let files =
        [("dispatch.conf", routes.as_str()), ("templates/notice.html", "{{ t(message=notice) }}")];
    let app = App::new().controllers(controllers![greet, notice, hidden]);
    let site = Site::open(app, "", &files).await;
    assert_eq!(site.seen("/greet", "en").await, miss("en http"));
    assert_eq!(site.seen("/greet", "de").await, miss("de http"));
    assert_eq!(site.seen("/greet", "de").await, hit("de http"));
    assert_eq!(site.seen("/notice", "en").await, miss("2 stories"));
    assert_eq!(site.seen("/notice", "de").await, miss("2 stories"));
    assert_eq!(site.seen("/own", "de").await.0, "Guten Tag, Ana");
}

#[tokio::test]
async fn a_page_whose_template_only_the_reply_names_is_cached_in_each_language() {
    let routes = "[[route]]\npath = \"/hidden\"\ncontroller = \"hidden\"\n\
                  [[route]]\npath = \"/around\"\ntemplate = \"around.html\"\n";
    let files = [
        ("dispatch.conf", routes),
        ("templates/notice.html", "{{ t(message=notice) }} {{ scheme }}"),
        ("templates/around.html", "<p>{{ part(url='/hidden') }}</p>"),
    ];
    let site = Site::open(App::new().controllers(controllers![hidden]), "", &files).await;
    // The template's needs are first discovered for a part and for another client at the same time.
    let (german, english) = ("Guten Tag, Ana http", "Hello, Ana http");
    let both = tokio::join!(site.seen("/around", "de"), site.seen("/hidden", "en"));
    assert_eq!((both.0.0, both.1.0), (format!("<p>{german}</p>"), english.to_owned()));
    for (language, text) in [("de", german), ("en", english), ("pt", "Olá, Ana http")] {
        assert_eq!(site.seen("/hidden", language).await, (text.to_owned(), language != "pt"));
        let answer = site.get("/hidden", &[("accept-language", language)]).await;
        assert_eq!((header(&answer, "vary"), answer.body().as_str()), ("accept-language", text));
    }
    let audit = site.service.audit().await;
    assert_eq!((audit.checked, audit.skipped, audit.findings.len()), (4, 0, 0));
}

#[tokio::test]
async fn texts_missing_in_all_catalogues_are_problems_of_the_template() {
    let page = "\n{{ t(key=\"helo\", name=1) }}\n{{ t(key=\"hello\") }}";
    let files = [("dispatch.conf", TEMPLATE), ("templates/page.html", page)];
    let problems = Site::try_open(App::new(), "", &files).await.err().unwrap().to_string();
    for expected in [
        "templates/page.html:2:4: no catalogue has the text `helo`; did you mean `hello`?",
        "templates/page.html:3:4: the text `hello` shows `$name`, which is missing here",
    ] {
        assert!(problems.contains(expected), "{expected} in {problems}");
    }
}

#[tokio::test]
async fn catalogues_are_reloaded_with_the_sites_files() {
    let page = "{{ t(key=\"hello\", name=\"Ana\") }}";
    let files = [("dispatch.conf", TEMPLATE), ("templates/page.html", page)];
    let site = Site::open(App::new(), "", &files).await;
    assert_eq!(site.seen("/", "de").await, miss("Guten Tag, Ana"));
    let catalogue = site.folder.path().join("locales/de/site.ftl");
    std::fs::write(&catalogue, "hello = Moin, { $name }\n").unwrap();
    site.service.reload().await.unwrap();
    assert_eq!(site.seen("/", "de").await, miss("Moin, Ana"));
    std::fs::write(&catalogue, "hello = Moin, { $name\n").unwrap();
    assert!(site.service.reload().await.unwrap_err().to_string().contains("site.ftl:"));
    assert_eq!(site.seen("/", "de").await, hit("Moin, Ana"));
}

#[tokio::test]
async fn error_pages_are_in_the_visitors_language() {
    let routes = "[[route]]\npath = \"/{lang}/page\"\ntemplate = \"fails.html\"\n\
                  [[error]]\nstatus = 404\ntemplate = \"404.html\"\n\
                  [[error]]\nstatus = 500\ntemplate = \"404.html\"\n";
    let files = [
        ("dispatch.conf", routes),
        ("templates/404.html", "{{ lang }} {{ t(key=\"hello\", name=status) }} {{ path }}"),
        ("templates/fails.html", "{{ lang }}{{ 1 / 0 }}"),
    ];
    let site = Site::open(App::new(), "", &files).await;
    let answer = site.get("/nowhere", &[("accept-language", "de")]).await;
    assert_eq!(answer.body(), "de Guten Tag, 404 /nowhere");
    let answer = site.get("/pt-BR/page", &[("accept-language", "de")]).await;
    assert_eq!(answer.body(), "pt-BR Olá, 500 /pt-BR/page");
}

#[derive(Form)]
struct Joining {
    #[form(required, minlength = 3, label = "your-name")]
    name: String,
    #[form(pattern = "[0-9]+", title = "digits")]
    code: String,
}

impl Joining {
    fn check(&self, errors: &mut Errors) {
        errors.add("name", t!("hello", name = self.name.as_str()));
        errors.add("code", "What a code: 7.");
    }
}

#[controller("join.show")]
async fn show_join() -> Reply {
    template!("join.html").with("form", Joining::empty_form())
}

#[controller("join.take")]
async fn take_join(form: Submitted<Joining>) -> Result<Reply> {
    form.valid(|form| template!("join.html").with("form", form))?;
    Ok(text("taken"))
}

#[tokio::test]
async fn a_form_shows_its_errors_in_the_visitors_language() {
    let routes = "[[route]]\npath = \"/join\"\ncontroller = \"join.show\"\nquery = []\n\
                  [[route]]\npath = \"/join\"\nmethods = [\"POST\"]\ncontroller = \"join.take\"\n\
                  [[route]]\npath = \"/boxed\"\ntemplate = \"boxed.html\"\n";
    let boxes = "{% component boxed(text: string) %}[{{ text }}]{% endcomponent %}";
    let form = "{{ <errors /> }}{{ <field name=\"name\" /> }}{{ <field name=\"code\" /> }}{{ <submit /> }}";
    let files = [
        ("dispatch.conf", routes),
        ("templates/components.html", headwater::form::COMPONENTS),
        ("templates/boxes.html", boxes),
        ("templates/boxed.html", "{{ <boxed text=\"a\" /> }}"),
        ("templates/join.html", form),
        ("locales/en/form.ftl", "your-name = Your name\n"),
        ("locales/de/form.ftl", "your-name = Ihr Name\n"),
        ("locales/pt-BR/form.ftl", "form-too-short = Mais de { $min }, e não { $length }.\n"),
    ];
    let app = App::new().controllers(controllers![show_join, take_join]);
    let site = Site::open(app, "", &files).await;
    let refused = async |language: &str, form: &'static str, sentences: &[&str]| {
        let answer = site.post("/join", language, form).await;
        assert_eq!(answer.status(), 422, "{language}");
        for sentence in sentences {
            assert!(answer.body().contains(sentence), "{sentence} in {}", answer.body());
        }
    };
    let wrong = "name=Bo&code=x";
    refused(
        "en",
        wrong,
        &[
            "Please have another look:",
            ">Your name</a>: Please use 3 characters at least; there are 2.<",
            "This does not have the required format: digits.",
            ">Send<",
        ],
    )
    .await;
    refused(
        "de-CH",
        wrong,
        &[
            "Bitte sehen Sie noch einmal hin:",
            ">Ihr Name</a>: Bitte mindestens 3 Zeichen; es sind 2.<",
            "<label for=\"name\">Ihr Name</label>",
            "Das hat nicht die verlangte Form: digits.",
            ">Absenden<",
        ],
    )
    .await;
    refused("pt", wrong, &["Mais de 3, e não 2.<"]).await;
    refused("de", "name=Ana", &[">Guten Tag, Ana<", ">What a code: 7.<"]).await;

    // The empty form is cached once in each language, and the template that calls another component once in total.
    for (path, is_in_each) in [("/join", true), ("/boxed", false)] {
        assert!(!site.seen(path, "en").await.1);
        assert_eq!(site.seen(path, "de").await.1, !is_in_each, "{path}");
        let vary = if is_in_each { "accept-language" } else { "" };
        assert_eq!(header(&site.get(path, &[]).await, "vary"), vary, "{path}");
    }
    assert!(site.seen("/join", "de").await.0.contains(">Ihr Name<"));
    let audit = site.service.audit().await;
    assert_eq!((audit.checked, audit.skipped, audit.findings.len()), (3, 0, 0));
}

#[controller("filed")]
async fn filed() -> Reply {
    template!("filed.html").with("path", "/var/files")
}

#[tokio::test]
async fn a_fragment_with_the_addresses_of_its_page_is_not_shared_even_if_a_value_is_called_path() {
    let routes = "[[route]]\npath = \"/{lang}/{name}\"\ncontroller = \"filed\"\n";
    let page = "{{ path }}: {% cache id='a' %}{% for page in alternates() %}{{ page.path }} {% endfor %}{% endcache %}";
    let files = [("dispatch.conf", routes), ("templates/filed.html", page)];
    let site = Site::open(App::new().controllers(controllers![filed]), "", &files).await;
    for name in ["x", "y"] {
        let expected = format!("/var/files: /en/{name} /de/{name} /pt-BR/{name} ");
        assert_eq!(site.seen(&format!("/de/{name}"), "en").await, miss(&expected));
    }
}

#[controller("missing")]
async fn missing() -> Result<Reply> {
    Err(not_found())
}

#[tokio::test]
async fn error_pages_may_show_all_properties_of_their_request() {
    let routes = "[[route]]\npath = \"/{lang}/page\"\ntemplate = \"page.html\"\n\
                  [[route]]\npath = \"/missing\"\ncontroller = \"missing\"\n\
                  [[route]]\npath = \"/{lang}/missing\"\ncontroller = \"missing\"\n\
                  [[route]]\npath = \"/own\"\ncontroller = \"missing\"\ncache = \"no_cache\"\n\
                  [[error]]\nstatus = 404\ntemplate = \"error.html\"\n\
                  [[error]]\nstatus = 400\ntemplate = \"error.html\"\n\
                  [[error]]\nstatus = 405\ntemplate = \"error.html\"\n";
    let files = [
        ("dispatch.conf", routes),
        ("templates/page.html", "page"),
        ("templates/error.html", "{{ status }} {{ lang }} {{ dir }} {{ scheme }} {{ path }}"),
    ];
    let site = Site::open(App::new().controllers(controllers![missing]), "", &files).await;
    for (target, expected) in [
        ("/nowhere", "404 de ltr http /nowhere"),
        ("/it/page", "404 de ltr http /it/page"),
        ("/%zz", "400 de ltr http /%zz"),
        ("/missing?b=1", "404 de ltr http /missing"),
        ("/pt-BR/missing", "404 pt-BR ltr http /pt-BR/missing"),
        ("/own", "404 de ltr http /own"),
    ] {
        let answer = site.get(target, &[("accept-language", "de")]).await;
        assert_eq!(answer.body(), expected, "{target}");
    }
}

#[tokio::test]
async fn a_page_that_only_other_caches_store_varies_by_the_headers_of_its_language() {
    let routes = "[[route]]\npath = \"/\"\ncontroller = \"hidden\"\ncache = \"no_cache\"\ncdn = \"max-age=60\"\n";
    let files = [("dispatch.conf", routes), ("templates/notice.html", "{{ t(message=notice) }}")];
    let site = Site::open(App::new().controllers(controllers![hidden]), "", &files).await;
    let answer = site.get("/", &[("accept-language", "de")]).await;
    assert_eq!(answer.body(), "Guten Tag, Ana");
    assert_eq!(
        (header(&answer, "cdn-cache-control"), header(&answer, "vary")),
        ("max-age=60", "accept-language")
    );
}

#[tokio::test]
async fn a_cached_error_page_has_the_properties_that_it_shows_in_its_key() {
    let routes = "[[route]]\npath = \"/missing\"\ncontroller = \"missing\"\ncache_statuses = [404]\n\
                  [[error]]\nstatus = 404\ntemplate = \"404.html\"\n";
    let files = [
        ("dispatch.conf", routes),
        ("templates/404.html", "{{ lang }} {{ t(key=\"hello\", name=scheme) }} {{ path }}"),
    ];
    let config = "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let site = Site::open(App::new().controllers(controllers![missing]), config, &files).await;
    let encrypted = [("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.1")];
    for is_hit in [false, true] {
        for (language, scheme, expected) in [
            ("en", &[][..], "en Hello, http /missing"),
            ("de", &[], "de Guten Tag, http /missing"),
            ("de", &encrypted, "de Guten Tag, https /missing"),
        ] {
            let headers = [&[("accept-language", language)], scheme].concat();
            let answer = site.get("/missing", &headers).await;
            assert_eq!((answer.status().as_u16(), answer.body().as_str()), (404, expected));
            assert_eq!(header(&answer, "cache-status").contains("; hit"), is_hit, "{expected}");
            assert_eq!(header(&answer, "vary"), "accept, accept-language");
        }
    }
    let audit = site.service.audit().await;
    assert_eq!((audit.checked, audit.skipped, audit.findings.len()), (3, 0, 0));
}

#[tokio::test]
async fn a_page_under_a_key_of_the_variant_function_is_cached_once_for_each_path_that_it_shows() {
    let routes: String = ["shows", "hides"]
        .map(|name| format!("[[route]]\npath = \"/{name}/{{name}}\"\ntemplate = \"{name}.html\"\n"))
        .concat();
    let files = [
        ("dispatch.conf", routes.as_str()),
        ("templates/shows.html", "{{ path }} {{ lang }}"),
        ("templates/hides.html", "hidden"),
    ];
    let app = App::new().variant(|visitor| {
        let (first, _) = visitor.uri().path()[1..].split_once('/').unwrap_or_default();
        Variant::key(format!("/{first}"))
    });
    let site = Site::open(app, "", &files).await;
    assert_eq!(site.seen("/shows/x", "en").await, miss("/shows/x en"));
    assert_eq!(site.seen("/shows/y", "en").await, miss("/shows/y en"));
    assert_eq!(site.seen("/shows/y", "de").await, miss("/shows/y de"));
    assert_eq!(site.seen("/shows/y", "de").await, hit("/shows/y de"));
    assert_eq!(site.seen("/hides/x", "en").await, miss("hidden"));
    assert_eq!(site.seen("/hides/y", "de").await, hit("hidden"));
}

#[controller("addressed")]
async fn addressed() -> Reply {
    let name = "shows.html";
    template(name)
}

#[tokio::test]
async fn a_path_shown_by_a_template_that_only_the_reply_names_is_in_the_key() {
    let routes = "[[route]]\npath = \"/{name}\"\ncontroller = \"addressed\"\n";
    let files = [("dispatch.conf", routes), ("templates/shows.html", "{{ path }}")];
    let app = || App::new().controllers(controllers![addressed]);
    let by_path = Site::open(app(), "", &files).await;
    assert_eq!(by_path.seen("/x", "en").await, miss("/x"));
    let by_key = Site::open(app().variant(|_| Variant::key("/all")), "", &files).await;
    for path in ["/x", "/y"] {
        assert_eq!(by_key.seen(path, "en").await, miss(path));
        assert_eq!(by_key.seen(path, "en").await, hit(path));
    }
}

#[tokio::test]
async fn a_page_depends_on_the_headers_that_determine_the_language_of_its_parts() {
    let routes = "[[route]]\npath = \"/\"\ntemplate = \"page.html\"\nbrowser = \"max-age=60\"\n\
                  [[route]]\npath = \"/part\"\ntemplate = \"part.html\"\nbrowser = \"max-age=60\"\n";
    let files = [
        ("dispatch.conf", routes),
        ("templates/page.html", "<p>{{ part(url=\"/part\") }}</p>"),
        ("templates/part.html", "{{ lang }}"),
    ];
    let site = Site::open(App::new(), "language_cookie = \"chosen\"", &files).await;
    for (language, is_hit) in [("en", false), ("de", true), ("de", true)] {
        let answer = site.get("/", &[("accept-language", language)]).await;
        assert_eq!(answer.body(), &format!("<p>{language}</p>"));
        let vary = header(&answer, "vary");
        assert!(vary.contains("accept-language, cookie"), "{vary}");
        assert_eq!(header(&answer, "cache-status").contains("; hit"), is_hit);
    }
}

#[tokio::test]
async fn a_site_with_one_language_does_not_negotiate() {
    let page = "{{ lang }} {{ t(key=\"hello\", name=\"Ana\") }}";
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("project.toml", "languages = [\"de\"]\nlanguage_cookie = \"chosen\"\n"),
        ("dispatch.conf", TEMPLATE),
        ("templates/page.html", page),
        ("locales/de/site.ftl", "hello = Guten Tag, { $name }\n"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let service = App::new().into_service(folder.path()).await.unwrap();
    let site = Site { service, folder };
    assert_eq!(site.seen("/", "en").await, miss("de Guten Tag, Ana"));
    assert_eq!(site.seen("/", "fr").await, hit("de Guten Tag, Ana"));
    assert_eq!(header(&site.get("/", &[]).await, "vary"), "");
}

#[controller("kept.elsewhere")]
async fn kept_elsewhere() -> Reply {
    error(StatusCode::NOT_FOUND).header("cache-control", "max-age=60")
}

#[tokio::test]
async fn an_error_that_other_caches_store_varies_by_the_headers_that_selected_it() {
    let routes = "[[route]]\npath = \"/missing\"\ncontroller = \"missing\"\n\
                  [[route]]\npath = \"/kept\"\ncontroller = \"kept.elsewhere\"\n";
    let app = App::new().controllers(controllers![missing, kept_elsewhere]);
    let site = Site::open(app, "", &[("dispatch.conf", routes)]).await;
    for accept in ["text/html", "application/json"] {
        let answer = site.get("/kept", &[("accept", accept)]).await;
        let vary = header(&answer, "vary");
        assert_eq!((answer.status().as_u16(), vary), (404, "accept, accept-language"));
        assert_eq!(header(&site.get("/missing", &[("accept", accept)]).await, "vary"), "");
    }
}
