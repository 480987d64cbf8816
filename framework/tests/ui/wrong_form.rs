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
    #[form(min = 5, max = 3)]
    stars: Option<u8>,
    #[form(type = "date", min = "2026-03-02", max = "2026-03-01")]
    day: String,
    #[form(max = -1)]
    pages: u16,
    #[form(type = "week", step = 0.5)]
    week: String,
    #[form(step = 2)]
    author: String,
    #[form(type = "time", min = "21:00", max = "06:00", step = 900)]
    night: String,
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
