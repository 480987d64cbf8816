use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{FromRequestParts, Need};
use crate::docroot::SyncError;
use crate::log::{Draft, Invalidation, Receipt, Revoked, SessionId};
use crate::request::RequestParts;
use crate::request::Site;
use crate::session;
use crate::state::WriteError;

/// All front ends of the site: makes them forget cached content, and brings them files.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("news.refresh")]
/// async fn refresh(cluster: Cluster) -> Result<Reply> {
///     let receipt = cluster.invalidate(Invalidation::new().group("news")).await?;
///     Ok(text(format!("{} front ends have forgotten the news", receipt.acknowledgements.len())))
/// }
/// ```
#[derive(Clone)]
pub struct Cluster {
    site: Arc<Site>,
}

impl Cluster {
    /// The front ends of a site.
    pub fn of(site: &Arc<Site>) -> Cluster {
        Cluster { site: site.clone() }
    }

    /// Invalidates cached content. When this returns, no front end serves it any more; the receipt
    /// has the outcome for each.
    ///
    /// # Errors
    /// When a pattern is not a regular expression or can never match, or the log cannot store the record. Nothing is
    /// invalidated then.
    pub async fn invalidate(&self, invalidation: Invalidation) -> Result<Receipt, WriteError> {
        let draft = Draft { invalidation, ..Draft::default() };
        Ok(self.site.journal.write_one(draft).await?.receipt)
    }

    /// Ends a session. When this returns, no front end and no back end honours its cookie any more.
    ///
    /// # Errors
    /// When the log cannot store it. Then the session goes on, unless it is [`WriteError::InDoubt`].
    pub async fn revoke(&self, session: SessionId) -> Result<Receipt, WriteError> {
        self.end(Revoked::Session(session)).await
    }

    /// Ends all sessions of a user that began before: "sign out everywhere", or the password has changed. `user` is
    /// the text of the session's field `#[session(user)]`. When this returns, no front end and no back
    /// end honours them any more. A reply that [begins a session](crate::reply::Reply::sign_in) afterwards
    /// begins one that goes on.
    ///
    /// # Errors
    /// When the log cannot store it. Then the sessions go on, unless it is [`WriteError::InDoubt`].
    pub async fn revoke_user(&self, user: impl fmt::Display) -> Result<Receipt, WriteError> {
        self.end(Revoked::User(user.to_string())).await
    }

    async fn end(&self, sessions: Revoked) -> Result<Receipt, WriteError> {
        let revocations = vec![session::revocation(sessions)];
        let draft = Draft { revocations, ..Draft::default() };
        Ok(self.site.journal.write_one(draft).await?.receipt)
    }

    /// The back end's docroot: where a controller puts the files that it then
    /// [synchronizes](Cluster::synchronize_docroot).
    pub fn docroot(&self) -> &Path {
        self.site.docroot.folder()
    }

    /// Brings a file of the back end's docroot to every front end, as it is now; `path` starts at
    /// the docroot. If there is no such file, it is removed from every front end.
    ///
    /// When this returns, every front end that serves from its cache has the whole file, and no
    /// front end serves what was there before. A front end that was cut off, or joins
    /// later, has the file before it answers a request for it. So a page that is made after this may
    /// refer to the file. What the controller's `#[invalidate]` names is invalidated with it.
    ///
    /// Write the file under a name of its own, or rename it into place: a file must not change
    /// while it is read. From the first call on the log decides what is at this path, on
    /// every front end, whatever is in its own docroot.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// #[controller("pictures.add")]
    /// #[invalidate(groups = ["pictures"])]
    /// async fn add(Path(name): Path<String>, cluster: Cluster, picture: Bytes) -> Result<Reply> {
    ///     if !name.chars().all(|letter| letter.is_ascii_alphanumeric()) {
    ///         return Err(bad_request("A picture's name is made of letters and digits."));
    ///     }
    ///     let path = format!("uploads/{name}.png");
    ///     let file = cluster.docroot().join(&path);
    ///     let draft = cluster.docroot().join(format!("uploads/.{name}")); // never served
    ///     tokio::fs::create_dir_all(cluster.docroot().join("uploads")).await?;
    ///     tokio::fs::write(&draft, &picture).await?;
    ///     tokio::fs::rename(&draft, &file).await?;
    ///     cluster.synchronize_docroot(&path).await?;
    ///     Ok(redirect_to(format!("/files/{path}")))
    /// }
    /// ```
    ///
    /// # Errors
    /// [`SyncError::Path`], [`SyncError::NoDocroot`], [`SyncError::Store`] and [`SyncError::Write`]:
    /// nothing was changed, save where that is [`WriteError::InDoubt`]. [`SyncError::Deadline`]: the file is
    /// changed, but not all front ends have it yet; they go on fetching it, and requests for it wait meanwhile.
    ///
    /// A front end that cannot store the file, because its disk is full, is not waited for: it takes no
    /// lease and is not ready (`/ready`) until it can.
    pub async fn synchronize_docroot(&self, path: impl AsRef<str>) -> Result<Receipt, SyncError> {
        let (site, path) = (Arc::clone(&self.site), path.as_ref().to_owned());
        // In a task of its own: a caller that stops waiting must not let the next one overtake it.
        let synchronizing = tokio::spawn(async move {
            let taken = site.docroot.take(&path).await?;
            let draft = Draft { files: vec![taken.change.clone()], ..Draft::default() };
            let receipt = site.journal.write_one(draft).await?.receipt;
            drop(taken);
            site.docroot.held(&path, receipt.position).await?;
            Ok(receipt)
        });
        match synchronizing.await {
            Ok(receipt) => receipt,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => {
                    let reason = "the back end has stopped meanwhile".to_owned();
                    Err(WriteError::InDoubt { reason }.into())
                }
            },
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster")
    }
}

impl FromRequestParts for Cluster {
    type Rejection = Infallible;
    const NEEDS: &'static [Need] = &[Need::Cluster];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Cluster, Infallible> {
        Ok(Cluster::of(&parts.site))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[tokio::test]
    async fn an_invalidation_gives_a_receipt_and_a_bad_pattern_an_error() {
        let mut parts = Request::builder().build().unwrap().parts;
        let cluster = Cluster::from_request_parts(&mut parts).await.unwrap();
        let receipt = cluster.invalidate(Invalidation::new().group("news")).await.unwrap();
        assert_eq!(receipt.position.0, 1);
        let refused = cluster.invalidate(Invalidation::new().pattern("^/blog/(")).await;
        assert!(matches!(refused, Err(WriteError::Pattern { .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn a_path_that_would_not_be_served_is_refused() {
        let parts = Request::builder().build().unwrap().parts;
        let cluster = Cluster::of(&parts.site);
        assert_eq!(cluster.synchronize_docroot("uploads/x.png").await.unwrap().position.0, 1);
        let refused = cluster.synchronize_docroot("../x.png").await.unwrap_err();
        assert!(matches!(refused, SyncError::Path { .. }), "{refused}");
        assert!(
            refused.to_string().starts_with("`../x.png` is not the path of a file"),
            "{refused}"
        );
    }
}
