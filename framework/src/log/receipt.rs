use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LogId, Position};

/// The proof, returned to the writer of a record, that no front end serves content that the record invalidated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The log that contains the record.
    pub log: LogId,
    /// The record's position in it.
    pub position: Position,
    /// One for each front end that could have served old pages, in the order of their names.
    pub acknowledgements: Vec<Acknowledgement>,
}

/// How one front end stopped serving the old pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Acknowledgement {
    /// The front end's name.
    pub frontend: String,
    /// The way in which it stopped.
    pub outcome: Outcome,
    /// From the moment the record was durable; in JSON `took_ms`, in milliseconds.
    #[serde(rename = "took_ms", with = "millis")]
    pub took: Duration,
}

/// Durations as milliseconds with a fraction, in JSON.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(took: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(took.as_micros() as f64 / 1000.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(from)?;
        Duration::try_from_secs_f64(millis / 1000.0).map_err(serde::de::Error::custom)
    }
}

/// How a front end stopped serving the old pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// It acknowledged that it has applied the record.
    Acknowledged,
    /// It did not answer; its lease has run out, so it no longer serves from its cache.
    LeaseExpired,
}
