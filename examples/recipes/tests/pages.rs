//! The site over HTTP: addresses in any language, fresh copies. `src/tests.rs` tests its pages and forms.

use std::path::Path;
use std::sync::LazyLock;

use headwater_tests::{Client, Cluster, Response, Shared, Site};

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| {
    Shared::start(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = ["project.toml", "dispatch.conf", "templates", "locales", "docroot"];
        let site = Site::new(env!("CARGO_BIN_EXE_recipes"));
        Cluster::start(files.iter().fold(site, |site, name| site.copy(root, name)), 2)
    })
});

/// Returns the values of all attributes with this name.
fn attributes<'p>(page: &'p Response, name: &str) -> Vec<&'p str> {
    let begin = format!(" {name}=\"");
    page.text().split(&begin).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// Publishes a recipe and returns the address of its page.
async fn publish(visitor: &Client, title: &str) -> String {
    let fields = format!("title={title}&body=Stir.&author=Ada&tags=Test,+a+b");
    let answer = visitor.form("/recipes", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").to_owned()
}

#[tokio::test]
async fn a_recipe_is_on_every_list_once_its_form_is_answered() {
    let cluster = CLUSTER.borrow();
    let (writer, reader) = (cluster.visitor(0), cluster.visitor(1));
    let address = publish(&writer, "Salt+&+vinegar".replace('&', "%26").as_str()).await;
    assert_eq!(address, "/recipes/salt-vinegar");
    for target in ["/", "/tags/a-b", "/authors/Ada", &address, "/api/recipes"] {
        let page = reader.page(target).await;
        assert_eq!(page.status, 200, "{target}");
        let title = if target == "/api/recipes" { "Salt & vinegar" } else { "Salt &amp; vinegar" };
        assert!(page.text().contains(title), "{target}: {}", page.text());
    }
}

#[tokio::test]
async fn titles_names_and_tags_may_be_in_any_language() {
    let visitor = CLUSTER.borrow().visitor(0);
    // Crème <brûlée>, by Zoë & Co.? with tags süß and 100% c++
    let fields = "title=Cr%C3%A8me+%3Cbr%C3%BBl%C3%A9e%3E&body=%3Cscript%3E&author=Zo%C3%AB+%26+Co.%3F\
                  &tags=S%C3%BC%C3%9F,100%25+C%2B%2B";
    for address in ["/recipes/creme-brulee", "/recipes/creme-brulee-2"] {
        let answer = visitor.form("/recipes", fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, address), "{}", answer.text());
        let page = visitor.page(address).await;
        assert!(page.text().contains("Crème &lt;brûlée&gt;</h1>"), "{}", page.text());
        assert!(!page.text().contains("<script>"), "{}", page.text());
        let links = attributes(&page, "href").into_iter().map(|link| link.replace("&amp;", "&"));
        let is_list = |link: &String| link.starts_with("/tags/") || link.starts_with("/authors/");
        let lists: Vec<String> = links.filter(is_list).collect();
        assert_eq!(lists.len(), 3, "{lists:?}");
        for list in lists {
            let page = visitor.page(&list).await;
            assert!(attributes(&page, "href").contains(&address), "{list}: {}", page.text());
        }
    }
}

#[tokio::test]
async fn a_fresh_copy_is_made_anew_and_not_cached() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/recipes/overnight-white-bread";
    let page = visitor.page(target).await;
    let fresh = visitor.page_with(target, &[("x-fresh", "1")]).await;
    assert_eq!(fresh.cache_status(), "headwater; fwd=bypass");
    assert_eq!(page.text(), fresh.text());
    assert!(visitor.page(target).await.is_hit());
}
