use headwater::prelude::*;

#[invalidate("^/blog/")]
async fn create() {}

struct Step;

#[controller("stories.show")]
#[before(Step)]
async fn show() {}

fn main() {}
