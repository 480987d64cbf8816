//! The filter `number`, as in `{{ price | number(digits=2) }}`, which formats a number in the page's language.
//!
//! `digits` is the number of decimals; without it there are at most three, without trailing zeros. `grouping=false`
//! omits the thousands separators.

use std::sync::Arc;

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::fragments;
use crate::catalogues::{Catalogues, Digits, MOST_DIGITS};

pub(super) fn register(tera: &mut Tera, catalogues: Arc<Catalogues>) {
    tera.register_filter("number", move |value: &Value, arguments: Kwargs, _: &State<'_>| {
        if !value.is_number() {
            let message =
                format!("the filter `number` takes a number, but it got {}", value.name());
            return Err(Error::message(message));
        }
        let digits = arguments.get::<usize>("digits")?;
        if digits.is_some_and(|digits| digits > MOST_DIGITS) {
            return Err(Error::message(format!("`digits` is {MOST_DIGITS} at most")));
        }
        let (least, most) = (digits.unwrap_or(0), digits.unwrap_or(3));
        let is_grouped = arguments.get::<bool>("grouping")?.unwrap_or(true);
        let lang = fragments::lang()?;
        let written = text_of(value)?;
        let digits = Digits { integer: 1, least, most };
        Ok(catalogues.formats(&lang).number(&written, digits, is_grouped))
    });
}

/// Returns the decimal digits of a number: Tera would write large and small ones with an exponent.
fn text_of(value: &Value) -> TeraResult<String> {
    match value.as_number() {
        Some(tera::Number::Float(float)) => Ok(float.to_string()),
        _ => Ok(value.to_string()),
    }
}
