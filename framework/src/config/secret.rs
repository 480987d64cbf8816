use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Config;
use crate::problem::Problem;

/// A secret that the nodes of a site share. It is never shown, neither by `Debug` nor in a serialized configuration.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Makes a secret with this text.
    pub(crate) fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// Returns the secret itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("…")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Secret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the secret as a string")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
                if text.is_empty() {
                    return Err(E::custom("the secret is empty; leave the key out for none"));
                }
                if text.chars().any(char::is_control) {
                    return Err(E::custom(
                        "the secret holds a line break or another control character; write it as \
                         one line",
                    ));
                }
                Ok(Secret::new(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The minimum length of a secret for keys, in characters.
const SHORTEST: usize = 32;

/// Returns the secrets in a text, separated by commas or line breaks.
///
/// # Errors
/// Fails when one is too short.
pub(super) fn secrets_of(text: &Secret) -> Result<Vec<Secret>, String> {
    let parts = text.expose().split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let secrets: Vec<Secret> = parts.map(Secret::new).collect();
    if secrets.is_empty() || secrets.iter().any(|secret| secret.expose().len() < SHORTEST) {
        return Err(format!(
            "a secret key has {SHORTEST} characters at least, chosen at random: the command `secret` prints one"
        ));
    }
    Ok(secrets)
}

impl Config {
    /// Returns the secrets for the cookies of front ends: the first seals, all open.
    ///
    /// # Errors
    /// Fails when their file cannot be read, or contains an invalid secret.
    pub(crate) fn secret_keys(&self) -> Result<Vec<Secret>, Problem> {
        if let Some(secrets) = &self.secret_key {
            return secrets_of(secrets).map_err(Problem::new);
        }
        let Some(path) = &self.secret_key_file else { return Ok(Vec::new()) };
        let problem = |message: &str| Problem::new(format!("{}: {message}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| problem(&error.to_string()))?;
        secrets_of(&Secret::new(text)).map_err(|message| problem(&message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_secret_on_each_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let config = Config { secret_key_file: Some(file.clone()), ..Config::default() };
        let known = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let secrets = config.secret_keys().map_err(|problem| problem.message)?;
            Ok::<_, String>(secrets.iter().map(|it| it.expose().to_owned()).collect::<Vec<_>>())
        };
        let (new, old) = ("n".repeat(SHORTEST), "o".repeat(SHORTEST));
        assert_eq!(known(&format!("{new}\n{old}\n")), Ok(vec![new.clone(), old.clone()]));
        assert_eq!(known(&format!("  {new}\r\n\n")), Ok(vec![new.clone()]));
        for wrong in ["", "\n", "short\n", &format!("{new}\nshort")] {
            let refused = known(wrong).unwrap_err();
            assert!(refused.contains("keys: a secret key has 32 characters"), "{refused}");
        }
        std::fs::remove_file(&file).unwrap();
        let missing = config.secret_keys().unwrap_err().to_string();
        assert!(missing.contains("keys: "), "{missing}");
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", Secret::new("hush")).contains("hush"));
    }
}
