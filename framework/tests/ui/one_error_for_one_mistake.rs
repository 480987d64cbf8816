//! A mistake in a row or a form is reported once, and not at each use of it.

use headwater::prelude::*;

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(index(by_book = (bok, number)))]
struct Review {
    #[row(key)]
    number: u64,
    book: String,
    #[serde(skip)]
    stars: u8,
}

#[derive(Clone, Default, State)]
struct Library {
    reviews: Table<Review>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Update {
    Add(Draft),
}

#[derive(Debug, Clone, Serialize, Deserialize, Form)]
struct Draft {
    #[form(max_length = 120)]
    book: String,
}

impl Updates for Library {
    const NAME: &'static str = "library";
    type Update = Update;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, update: Update, at: &mut At) -> Result<(), Violation> {
        let Update::Add(Draft { book }) = update;
        self.reviews.insert(Review { number: at.position.0, book, stars: 0 })
    }
}

#[controller("reviews.list")]
async fn list(Path(book): Path<String>, library: Data<Library>) -> Reply {
    let reviews = library.reviews.of(Review::BY_BOOK, &book).newest(20);
    template!("reviews.html").with("reviews", reviews)
}

#[controller("reviews.add")]
async fn add(mut library: DataMut<Library>, form: Submitted<Draft>) -> Result<Reply> {
    let draft = form.valid(|form| template!("review.html").with("form", form))?;
    library.update(Update::Add(draft)).await??;
    Ok(redirect_to("/"))
}

fn main() {}
