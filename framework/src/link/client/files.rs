use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::Action;
use super::{CallError, Link};
use crate::body::Body;
use crate::link::files::{Fetch, Fetched};
use crate::link::wire::Wire;
use crate::link::{FILES_LIMIT, FileLookup, FoundFiles, frame};
use crate::log::ContentId;

/// How long a back end may take to begin sending a content.
const CONTENT_TIMEOUT: Duration = Duration::from_secs(10);

impl Link {
    /// Asks a back end for the present state of files according to the log.
    ///
    /// # Errors
    /// See [`CallError`]. Without a connected back end it fails at once.
    pub(crate) async fn lookup(&self, lookup: &FileLookup) -> Result<FoundFiles, CallError> {
        let deadline = Duration::from_millis(lookup.deadline);
        let (found, _) = self.ask::<FoundFiles>("lookup", lookup, deadline).await?;
        if found.files.len() != lookup.paths.len() {
            let reason = "it answered for other files than those asked for".to_owned();
            return Err(CallError::Broken { sent: true, reason });
        }
        Ok(found)
    }

    /// Fetches a content from `offset` on, as a stream; `None` if the back end does not have it.
    /// The bytes are not checked against the id.
    ///
    /// # Errors
    /// See [`CallError`]. Without a connected back end it fails at once.
    pub(crate) async fn content(
        &self,
        content: ContentId,
        offset: u64,
    ) -> Result<Option<Body>, CallError> {
        let fetch = Fetch { content, offset };
        let (fetched, body) = self.ask("content", &fetch, CONTENT_TIMEOUT).await?;
        Ok(match fetched {
            Fetched::Here => Some(body),
            Fetched::Absent => None,
        })
    }

    /// Sends a request that can be repeated, to another back end if necessary.
    async fn ask<T: DeserializeOwned>(
        &self,
        action: &str,
        question: &impl Serialize,
        deadline: Duration,
    ) -> Result<(T, Body), CallError> {
        let head = frame::encode(question, FILES_LIMIT)
            .map_err(|error| CallError::Broken { sent: false, reason: error.to_string() })?;
        let wire = Wire::new(head.clone(), Body::empty());
        let action = Action::Ask(action);
        let attempts = self.shared.attempt_all(action, wire, Some(head), FILES_LIMIT);
        let answer = tokio::time::timeout(deadline, attempts).await;
        answer.unwrap_or(Err(CallError::Deadline(deadline)))
    }
}
