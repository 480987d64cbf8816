use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A text of the site's catalogues, independent of the language: its key and its arguments. [`t!`](crate::t) creates
/// it, a reply passes it to a template, and `{{ t(message=…) }}` renders it there.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("basket.show")]
/// async fn show() -> Reply {
///     template!("basket.html").with("notice", t!("basket-filled", count = 3, name = "Ana"))
/// }
/// # assert_eq!(t!("done").key(), "done");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    key: String,
    arguments: BTreeMap<String, Value>,
}

impl Message {
    /// Creates a message with this key, without arguments.
    pub fn new(key: impl Into<String>) -> Message {
        Message { key: key.into(), arguments: BTreeMap::new() }
    }

    /// Adds an argument: text, a number or a bool. Numbers choose among plural forms.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Message {
        self.arguments.insert(name.into(), value.into());
        self
    }

    /// Returns the key of the text.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the arguments with their names.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.arguments.iter().map(|(name, value)| (name.as_str(), value))
    }
}

/// Creates a [`Message`](crate::reply::Message) from the key of a text in the site's catalogues and its arguments:
/// `t!("recipe-saved", title = recipe.title)`.
#[macro_export]
macro_rules! t {
    ($key:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::reply::Message::new($key)$(.with(::core::stringify!($name), $value))*
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_is_its_key_and_its_arguments() {
        let message = crate::t!("saved", title = "Rain", count = 2);
        let json = serde_json::to_value(&message).unwrap();
        let expected =
            serde_json::json!({"key": "saved", "arguments": {"title": "Rain", "count": 2}});
        assert_eq!(json, expected);
        assert_eq!(message.key(), "saved");
    }
}
