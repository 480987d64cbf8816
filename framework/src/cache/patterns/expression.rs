use std::sync::{Arc, OnceLock};

use regex::Regex;

use super::head::{Head, Place, Then, heads};
use crate::log::compile_pattern;

/// A regular expression, and what stands in each id that it is found in.
#[derive(Debug)]
pub(super) struct Expression {
    text: Arc<str>,
    pub(super) heads: Box<[Head]>,
    /// A compiled expression takes some 25 KiB, so it is there only if an id has asked for it.
    compiled: OnceLock<Option<Regex>>,
}

impl Expression {
    /// `None` if it cannot be read.
    pub(super) fn read(text: &str) -> Option<Expression> {
        let heads: Box<[Head]> = heads(text)?.into();
        let compiled = OnceLock::new();
        // The very next request would have to compile it.
        if heads.iter().any(is_in_front_of_everything) {
            compiled.get_or_init(|| compile_pattern(text).ok()).as_ref()?;
        }
        Some(Expression { text: text.into(), heads, compiled })
    }

    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether it is found in the id; `None` if it is larger than what may be compiled.
    pub(super) fn is_found_in(&self, id: &str) -> Option<bool> {
        let compiled = self.compiled.get_or_init(|| compile_pattern(&self.text).ok());
        compiled.as_ref().map(|regex| regex.is_match(id))
    }
}

fn is_in_front_of_everything(head: &Head) -> bool {
    head.place == Place::Beginning && head.text.is_empty() && head.then == Then::Ask
}
