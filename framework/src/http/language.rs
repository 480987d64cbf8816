//! Which of a site's languages a visitor is answered in (RFC 9110, section 12.5.4).

mod scripts;

use std::sync::Arc;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

pub(crate) use self::scripts::direction;
use self::scripts::{are_written_alike, written};
use super::cookies::cookie;
use super::weight::{Weight, member};

/// The longest tag or range that is looked at, in bytes (RFC 5646, section 4.4.1, asks for 35).
const LONGEST: usize = 35;

/// How many members of the field are looked at. Browsers send ten at most.
const MOST_MEMBERS: usize = 32;

/// The languages of a site, as BCP 47 tags.
///
/// The first is for visitors who ask for none of them. Upper and lower case do not matter, but tags
/// are given back as the site writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Languages(Arc<[Box<str>]>);

/// Which languages have some property, by their place in the list.
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

/// The best that was found so far: of equally wanted ones the first.
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
    /// How many languages a site may have.
    pub const MOST: usize = 64;

    /// The languages of `tags`, of which those beyond [`MOST`](Languages::MOST) are left out.
    pub fn new<T: AsRef<str>>(tags: impl IntoIterator<Item = T>) -> Languages {
        let tags = tags.into_iter().take(Languages::MOST);
        Languages(tags.map(|tag| tag.as_ref().into()).collect())
    }

    /// Whether `tag` looks like the tag of a language: `de`, `de-CH`, `zh-Hant-TW`.
    ///
    /// # Errors
    /// What to write instead.
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

    /// Whether the site has named none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is one, so that none is chosen.
    pub(crate) fn has_one(&self) -> bool {
        self.0.len() == 1
    }

    /// The place of the language with this tag in the list.
    pub(crate) fn index_of(&self, tag: &str) -> Option<usize> {
        self.exact(tag)
    }

    /// The tag at a place of the list.
    pub(crate) fn at(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(|tag| &**tag)
    }

    /// All of them, the one for visitors who ask for none of them first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|tag| &**tag)
    }

    /// The language with this tag, as the site writes it, if the site has it. So whatever a visitor
    /// sends, in a cookie for example, becomes one of few values or nothing.
    pub fn get(&self, tag: &str) -> Option<&str> {
        self.exact(tag).map(|index| &*self.0[index])
    }

    /// The language for a visitor who has sent these headers: that of the cookie of this name, else the
    /// [preferred](Languages::preferred) one.
    pub(crate) fn chosen(&self, headers: &HeaderMap, cookie_name: Option<&str>) -> Option<&str> {
        let tag = cookie_name.and_then(|name| cookie(headers, name));
        tag.and_then(|tag| self.get(tag)).or_else(|| self.preferred(headers))
    }

    /// The language for a visitor who has sent these headers: the one that is found for the range in
    /// `Accept-Language` that is wanted most. `None` only when the site has no languages.
    ///
    /// A range finds, in this order:
    ///
    /// 1. the language that it names, or what is left of it when one part after the other is taken away
    ///    from its end (RFC 4647, section 3.4, "Lookup"): for `de-CH-1996` that is `de-CH-1996`, else
    ///    `de-CH`, else `de`;
    /// 2. a language that is written in the same script, where there are several: `zh-Hant` for `zh-TW`,
    ///    `zh-TW` for `zh-Hant-HK`, `zh-Hans` for `zh`. This comes before a shorter tag that means
    ///    another script, as `zh` does for `zh-TW`;
    /// 3. the first language that it begins: `pt-BR` for `pt`.
    ///
    /// If no range matches, it is the first that is not refused with `q=0`, else the first.
    ///
    /// However long the field is, only its first 32 members are looked at.
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

    /// The language for a range, as [`preferred`](Languages::preferred) says. What is in `refused`
    /// counts only if it is `range` itself.
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

    /// The languages that are `range` or begin with it (RFC 4647, section 3.3.1).
    fn below(&self, range: &str) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().filter_map(move |(index, tag)| {
            let begins = tag.get(..range.len())?.eq_ignore_ascii_case(range);
            let ends = matches!(tag.as_bytes().get(range.len()), None | Some(b'-'));
            (begins && ends).then_some(index)
        })
    }
}

/// What is left of a range when one part after the other is taken away from its end.
fn truncations(range: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(shorter(range), |range| shorter(range))
}

fn shorter(range: &str) -> Option<&str> {
    let (shorter, _) = range.rsplit_once('-')?;
    // A part of one letter only introduces the next.
    Some(match shorter.rsplit_once('-') {
        Some((shortest, single)) if single.len() == 1 => shortest,
        _ => shorter,
    })
}

/// Whether `text` is a basic language range (RFC 4647, section 2.1) of sensible length, other than
/// `*`.
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
