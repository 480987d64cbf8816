use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fmt::Write;
use std::sync::LazyLock;

use scraper::Selector;

use super::address::resolve;
use super::label::selector;
use super::{Page, TestVisitor};

/// The maximum number of addresses that are opened: a site may generate new links on every page without end.
const MAX_ADDRESSES: usize = 10_000;

/// Elements that link to something, and the attribute with the address.
static LEADING: LazyLock<[(Selector, &str); 3]> = LazyLock::new(|| {
    [
        (
            selector(
                "a[href], area[href], link[href]:not([rel~=preconnect]):not([rel~=dns-prefetch])",
            ),
            "href",
        ),
        (
            selector("img[src], script[src], iframe[src], source[src], audio[src], video[src]"),
            "src",
        ),
        (selector("form[action]:not([method=post i]):not([method=dialog i])"), "action"),
    ]
});

/// Opens every address that can be reached from `/`, in each language, and returns the addresses.
///
/// # Errors
/// Lists each broken link with the pages that contain it.
pub(super) fn check(
    visitor: impl Fn() -> TestVisitor,
    languages: &[String],
) -> Result<Vec<String>, String> {
    let (mut all, mut broken) = (BTreeSet::new(), BTreeMap::new());
    let languages: Vec<_> = match languages {
        [] => vec![None],
        some => some.iter().map(Some).collect(),
    };
    for language in languages {
        let mut visitor = visitor();
        if let Some(language) = language {
            visitor.speaks(language);
        }
        let mut walk = Walk { visitor, places: BTreeMap::new(), broken: BTreeMap::new() };
        all.extend(walk.go()?);
        for (link, pages) in walk.broken {
            let language = language.map(|tag| format!(" [{tag}]")).unwrap_or_default();
            broken.entry(link + &language).or_insert(pages);
        }
    }
    if broken.is_empty() {
        return Ok(all.into_iter().collect());
    }
    let mut message = format!("{} broken links:", broken.len());
    for (link, pages) in broken {
        let _ =
            write!(message, "\n  {link}, on {}", pages.into_iter().collect::<Vec<_>>().join(", "));
    }
    Err(message)
}

struct Walk {
    visitor: TestVisitor,
    /// The fragments (`#…`) in links, by target address, each with the pages that contain the link.
    places: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    broken: BTreeMap<String, BTreeSet<String>>,
}

impl Walk {
    fn go(&mut self) -> Result<BTreeSet<String>, String> {
        let mut queue = VecDeque::from(["/".to_owned()]);
        let mut known = HashSet::from(["/".to_owned()]);
        let mut on: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        while let Some(address) = queue.pop_front() {
            let page = self.visitor.open(&address).page().clone();
            if page.status().is_client_error() || page.status().is_server_error() {
                let pages = on.get(&address).cloned().unwrap_or_default();
                self.broken.insert(format!("{address} ({})", page.status().as_u16()), pages);
            }
            let mut found = links(&page);
            found.extend(page.location().and_then(|location| resolve(&address, location)));
            for link in found {
                let (target, place) = link.split_once('#').unwrap_or((&link, ""));
                on.entry(target.to_owned()).or_default().insert(address.clone());
                if !place.is_empty() {
                    let places = self.places.entry(target.to_owned()).or_default();
                    places.entry(place.to_owned()).or_default().insert(address.clone());
                }
                if known.insert(target.to_owned()) {
                    if known.len() > MAX_ADDRESSES {
                        return Err(format!(
                            "there are more than {MAX_ADDRESSES} addresses, the last {target}"
                        ));
                    }
                    queue.push_back(target.to_owned());
                }
            }
            let places = page.document.root_element().descendants();
            let elements = places.filter_map(scraper::ElementRef::wrap);
            let names = elements.flat_map(|element| [element.attr("id"), element.attr("name")]);
            ids.insert(address, names.flatten().map(str::to_owned).collect());
        }
        for (target, places) in std::mem::take(&mut self.places) {
            for (place, pages) in places {
                let there = ids.get(&target);
                // A missing page is reported already, a file has no ids, and `#top` always exists.
                if place != "top"
                    && there.is_some_and(|ids| !ids.is_empty() && !ids.contains(&place))
                {
                    self.broken.insert(format!("{target}#{place} (no such fragment)"), pages);
                }
            }
        }
        Ok(known.into_iter().collect())
    }
}

/// Returns the addresses on this site that a page links to.
fn links(page: &Page) -> Vec<String> {
    let mut links = Vec::new();
    for (leading, attribute) in LEADING.iter() {
        let found = page.document.select(leading).filter_map(|found| found.attr(attribute));
        links.extend(found.filter_map(|reference| resolve(&page.target, reference)));
    }
    links
}
