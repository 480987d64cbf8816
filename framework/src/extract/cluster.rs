use std::convert::Infallible;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use tokio::fs;

use super::{FormFile, FromRequestParts, Need};
use crate::docroot::{SyncError, check_path};
use crate::log::{Draft, Invalidation, Receipt, Revoked, SessionId};
use crate::request::RequestParts;
use crate::request::SiteAccess;
use crate::session;
use crate::state::WriteError;

/// All front ends of the site: invalidates their cached content and sends them files.
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
    site: Arc<SiteAccess>,
}

impl Cluster {
    /// Returns the front ends of a site.
    pub fn of(site: &Arc<SiteAccess>) -> Cluster {
        Cluster { site: site.clone() }
    }

    /// Invalidates cached content. When this returns, no front end serves it any more; the receipt contains the outcome
    /// for each front end.
    ///
    /// # Errors
    /// Fails if a pattern is not a regular expression or can never match, or if the log cannot store the record.
    /// Nothing is invalidated then.
    pub async fn invalidate(&self, invalidation: Invalidation) -> Result<Receipt, WriteError> {
        let draft = Draft { invalidation, ..Draft::default() };
        Ok(self.site.journal.write_one(draft).await?.receipt)
    }

    /// Ends a session. When this returns, no front end and no back end accepts its cookie any more.
    ///
    /// # Errors
    /// Fails if the log cannot store the record. The session then remains valid, unless the error is
    /// [`WriteError::InDoubt`].
    pub async fn revoke(&self, session: SessionId) -> Result<Receipt, WriteError> {
        self.end(Revoked::Session(session)).await
    }

    /// Ends all existing sessions of a user, for "sign out everywhere" or after a change of the password. `user` is the
    /// text of the session's field `#[session(user)]`. When this returns, no front end and no back end accepts them any
    /// more. Sessions that a reply [begins](crate::reply::Reply::sign_in) afterwards are not affected.
    ///
    /// # Errors
    /// Fails if the log cannot store the record. The sessions then remain valid, unless the error is
    /// [`WriteError::InDoubt`].
    pub async fn revoke_user(&self, user: impl fmt::Display) -> Result<Receipt, WriteError> {
        self.end(Revoked::User(user.to_string())).await
    }

    async fn end(&self, sessions: Revoked) -> Result<Receipt, WriteError> {
        let revocations = vec![session::revocation(sessions)];
        let draft = Draft { revocations, ..Draft::default() };
        Ok(self.site.journal.write_one(draft).await?.receipt)
    }

    /// Returns the back end's docroot. A controller writes files there and then
    /// [synchronizes](Cluster::synchronize_docroot) them.
    pub fn docroot(&self) -> &Path {
        self.site.docroot.folder()
    }

    /// Sends the current content of a file in the back end's docroot to every front end; `path` is relative to the
    /// docroot. If the file does not exist, every front end removes it.
    ///
    /// When this returns, every front end that serves from its cache has the whole file, and no front end serves the
    /// previous one. A front end that was disconnected, or joins later, receives the file before it answers a request
    /// for it. So a page that is rendered after this may refer to the file. The groups and pages in the controller's
    /// `#[invalidate]` are invalidated as well.
    ///
    /// Write the file under a new name, or rename it into place: a file must not change while it is read. From the
    /// first call on, the log determines the file at this path on every front end, regardless of the front end's own
    /// docroot.
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
    /// [`SyncError::Path`], [`SyncError::NoDocroot`], [`SyncError::Store`] and [`SyncError::Write`]: nothing was
    /// changed, unless the cause is [`WriteError::InDoubt`]. [`SyncError::Deadline`]: the file is changed, but not all
    /// front ends have it yet; they continue to fetch it, and requests for it wait meanwhile.
    ///
    /// The call does not wait for a front end that cannot store the file, for example because its disk is full: such a
    /// front end takes no lease and is not ready (`/ready`) until it can.
    pub async fn synchronize_docroot(&self, path: impl AsRef<str>) -> Result<Receipt, SyncError> {
        let (site, path) = (Arc::clone(&self.site), path.as_ref().to_owned());
        // In its own task: if a caller stops waiting, the next call must not overtake this one.
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

impl Cluster {
    /// Sends files from a visitor to every front end, as [`synchronize_docroot`](Cluster::synchronize_docroot) does:
    /// each is written into this folder of the docroot, under a unique name. Returns their paths in the docroot, in the
    /// same order.
    ///
    /// The extension follows from the first bytes of the content: `.png`, `.jpg`, `.gif`, `.webp`, `.pdf`, or else
    /// `.bin`, which browsers do not display. Only a decoder can check the bytes after them.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// #[derive(Form)]
    /// struct Portrait {
    ///     #[form(accept = "image/png, image/jpeg", max_size = 2_000_000)]
    ///     picture: Option<FormFile>,
    /// }
    ///
    /// #[controller("portrait.change")]
    /// async fn change(cluster: Cluster, form: Submitted<Portrait>) -> Result {
    ///     let form = form.valid(|form| template!("portrait.html").with("form", form))?;
    ///     let picture = cluster.keep_files("uploads", form.picture).await?.pop();
    ///     // … which goes into a table
    ///     # drop(picture);
    ///     Ok(redirect_to("/portrait"))
    /// }
    /// ```
    ///
    /// # Errors
    /// As `synchronize_docroot`, and when a file cannot be written. The files before it remain.
    pub async fn keep_files(
        &self,
        folder: &str,
        files: impl IntoIterator<Item = FormFile>,
    ) -> Result<Vec<String>, SyncError> {
        let mut paths = Vec::new();
        // Creating a folder in place of a missing docroot would hide that the docroot is missing.
        if !fs::try_exists(self.docroot()).await.unwrap_or(false) {
            return Err(SyncError::NoDocroot { folder: self.docroot().to_owned() });
        }
        for file in files {
            let name = rand::random::<u128>();
            let path = format!("{folder}/{name:032x}.{}", file.extension());
            check(&path)?;
            let written = write(&self.docroot().join(&path), file.content()).await;
            written.map_err(|error| SyncError::File { path: path.clone(), error })?;
            self.synchronize_docroot(&path).await?;
            paths.push(path);
        }
        Ok(paths)
    }

    /// Removes the files with these paths from the docroot of the back end and of every front end. A missing file
    /// counts as removed.
    ///
    /// Remove references to a file from the data first: otherwise pages may refer to a missing file.
    ///
    /// # Errors
    /// As [`synchronize_docroot`](Cluster::synchronize_docroot), and when a file cannot be removed.
    pub async fn remove_files(
        &self,
        paths: impl IntoIterator<Item: AsRef<str>>,
    ) -> Result<(), SyncError> {
        for path in paths {
            let path = path.as_ref();
            check(path)?;
            match fs::remove_file(self.docroot().join(path)).await {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(SyncError::File { path: path.to_owned(), error });
                }
                _ => self.synchronize_docroot(path).await?,
            };
        }
        Ok(())
    }
}

/// Rejects paths outside of the docroot before anything is written or removed.
fn check(path: &str) -> Result<(), SyncError> {
    check_path(path).map_err(|reason| SyncError::Path { path: path.to_owned(), reason })
}

/// Writes a file and creates its folder. Until the file is complete, it has a name that is never served.
async fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(file);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}"));
    fs::create_dir_all(folder).await?;
    fs::write(&draft, content).await?;
    fs::rename(&draft, file).await
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
