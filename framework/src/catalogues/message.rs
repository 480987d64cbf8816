//! Finds the references in a message of a catalogue.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use fluent_syntax::ast::{CallArguments, Expression, InlineExpression, Pattern, PatternElement};

/// A message, or an attribute of one.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) file: Arc<Path>,
    pub(super) line: usize,
    pub(super) named: Named,
}

/// The references in a pattern.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    /// The arguments.
    pub(super) arguments: BTreeSet<String>,
    /// Other messages, attributes as `message.attribute`.
    pub(super) messages: BTreeSet<String>,
    /// Terms, without the hyphen.
    pub(super) terms: BTreeSet<String>,
    /// Functions, each with the names of its options.
    pub(super) functions: BTreeSet<(String, Vec<String>)>,
}

impl Named {
    /// Returns the references in `pattern`.
    pub(super) fn of(pattern: &Pattern<&str>) -> Named {
        let mut named = Named::default();
        named.pattern(pattern);
        named
    }

    fn pattern(&mut self, pattern: &Pattern<&str>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                self.expression(expression);
            }
        }
    }

    fn expression(&mut self, expression: &Expression<&str>) {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                self.inline(selector);
                variants.iter().for_each(|variant| self.pattern(&variant.value));
            }
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&str>) {
        match inline {
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
            InlineExpression::FunctionReference { id, arguments } => {
                let options = arguments.named.iter().map(|option| option.name.name.to_owned());
                self.functions.insert((id.name.to_owned(), options.collect()));
                self.call(arguments);
            }
            InlineExpression::MessageReference { id, attribute } => {
                self.messages.insert(match attribute {
                    None => id.name.to_owned(),
                    Some(attribute) => format!("{}.{}", id.name, attribute.name),
                });
            }
            InlineExpression::TermReference { id, arguments, .. } => {
                self.terms.insert(id.name.to_owned());
                arguments.iter().for_each(|arguments| self.call(arguments));
            }
            InlineExpression::VariableReference { id } => {
                self.arguments.insert(id.name.to_owned());
            }
            InlineExpression::Placeable { expression } => self.expression(expression),
        }
    }

    fn call(&mut self, arguments: &CallArguments<&str>) {
        arguments.positional.iter().for_each(|argument| self.inline(argument));
        arguments.named.iter().for_each(|argument| self.inline(&argument.value));
    }
}
