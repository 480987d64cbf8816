//! The pages of the model.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Bound;
use std::sync::{Arc, LazyLock};

use super::{Comment, Kind, Kitchen, KitchenView, Recipe};
use crate::paging::Cursor;
use crate::state::field::Reading;
use crate::state::{AfterReply, Recorder, Selection, State};

/// One of the pages, as a function of what it reads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Page {
    Recipe(u8),
    Newest(usize),
    Author(char, usize),
    Tag(u8),
    /// A page that may not exist, of the rows with an index and a value, of a whole index, of a range, or of
    /// the keys.
    Existing(usize),
    Empty,
    Tags,
    Kind(Option<Kind>),
    Range(i16, i16),
    AllOf(i16, i16),
    Between(i16, i16),
    /// Of a unique index.
    Once(char),
    /// Ranges of texts and in composite indexes.
    Texts(usize),
    /// A page of a cursor: the list, and the number of its rows before the cursor.
    Cursor(usize, usize),
    Contains(u8),
    ByTag,
    Count,
    Keys,
    Everything,
    Motto,
}

impl Page {
    pub(super) fn all() -> Vec<Page> {
        let mut pages =
            vec![Page::Tags, Page::ByTag, Page::Count, Page::Keys, Page::Everything, Page::Motto];
        pages.push(Page::Empty);
        pages.extend((0..12).map(Page::Existing));
        pages.extend((0..6).map(Page::Recipe));
        pages.extend([1, 3].map(Page::Newest));
        pages.extend(
            ['a', 'b'].into_iter().flat_map(|author| [1, 2].map(|page| Page::Author(author, page))),
        );
        pages.extend((0..3).map(Page::Tag));
        pages.extend([None, Some(Kind::Soup), Some(Kind::Cake)].map(Page::Kind));
        pages.extend([(-5, 0), (0, 5), (3, 3), (4, 1)].map(|(from, to)| Page::Range(from, to)));
        pages.extend([(-5, 0), (0, 5), (3, 3), (4, 1)].map(|(from, to)| Page::AllOf(from, to)));
        pages.extend([(-4, 4), (0, 1)].map(|(from, to)| Page::Between(from, to)));
        pages.extend(['a', 'b'].map(Page::Once));
        pages.extend((0..4).map(Page::Texts));
        pages
            .extend((0..LISTS).flat_map(|list| [0, 1, 3].map(|behind| Page::Cursor(list, behind))));
        pages.extend((0..3).map(Page::Contains));
        pages
    }

    fn content(self, kitchen: &KitchenView) -> String {
        let mut text = String::new();
        match self {
            Page::Recipe(slug) => {
                let _ = write!(text, "{:?}", kitchen.recipes.get(slug));
                for comment in kitchen.comments.of(Comment::BY_RECIPE, slug).iter() {
                    let _ = write!(text, " {comment:?}");
                }
            }
            Page::Newest(count) => {
                for recipe in kitchen.recipes.ordered(Recipe::CREATED).newest(count) {
                    let comments = kitchen.comments.of(Comment::BY_RECIPE, recipe.slug).count();
                    let _ = write!(text, "{recipe:?} {comments}");
                }
            }
            Page::Author(author, number) => {
                let author = author.to_string();
                let page =
                    kitchen.recipes.of(Recipe::BY_AUTHOR, &author).reversed().page(number, 2);
                let _ = write!(text, "{:?} {} {}", &*page, page.pages, page.total);
            }
            Page::Tag(tag) => {
                let tagged = kitchen.recipes.of(Recipe::BY_TAG, tag);
                let _ = write!(text, "{:?} {}", tagged.first(), tagged.is_empty());
            }
            Page::Existing(number) => {
                let recipes = &kitchen.recipes;
                let selection = match number % 4 {
                    0 => recipes.of(Recipe::BY_TAG, 1),
                    1 => recipes.ordered(Recipe::BY_TAG),
                    2 => recipes.range(Recipe::CREATED, 0..),
                    _ => recipes.by_key(),
                };
                let page = selection.existing_page(number / 4 + 1, 2);
                let _ = write!(text, "{:?}", page.map(|page| (page.total, page.rows)));
            }
            Page::Empty => {
                let comments = (0..6).map(|slug| kitchen.comments.of(Comment::BY_RECIPE, slug));
                let _ = write!(text, "{:?}", comments.map(|it| it.is_empty()).collect::<Vec<_>>());
            }
            Page::Tags => {
                let _ = write!(text, "{:?}", kitchen.recipes.values(Recipe::BY_TAG));
            }
            Page::Kind(kind) => {
                let _ = write!(text, "{:?}", &*kitchen.recipes.of(Recipe::KIND, kind).all());
            }
            Page::Range(from, to) => {
                let recipes = kitchen.recipes.range(Recipe::CREATED, from..=to);
                let slugs: Vec<u8> = recipes.iter().map(|recipe| recipe.slug).collect();
                let _ = write!(text, "{slugs:?} {}", recipes.count());
            }
            Page::AllOf(from, to) => {
                let recipes = kitchen.recipes.range(Recipe::CREATED, from..to);
                let _ = write!(text, "{:?}", &*recipes.all());
            }
            Page::Between(from, to) => {
                let bounds = (Bound::Excluded(from), Bound::Excluded(to));
                let recipes = kitchen.recipes.range(Recipe::CREATED, bounds);
                let _ = write!(text, "{:?} {}", &*recipes.newest(2), recipes.is_empty());
            }
            Page::Once(author) => {
                let titles = kitchen.recipes.of(Recipe::ONCE, author.to_string());
                let titles: Vec<u8> = titles.iter().map(|recipe| recipe.title).collect();
                let _ = write!(text, "{titles:?}");
            }
            Page::Texts(number) => {
                let recipes = &kitchen.recipes;
                let found = match number {
                    0 => recipes.range(Recipe::AUTHOR, "aa".to_owned()..),
                    1 => recipes.range(Recipe::AUTHOR, .."b".to_owned()),
                    2 => recipes.range(Recipe::BY_AUTHOR, "a".to_owned()..="a".to_owned()),
                    _ => recipes.range(Recipe::BY_TAG, 1..).reversed(),
                };
                let _ = write!(text, "{:?} {}", &*found.take(3), found.is_empty());
            }
            Page::Cursor(list, behind) => {
                let cursor = match behind {
                    0 => Cursor::default(),
                    behind => Cursor::behind(PLACES[list][behind].clone()),
                };
                let page = cursor.page(&list_of(kitchen, list), 2);
                let _ = write!(text, "{:?}", page.ok().map(|page| (page.rows, page.next)));
            }
            Page::Contains(slug) => {
                let _ = write!(text, "{}", kitchen.recipes.contains(slug));
            }
            Page::ByTag => {
                let by_tag = kitchen.recipes.ordered(Recipe::BY_TAG);
                let _ = write!(text, "{:?} {}", &*by_tag.newest(2), by_tag.count());
            }
            Page::Count => {
                let _ = write!(text, "{} {}", kitchen.recipes.count(), kitchen.comments.count());
            }
            Page::Keys => {
                let _ = write!(text, "{:?}", &*kitchen.recipes.by_key().newest(2));
            }
            Page::Everything => {
                let _ = write!(text, "{:?}", &*kitchen.recipes.all());
            }
            Page::Motto => {
                let _ = write!(text, "{}", *kitchen.motto);
            }
        }
        text
    }

    /// Its content now, and the groups that it is in.
    pub(super) fn made(self, kitchen: &Kitchen, limit: usize) -> (String, BTreeSet<String>) {
        let recorder = Arc::new(Recorder::new(limit, AfterReply::Refused));
        let names: Vec<_> = Kitchen::FIELDS.iter().map(|(name, _)| *name).collect();
        let view = kitchen.view(&Reading { recorder: Some(&recorder), names: &names });
        let content = self.content(&view);
        (content, recorder.close().groups.into_iter().collect())
    }
}

/// How many lists have cursors.
const LISTS: usize = 6;

fn list_of(kitchen: &KitchenView, list: usize) -> Selection<Recipe> {
    let recipes = &kitchen.recipes;
    match list {
        0 => recipes.ordered(Recipe::CREATED),
        1 => recipes.ordered(Recipe::CREATED).reversed(),
        2 => recipes.of(Recipe::BY_AUTHOR, "a"),
        3 => recipes.of(Recipe::BY_TAG, 1).reversed(),
        4 => recipes.range(Recipe::CREATED, -2..3),
        _ => recipes.by_key(),
    }
}

/// The places behind so many rows of each list, in a table whose rows are as those of the test may be.
static PLACES: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| {
    let mut kitchen = Kitchen::default();
    for slug in 0..4 {
        let (title, author, created) = (slug % 4, "a".to_owned(), i16::from(slug) - 2);
        let (tags, kind, body) = (vec![1], None, 0);
        let recipe = Recipe { slug, title, author, tags, kind, created, body };
        kitchen.recipes.insert(recipe).unwrap();
    }
    let kitchen = kitchen.view(&Reading { recorder: None, names: &["", "", ""] });
    let places = |list| {
        let place = |rows| list_of(&kitchen, list).behind(None, rows).1.unwrap_or_default();
        (0..4).map(place).collect()
    };
    (0..LISTS).map(places).collect()
});
