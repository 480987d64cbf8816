//! Finds the names in one expression.

use super::found::Found;
use super::tokens::{Token, tokens};
use crate::request_values::RequestUses;

/// Functions whose result depends on their arguments and on the site's files alone.
const FUNCTIONS: [&str; 6] = ["asset", "flash", "part", "range", "throw", "url_for"];

/// Functions that read their arguments and values of the request.
const FUNCTIONS_OF_REQUEST: [(&str, RequestUses); 2] =
    [("alternates", RequestUses::LANG.and(RequestUses::PATH)), ("t", RequestUses::LANG)];

/// Filters that depend on the page's language.
pub(in crate::templates) const FILTERS_OF_LANGUAGE: [&str; 2] = ["datetime", "number"];

/// Filters that read only their input and arguments: Tera's own, and those of this framework.
const FILTERS: [&str; 42] = [
    "abs",
    "capitalize",
    "date",
    "default",
    "escape",
    "escape_html",
    "escape_xml",
    "first",
    "float",
    "get",
    "group_by",
    "indent",
    "int",
    "join",
    "json_encode",
    "keys",
    "last",
    "length",
    "lower",
    "newlines_to_br",
    "nth",
    "pairs",
    "pluralize",
    "replace",
    "reverse",
    "round",
    "safe",
    "slugify",
    "sort",
    "split",
    "str",
    "title",
    "trim",
    "trim_end",
    "trim_start",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "urlencode_strict",
    "values",
    "wordcount",
];

/// Tests that read only their input and arguments: Tera's own.
const TESTS: [&str; 17] = [
    "array",
    "bool",
    "containing",
    "defined",
    "divisible_by",
    "ending_with",
    "even",
    "float",
    "integer",
    "iterable",
    "map",
    "none",
    "number",
    "odd",
    "starting_with",
    "string",
    "undefined",
];

/// Words that are values or operators.
const LITERALS: [&str; 7] = ["true", "True", "false", "False", "none", "None", "null"];

/// Adds the names in the expression in `text`.
pub(super) fn expression(text: &str, found: &mut Found) {
    Reader { tokens: &tokens(text), at: 0, found }.rest(Place::Operand);
}

/// Adds the names in filters, the first without the `|` before it.
pub(super) fn filters(text: &str, found: &mut Found) {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, at: 0, found };
    let place = reader.filter();
    reader.rest(place);
}

/// Adds the names in the target of a loop. Returns the names that the loop binds; none, if Tera would not accept it
/// as a loop.
pub(super) fn loop_head<'a>(text: &'a str, found: &mut Found) -> Vec<&'a str> {
    let tokens = tokens(text);
    let Some((names, target)) = bound(&tokens) else {
        found.opaque = true;
        return Vec::new();
    };
    Reader { tokens: target, at: 0, found }.rest(Place::Operand);
    names
}

/// Returns all names that the expression in `text` binds, at any depth.
pub(super) fn bound_within(text: &str) -> Vec<&str> {
    let tokens = tokens(text);
    let fors = tokens.iter().enumerate().filter(|(_, token)| **token == Token::Word("for"));
    fors.filter_map(|(at, _)| bound(&tokens[at + 1..])).flat_map(|(names, _)| names).collect()
}

/// Returns the name of a component at the beginning of these tokens, as in `field.errors`, and the number of its
/// tokens.
pub(super) fn component_name(tokens: &[Token<'_>]) -> (Box<str>, usize) {
    let mut name = String::new();
    let mut length = 0;
    while let Some(Token::Word(word)) = tokens.get(length) {
        name.push_str(word);
        length += 1;
        if tokens.get(length) != Some(&Token::Sign(".")) {
            break;
        }
        name.push('.');
        length += 1;
    }
    (name.into(), length)
}

/// Parses `a in` or `a, b in` into the names and the tokens after it.
fn bound<'a, 't>(tokens: &'t [Token<'a>]) -> Option<(Vec<&'a str>, &'t [Token<'a>])> {
    match tokens {
        [Token::Word(value), Token::Word("in"), rest @ ..] => Some((vec![value], rest)),
        [Token::Word(key), Token::Sign(","), Token::Word(value), Token::Word("in"), rest @ ..] => {
            Some((vec![key, value], rest))
        }
        _ => None,
    }
}

/// Returns the position of this word outside of all brackets.
fn outside(tokens: &[Token<'_>], word: &str) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().position(|token| {
        match token {
            Token::Sign("[" | "?[" | "(" | "{") => depth += 1,
            Token::Sign("]" | ")" | "}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && *token == Token::Word(word)
    })
}

/// The kind of token that may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Operand,
    Operator,
}

struct Reader<'t, 'a, 'f> {
    tokens: &'t [Token<'a>],
    at: usize,
    found: &'f mut Found,
}

impl<'t, 'a> Reader<'t, 'a, '_> {
    fn peek(&self, after: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + after).copied()
    }

    /// Reads everything up to the end.
    fn rest(&mut self, mut place: Place) {
        while let Some(token) = self.peek(0) {
            self.at += 1;
            place = match (place, token) {
                (Place::Operand, Token::Word(word)) => self.operand(word),
                (Place::Operator, Token::Word("is")) => self.test(),
                (Place::Operator, Token::Word("not"))
                    if self.peek(0) == Some(Token::Word("in")) =>
                {
                    self.at += 1;
                    Place::Operand
                }
                // Matches `and`, `or`, `in`, `if` and `else`.
                (Place::Operator, Token::Word(_)) => Place::Operand,
                (_, Token::Text(_) | Token::Number) => Place::Operator,
                (Place::Operand, Token::Sign("[")) => self.list(),
                (Place::Operand, Token::Sign("<")) => self.component(),
                (Place::Operator, Token::Sign("|")) => self.filter(),
                (Place::Operator, Token::Sign("." | "?.")) => {
                    self.at += 1;
                    Place::Operator
                }
                (_, Token::Sign(")" | "]" | "}")) => Place::Operator,
                (_, Token::Sign(_)) => Place::Operand,
            };
        }
    }

    /// Reads a variable, a call, a literal, or the name of an argument.
    fn operand(&mut self, word: &str) -> Place {
        if word == "not" {
            return Place::Operand;
        }
        if LITERALS.contains(&word) {
            return Place::Operator;
        }
        match self.peek(0) {
            Some(Token::Sign("=")) => {
                self.at += 1;
                return Place::Operand;
            }
            Some(Token::Sign("(")) => {
                self.found.supers |= word == "super";
                let of_request = FUNCTIONS_OF_REQUEST.iter().find(|(name, _)| *name == word);
                match of_request {
                    Some((_, uses)) => self.found.uses.add(*uses),
                    None if word == "super" || FUNCTIONS.contains(&word) => {}
                    None => {
                        self.found.functions.insert(word.into());
                    }
                }
                self.at += 1;
                return Place::Operand;
            }
            _ => {}
        }
        let mut path = vec![word];
        while let (Some(Token::Sign("." | "?.")), Some(Token::Word(field))) =
            (self.peek(0), self.peek(1))
        {
            path.push(field);
            self.at += 2;
        }
        self.found.path(&path);
        Place::Operator
    }

    /// Reads the test after `is`.
    fn test(&mut self) -> Place {
        if self.peek(0) == Some(Token::Word("not")) {
            self.at += 1;
        }
        self.known(&TESTS)
    }

    /// Reads the filter after `|`.
    fn filter(&mut self) -> Place {
        if let Some(Token::Word(name)) = self.peek(0)
            && FILTERS_OF_LANGUAGE.contains(&name)
        {
            self.found.uses.add(RequestUses::LANG);
            self.at += 1;
            return Place::Operator;
        }
        self.known(&FILTERS)
    }

    /// Reads the name of a filter or test. One that is not among `names` may read anything.
    fn known(&mut self, names: &[&str]) -> Place {
        let is_known = matches!(self.peek(0), Some(Token::Word(name)) if names.contains(&name));
        self.found.opaque |= !is_known;
        self.at += 1;
        Place::Operator
    }

    /// Reads the rest of a list after its `[`. In `[x.a for x in xs if x.b]` names are used before they are bound.
    fn list(&mut self) -> Place {
        let inside = self.bracketed("[", "]");
        let split = outside(inside, "for").map(|at| (&inside[..at], bound(&inside[at + 1..])));
        match split {
            None => self.within(inside),
            Some((_, None)) => self.found.opaque = true,
            Some((expression, Some((names, rest)))) => {
                let (target, condition) = rest.split_at(outside(rest, "if").unwrap_or(rest.len()));
                self.within(target);
                self.found.open_scope(&names);
                self.within(expression);
                self.within(condition.get(1..).unwrap_or_default());
                self.found.close_scope();
            }
        }
        Place::Operator
    }

    /// Reads the name and arguments of `<card story={story} />` after its `<`.
    fn component(&mut self) -> Place {
        let (name, length) = component_name(&self.tokens[self.at..]);
        self.found.components.insert(name);
        self.at += length;
        while let Some(token) = self.peek(0) {
            self.at += 1;
            match token {
                Token::Sign("{") => {
                    let inside = self.bracketed("{", "}");
                    self.within(inside);
                }
                Token::Word(_) if self.peek(0) == Some(Token::Sign("=")) => self.at += 1,
                // `<card story />` means `<card story={story} />`.
                Token::Word(word) => self.found.path(&[word]),
                Token::Sign(">") => break,
                Token::Sign(_) | Token::Text(_) | Token::Number => {}
            }
        }
        Place::Operator
    }

    /// Reads these tokens as a separate expression.
    fn within(&mut self, tokens: &[Token<'_>]) {
        Reader { tokens, at: 0, found: &mut *self.found }.rest(Place::Operand);
    }

    /// Skips to the closing bracket, and returns the tokens before it.
    fn bracketed(&mut self, open: &str, close: &str) -> &'t [Token<'a>] {
        let (from, mut depth) = (self.at, 0_usize);
        while let Some(token) = self.peek(0) {
            self.at += 1;
            match token {
                Token::Sign(sign) if sign == open || open == "[" && sign == "?[" => depth += 1,
                Token::Sign(sign) if sign == close && depth == 0 => {
                    return &self.tokens[from..self.at - 1];
                }
                Token::Sign(sign) if sign == close => depth -= 1,
                _ => {}
            }
        }
        &self.tokens[from.min(self.tokens.len())..]
    }
}
