use headwater::prelude::*;

#[controller("stories.create")]
#[invalidate("^/blog/(")]
#[invalidate(groups = ["story:{}"])]
#[invalidate(group = "stories")]
#[invalidate()]
#[invalidate("^/größe$")]
async fn create() {}

fn main() {
    let _ = controllers![create];
}
