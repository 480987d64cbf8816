//! Layers of the site around all requests of a front end.

use headwater::internals::config::Mode;
use headwater_tests::{Client, Site, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_extended-site");

fn site() -> Site {
    Site::new(PROGRAM)
        .project("[site]\ngreeting = \"Hello!\"\n")
        .dispatch("[[route]]\npath = \"/\"\ncontroller = \"greet\"\n")
}

#[tokio::test]
async fn every_request_passes_the_layers_from_the_last_to_the_first() {
    let launch = site().node(Mode::SingleNodeWithCache, "n1").variable("LAYERS", "2");
    let node = launch.start().await;
    node.ready().await;
    let client = Client::new(node.http()).keep_alive();
    let layers = |response: &headwater_tests::Response| {
        let values = response.headers.get_all("x-layer").iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let both = ["inner 127.0.0.1", "outer 127.0.0.1"].map(str::to_owned);
    let first = client.get("/").await.unwrap();
    assert_eq!((first.text(), first.is_hit(), &*layers(&first)), ("Hello! (1)", false, &both[..]));
    // A hit of the cache is no way around them.
    let second = client.get("/").await.unwrap();
    assert_eq!(
        (second.text(), second.is_hit(), &*layers(&second)),
        ("Hello! (1)", true, &both[..])
    );
    let missing = client.get("/missing").await.unwrap();
    assert_eq!((missing.status, &*layers(&missing)), (404, &both[..]));
    // The outer layer is passed first, and need not go on.
    let refused = client.get("/refused").await.unwrap();
    assert_eq!((refused.text(), &*layers(&refused)), ("refused by the layer", &both[1..]));
    let failing = client.get("/failing").await.unwrap();
    assert_eq!((failing.status, layers(&failing).len()), (500, 0));
    let said = async || node.messages().contain("the layer fails").then_some(());
    until("the failure is in the log", said).await;
}

#[tokio::test]
async fn a_site_without_layers_has_none() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    let response = Client::new(node.http()).get("/").await.unwrap();
    assert_eq!((response.status, response.header("x-layer")), (200, ""));
}
