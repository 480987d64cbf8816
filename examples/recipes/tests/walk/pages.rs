//! The pages of the site.

use std::collections::BTreeSet;

use headwater_tests::Client;

use crate::cast;

/// A page with its kind and its address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Page {
    /// The path of its route, with `?page` appended for a page of a list after the first.
    pub kind: &'static str,
    /// Its address.
    pub target: String,
}

/// The pages that are read after each change.
///
/// They include missing recipes, with their 404, and the former last pages of a list that has become shorter.
pub struct Pages {
    known: BTreeSet<Page>,
}

impl Pages {
    /// Returns the lists only.
    #[cfg(feature = "by-hand")]
    pub fn lists() -> Pages {
        Pages { known: BTreeSet::new() }
    }

    /// Returns all kinds of pages.
    pub fn new() -> Pages {
        let mut known = BTreeSet::new();
        let mut add = |kind, target| known.insert(Page { kind, target });
        add("/recipes", "/recipes".to_owned());
        for address in cast::TITLES.map(cast::address) {
            add("/recipes/{slug}/edit", format!("{address}/edit"));
            add("/api/recipes/{slug}", format!("/api{address}"));
            add("/recipes/{slug}", address);
        }
        add("/recipes/{slug}", "/recipes/nothing".to_owned());
        Pages { known }
    }

    /// Returns all pages, with the new ones of lists that have grown.
    pub async fn all(&mut self, visitor: &Client) -> Vec<Page> {
        for target in ["/api/recipes", "/api/recipes?page=2"] {
            self.known.insert(Page { kind: target, target: target.to_owned() });
        }
        let mut lists = vec![("/", "/?page", "/".to_owned())];
        for tag in cast::TAGS.into_iter().chain(["none"]) {
            let target = format!("/tags/{}", cast::encoded(tag));
            lists.push(("/tags/{tag}", "/tags/{tag}?page", target));
        }
        for name in cast::NAMES.into_iter().chain(["Nobody"]) {
            let target = format!("/authors/{}", cast::encoded(name));
            lists.push(("/authors/{author}", "/authors/{author}?page", target));
        }
        for (kind, later, first) in lists {
            self.known.insert(Page { kind, target: first.clone() });
            for number in 2.. {
                let target = format!("{first}?page={number}");
                if visitor.page_with(&target, &[("x-fresh", "1")]).await.status != 200 {
                    break;
                }
                self.known.insert(Page { kind: later, target });
            }
        }
        self.known.iter().cloned().collect()
    }
}
