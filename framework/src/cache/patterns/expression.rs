use std::cmp::Reverse;
use std::sync::{Arc, OnceLock};

use regex::Regex;

use super::head::{Head, Then, endings, heads};
use crate::log::compile_pattern;

/// From so many other expressions with the same head on, an expression is compiled in advance.
const MANY_SHARERS: usize = 8;

/// A regular expression with its heads.
#[derive(Debug)]
pub(super) struct Expression {
    text: Arc<str>,
    pub(super) heads: Box<[Head]>,
    /// A compiled expression takes some 25 KiB, so most are compiled only when they must be
    /// evaluated.
    compiled: OnceLock<Option<Regex>>,
}

impl Expression {
    /// Parses an expression; `None` if it cannot be parsed, or not be compiled where it must be.
    /// `sharers` returns the number of other expressions that must be evaluated on ids with a text:
    /// a head that many expressions share is a poor one.
    pub(super) fn read(text: &str, sharers: impl Fn(&[u8]) -> usize) -> Option<Expression> {
        let hir = regex_syntax::parse(text).ok()?;
        let beginnings = heads(&hir);
        // The fewer sharers and the longer the better.
        let worth = |heads: &[Head]| {
            let sharers = heads.iter().map(|head| sharers(&head.text)).max();
            (Reverse(sharers), heads.iter().map(|head| head.text.len()).min())
        };
        let must_be_evaluated = beginnings.iter().any(|head| head.then == Then::Evaluate);
        let endings = if must_be_evaluated { endings(&hir) } else { None };
        let better = endings.filter(|endings| worth(endings) > worth(&beginnings));
        let heads: Box<[Head]> = better.unwrap_or(beginnings).into();
        let compiled = OnceLock::new();
        // A request that evaluates one of many sharers evaluates all of them, and must not compile
        // all of them.
        let is_shared_by_many =
            |head: &Head| head.text.is_empty() || sharers(&head.text) >= MANY_SHARERS;
        if heads.iter().any(|head| head.then == Then::Evaluate && is_shared_by_many(head)) {
            compiled.get_or_init(|| compile_pattern(text).ok()).as_ref()?;
        }
        Some(Expression { text: text.into(), heads, compiled })
    }

    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns the heads at which the expression must be evaluated.
    pub(super) fn evaluated_at(&self) -> impl Iterator<Item = &Arc<[u8]>> {
        self.heads.iter().filter(|head| head.then == Then::Evaluate).map(|head| &head.text)
    }

    /// Returns whether it matches the id; `None` if it is too large to be compiled.
    pub(super) fn is_found_in(&self, id: &str) -> Option<bool> {
        let compiled = self.compiled.get_or_init(|| compile_pattern(&self.text).ok());
        compiled.as_ref().map(|regex| regex.is_match(id))
    }
}
