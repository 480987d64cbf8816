use std::cmp::Reverse;
use std::sync::{Arc, OnceLock};

use regex::Regex;

use super::head::{Head, Then, endings, heads};
use crate::log::compile_pattern;

/// How many expressions a request may find that were never asked, wherever a text stands.
const CROWD: usize = 8;

/// A regular expression, and what stands in each id that it is found in.
#[derive(Debug)]
pub(super) struct Expression {
    text: Arc<str>,
    pub(super) heads: Box<[Head]>,
    /// A compiled expression takes some 25 KiB, so most are compiled only when an id asks them.
    compiled: OnceLock<Option<Regex>>,
}

impl Expression {
    /// `None` if it cannot be read. `crowd` says how many other patterns must be asked wherever a
    /// text stands: a head that many patterns share is a poor one.
    pub(super) fn read(text: &str, crowd: impl Fn(&[u8]) -> usize) -> Option<Expression> {
        let hir = regex_syntax::parse(text).ok()?;
        let beginnings = heads(&hir);
        // The fewer others and the longer the better.
        let worth = |heads: &[Head]| {
            let crowd = heads.iter().map(|head| crowd(&head.text)).max();
            (Reverse(crowd), heads.iter().map(|head| head.text.len()).min())
        };
        let must_be_asked = beginnings.iter().any(|head| head.then == Then::Ask);
        let endings = if must_be_asked { endings(&hir) } else { None };
        let better = endings.filter(|endings| worth(endings) > worth(&beginnings));
        let heads: Box<[Head]> = better.unwrap_or(beginnings).into();
        let compiled = OnceLock::new();
        // A request that asks one of a crowd asks all of them, and must not compile all of them.
        let in_a_crowd = |head: &Head| head.text.is_empty() || crowd(&head.text) >= CROWD;
        if heads.iter().any(|head| head.then == Then::Ask && in_a_crowd(head)) {
            compiled.get_or_init(|| compile_pattern(text).ok()).as_ref()?;
        }
        Some(Expression { text: text.into(), heads, compiled })
    }

    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The texts at which it is asked.
    pub(super) fn asked_at(&self) -> impl Iterator<Item = &Arc<[u8]>> {
        self.heads.iter().filter(|head| head.then == Then::Ask).map(|head| &head.text)
    }

    /// Whether it is found in the id; `None` if it is larger than what may be compiled.
    pub(super) fn is_found_in(&self, id: &str) -> Option<bool> {
        let compiled = self.compiled.get_or_init(|| compile_pattern(&self.text).ok());
        compiled.as_ref().map(|regex| regex.is_match(id))
    }
}
