use headwater::prelude::*;

struct Story;

#[controller("stories.create")]
async fn create(Json(_): Json<u32>, Form(_): Form<u32>) {}

#[controller("stories.update")]
async fn update(_: Story) {}

#[controller("stories.show")]
async fn show() -> Story {
    Story
}

fn main() {}
