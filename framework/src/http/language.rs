//! Selects one of a site's languages for a visitor (RFC 9110, section 12.5.4).

mod scripts;

use std::sync::Arc;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

pub(crate) use self::scripts::direction;
use self::scripts::{are_written_alike, written};
use super::cookies::cookie;
use super::weight::{Weight, member};

/// The longest tag or range that is considered, in bytes (RFC 5646, section 4.4.1, requires 35).
const LONGEST: usize = 35;

/// The maximum number of members of `Accept-Language` that are considered. Browsers send ten at most.
const MOST_MEMBERS: usize = 32;

/// The languages of a site, as BCP 47 tags.
///
/// The first is the default for visitors who accept none of them. Tags are compared without regard to case, and
/// returned as the site writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Languages(Arc<[Box<str>]>);

/// A set of languages, by their indexes in the list.
#[derive(Debug, Clone, Copy, Default)]
struct Marked(u64);

impl Marked {
    fn add(&mut self, index: usize) {
        self.0 |= 1 << index;
    }

    fn has(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }
}

/// The best language found so far: of equally weighted languages, the first.
#[derive(Debug, Default)]
struct Best(Option<(Weight, usize)>);

impl Best {
    fn offer(&mut self, weight: Weight, language: Option<usize>) {
        if let Some(language) = language
            && self.0.is_none_or(|(best, _)| weight > best)
        {
            self.0 = Some((weight, language));
        }
    }

    fn found(self) -> Option<usize> {
        self.0.map(|(_, language)| language)
    }
}

impl Languages {
    /// The maximum number of languages of a site.
    pub const MOST: usize = 64;

    /// Creates the list from `tags`; those beyond [`MOST`](Languages::MOST) are left out.
    pub fn new<T: AsRef<str>>(tags: impl IntoIterator<Item = T>) -> Languages {
        let tags = tags.into_iter().take(Languages::MOST);
        Languages(tags.map(|tag| tag.as_ref().into()).collect())
    }

    /// Checks that `tag` has the form of a language tag: `de`, `de-CH`, `zh-Hant-TW`.
    ///
    /// # Errors
    /// Returns a message with the correct form.
    pub fn check(tag: &str) -> Result<(), String> {
        if is_range(tag) && tag.split('-').next_back().is_some_and(|last| last.len() > 1) {
            return Ok(());
        }
        let hyphens = tag.replace('_', "-");
        if hyphens != tag && Languages::check(&hyphens).is_ok() {
            return Err(format!("`{tag}` is not the tag of a language; write \"{hyphens}\""));
        }
        Err(format!(
            "`{tag}` is not the tag of a language (BCP 47); write it as in \"en\", \"de-CH\" or \
             \"zh-Hant\""
        ))
    }

    /// Returns whether the site declares no languages.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the site has exactly one language, so that no selection is needed.
    pub(crate) fn has_one(&self) -> bool {
        self.0.len() == 1
    }

    /// Returns the index of the language with this tag.
    pub(crate) fn index_of(&self, tag: &str) -> Option<usize> {
        self.exact(tag)
    }

    /// Returns the tag at an index.
    pub(crate) fn at(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(|tag| &**tag)
    }

    /// Returns all tags; the default is the first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|tag| &**tag)
    }

    /// Returns the language with this tag, as the site writes it, if the site has it. So any value that a visitor
    /// sends, in a cookie for example, becomes one of few values or `None`.
    pub fn get(&self, tag: &str) -> Option<&str> {
        self.exact(tag).map(|index| &*self.0[index])
    }

    /// Selects the language for a visitor with these request headers: that of the cookie of this name, else the
    /// [preferred](Languages::preferred) one.
    pub(crate) fn chosen(&self, headers: &HeaderMap, cookie_name: Option<&str>) -> Option<&str> {
        let tag = cookie_name.and_then(|name| cookie(headers, name));
        tag.and_then(|tag| self.get(tag)).or_else(|| self.preferred(headers))
    }

    /// Selects the language for a visitor with these request headers: the match for the range in `Accept-Language` with
    /// the highest weight. `None` only when the site has no languages.
    ///
    /// A range matches, in this order:
    ///
    /// 1. the language that it names, else the one that remains when its subtags are removed one by one from the end
    ///    (RFC 4647, section 3.4, "Lookup"): for `de-CH-1996` that is `de-CH-1996`, else `de-CH`, else `de`;
    /// 2. a language that is written in the same script, if the language has several scripts: `zh-Hant` for `zh-TW`,
    ///    `zh-TW` for `zh-Hant-HK`, `zh-Hans` for `zh`. This precedes a shorter tag that implies another script, such
    ///    as `zh` for `zh-TW`;
    /// 3. the first language of which it is a prefix: `pt-BR` for `pt`.
    ///
    /// If no range matches, the result is the first language that is not rejected with `q=0`, else the first.
    ///
    /// Only the first 32 members of the field are considered.
    pub fn preferred(&self, headers: &HeaderMap) -> Option<&str> {
        if self.0.len() <= 1 {
            return self.0.first().map(|tag| &**tag);
        }
        let ranges = || {
            let lines = headers.get_all(ACCEPT_LANGUAGE).iter();
            let members = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
            members.take(MOST_MEMBERS).filter_map(member)
        };
        let (mut named, mut refused) = (Marked::default(), Marked::default());
        for (range, weight) in ranges().filter(|(range, _)| is_range(range)) {
            if weight.is_zero() {
                self.below(range).for_each(|language| refused.add(language));
                self.below(range).for_each(|language| named.add(language));
            } else if let Some(language) = self.find(range, Marked::default()) {
                named.add(language);
            }
        }
        let mut best = Best::default();
        for (range, weight) in ranges().filter(|(_, weight)| !weight.is_zero()) {
            if range == "*" {
                best.offer(weight, (0..self.0.len()).find(|language| !named.has(*language)));
            } else if is_range(range) {
                best.offer(weight, self.find(range, refused));
            }
        }
        let accepted = || (0..self.0.len()).find(|language| !refused.has(*language));
        let language = best.found().or_else(accepted).unwrap_or(0);
        Some(&self.0[language])
    }

    /// Returns the match for a range, as described at [`preferred`](Languages::preferred). A language in `refused`
    /// matches only if its tag is `range` itself.
    fn find(&self, range: &str, refused: Marked) -> Option<usize> {
        let is_accepted = |language: &usize| !refused.has(*language);
        let exact = |tag: &&str| self.exact(tag).filter(is_accepted);
        let has_scripts = written(range).is_some();
        let keeps_script = |tag: &&str| !has_scripts || are_written_alike(tag, range);
        let alike = || {
            let mut alike = (0..self.0.len()).filter(|n| are_written_alike(&self.0[*n], range));
            alike.find(is_accepted).filter(|_| has_scripts)
        };
        self.exact(range)
            .or_else(|| truncations(range).filter(keeps_script).find_map(|tag| exact(&tag)))
            .or_else(alike)
            .or_else(|| truncations(range).find_map(|tag| exact(&tag)))
            .or_else(|| self.below(range).find(is_accepted))
    }

    fn exact(&self, tag: &str) -> Option<usize> {
        self.0.iter().position(|known| known.eq_ignore_ascii_case(tag))
    }

    /// Returns the languages that equal `range` or begin with it (RFC 4647, section 3.3.1).
    fn below(&self, range: &str) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().filter_map(move |(index, tag)| {
            let begins = tag.get(..range.len())?.eq_ignore_ascii_case(range);
            let ends = matches!(tag.as_bytes().get(range.len()), None | Some(b'-'));
            (begins && ends).then_some(index)
        })
    }
}

/// Returns the shorter forms of a range, with subtags removed one by one from the end.
fn truncations(range: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(shorter(range), |range| shorter(range))
}

fn shorter(range: &str) -> Option<&str> {
    let (shorter, _) = range.rsplit_once('-')?;
    // A subtag of one letter only introduces the next.
    Some(match shorter.rsplit_once('-') {
        Some((shortest, single)) if single.len() == 1 => shortest,
        _ => shorter,
    })
}

/// Returns whether `text` is a basic language range (RFC 4647, section 2.1) of sensible length, other than `*`.
fn is_range(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    text.split('-').enumerate().all(|(index, part)| match index {
        0 => part.len() <= 8 && part.len() >= 2 && part.bytes().all(|b| b.is_ascii_alphabetic()),
        _ => (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()),
    })
}

#[cfg(test)]
mod tests;
