use headwater::prelude::*;

#[derive(Form)]
enum Kind {
    Soup,
}

#[derive(Form)]
#[form(action = "/stories")]
struct Unknown {
    title: String,
}

#[derive(Form)]
struct Story {
    #[form(max_length = 120)]
    title: String,
    #[form(required)]
    email: Option<String>,
    #[form(pattern = "(?=a)b")]
    code: String,
    #[form(type = "file")]
    cover: String,
}

#[derive(Form)]
struct Checked {
    title: String,
}

impl Checked {
    fn check(&self) -> bool {
        !self.title.is_empty()
    }
}

struct Day(u8);

#[controller("stories.create")]
async fn create(form: Submitted<Day>) -> Result<Reply> {
    form.valid(|_| "refused").map(|_| text(""))
}

fn main() {}
