use headwater::prelude::*;

#[controller("stories.show")]
fn show() -> &'static str {
    "not async"
}

#[controller]
async fn nameless() {}

fn main() {
    let _ = controllers![show, nameless];
}
