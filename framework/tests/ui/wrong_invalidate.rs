use headwater::prelude::*;

#[controller("stories.create")]
#[invalidate("^/blog/(")]
#[invalidate(groups = ["story:{}"])]
#[invalidate(group = "stories")]
#[invalidate()]
async fn create() {}

fn main() {
    let _ = controllers![create];
}
