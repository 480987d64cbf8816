//! The site as its readers meet it: pages, forms, JSON.

use std::path::Path;
use std::sync::LazyLock;

use headwater_tests::{Client, Cluster, Response, Shared, Site};

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| {
    Shared::start(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = ["project.toml", "dispatch.conf", "templates", "docroot"];
        let site = Site::new(env!("CARGO_BIN_EXE_recipes"));
        Cluster::start(files.iter().fold(site, |site, name| site.copy(root, name)), 2)
    })
});

/// The values of all attributes of this name.
fn attributes<'p>(page: &'p Response, name: &str) -> Vec<&'p str> {
    let begin = format!(" {name}=\"");
    page.text().split(&begin).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// Publishes a recipe; the address of its page.
async fn publish(visitor: &Client, title: &str) -> String {
    let fields = format!("title={title}&body=Stir.&author=Ada&tags=Test,+a+b");
    let answer = visitor.form("/recipes", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").to_owned()
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let visitor = CLUSTER.borrow().visitor(0);
    let mut seen = vec!["/".to_owned()];
    let mut next = 0;
    while let Some(target) = seen.get(next).cloned() {
        next += 1;
        let page = visitor.page(&target).await;
        // Other tests may delete what was linked.
        assert!(matches!(page.status, 200 | 404), "{target}: {}", page.text());
        if page.header("content-type").starts_with("text/html") {
            for link in attributes(&page, "href").into_iter().chain(attributes(&page, "src")) {
                let link = link.split('#').next().unwrap_or_default();
                if link.starts_with('/') && !seen.iter().any(|known| known == link) {
                    seen.push(link.to_owned());
                }
            }
        }
    }
    for target in ["/?page=2", "/tags/supper", "/authors/Ruth", "/recipes/plum-crumble", "/new"] {
        assert!(seen.iter().any(|known| known == target), "nothing links to {target}: {seen:?}");
    }
}

#[tokio::test]
async fn a_recipe_is_on_every_page_that_lists_it_when_the_answer_comes() {
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
    for address in
        ["/recipes/cr%C3%A8me-br%C3%BBl%C3%A9e", "/recipes/cr%C3%A8me-br%C3%BBl%C3%A9e-2"]
    {
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
async fn what_lacks_something_comes_back_with_what_was_entered() {
    let visitor = CLUSTER.borrow().visitor(0);
    let answer = visitor.form("/recipes", "title=Toast&author=%3Cb%3E").await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("value=\"Toast\""), "{}", answer.text());
    assert!(answer.text().contains("A recipe wants a text."));
    assert!(answer.text().contains("&lt;b&gt;") && !answer.text().contains("<b>"));
    for (step, fields) in [("comments", "author=Ada"), ("favourite", ""), ("edit", "title=Toast")] {
        let answer = visitor.form(&format!("/recipes/plum-crumble/{step}"), fields).await;
        assert_eq!(answer.status, 422, "{step}");
        assert!(answer.text().contains("role=\"alert\""), "{step}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_recipe_is_commented_on_kept_edited_and_deleted() {
    let visitor = CLUSTER.borrow().visitor(0);
    let address = publish(&visitor, "Short+life").await;
    for (step, fields) in [
        ("comments", "author=Bo&body=Fine."),
        ("favourite", "author=Bo"),
        ("favourite", "author=Bo"),
        ("edit", "title=Long+life&body=-+salt%0A-+water%0A%0AStir.&author=Ada&tags="),
    ] {
        let answer = visitor.form(&format!("{address}/{step}"), fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, address.as_str()), "{step}");
    }
    let page = visitor.page(&address).await;
    for text in ["Long life</h1>", "Kept by 1", "1 comment<", "<li>salt</li>"] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    let recipe = visitor.page(&format!("/api{address}")).await.json();
    assert_eq!(recipe["tags"], serde_json::json!([]));
    assert_eq!(recipe["favourites"], serde_json::json!(["Bo"]));
    assert_eq!(recipe["comments"][0]["body"], "Fine.");

    let answer = visitor.form(&format!("{address}/delete"), "").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
    for target in [address.clone(), format!("{address}/edit"), format!("/api{address}")] {
        assert_eq!(visitor.page(&target).await.status, 404, "{target}");
    }
    assert_eq!(visitor.form(&format!("{address}/favourite"), "author=Bo").await.status, 404);
}

#[tokio::test]
async fn a_fresh_copy_is_made_anew_and_not_kept() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/recipes/overnight-white-bread";
    let page = visitor.page(target).await;
    let fresh = visitor.page_with(target, &[("x-fresh", "1")]).await;
    assert_eq!(fresh.cache_status(), "headwater; fwd=bypass");
    assert_eq!(page.text(), fresh.text());
    assert!(visitor.page(target).await.is_hit());
}
