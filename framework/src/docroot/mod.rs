//! Files that the log puts into the docroot of every front end.
//!
//! - [`check_path`]: the valid paths of such files.
//! - [`Manifest`]: the files, according to the log.
//! - [`Store`]: the contents, on a node's own disk.
//! - [`Keeper`]: the access of a controller to its back end, and [`SyncError`].
//!
//! This module depends on records and files only. The back end's half of the work is in `backend/docroot`, the front
//! end's in `frontend/docroot`.
//!
//! # How it works
//!
//! *Metadata is coherent, contents are named by their hashes.* A record of the log declares that the file at a path has
//! a content from now on, or is removed. The content's name is its hash, so the content never changes, and a copy of it
//! is correct or recognisably wrong. Such a record is sent like an invalidation: it is applied in the order of the feed
//! and before it is acknowledged. The contents are sent beside the feed: each front end fetches the contents that it
//! lacks, resumes after an interruption, and reports the records whose contents it lacks.
//!
//! `synchronize_docroot` copies the file into the back end's store, syncs it, appends the record, waits until it is
//! settled like every write, and then until every front end that holds a lease has reported that it has the content, or
//! cannot store it. A front end that cannot store it, for example because its disk is full, gets no lease until it can,
//! as long as another front end can: it serves nothing from its cache, and its admin port reports that it is not ready.
//! So one full disk does not make the uploads of other front ends fail. If none of the lease holders can store the
//! content, the call is an error, and they keep their leases.
//!
//! # The argument
//!
//! Let a call for a path return at time T; its record has position `q` and gives the path a content `c`, or removes it.
//! Consider a request for the path that reaches a front end after T. (A visitor who has seen a page that was rendered
//! after T sends only such requests.) To be shown: the response contains `c`, or the content of a later record; never
//! an older content, and never a 404 unless the file was removed.
//!
//! **The front end holds a lease**, on its own clock, read after the request arrived. By the law of the log it has
//! applied `q`: a write returns only when every front end has applied it or holds no lease, and no lease is granted to
//! a front end that has not applied the records that were in the log when it asked. Files are applied before the
//! position is acknowledged, so the manifest contains `c` or a later content. If it held the lease at T, either `c` is
//! on its disk, because the call waited for that, or `c` cannot be stored there. If it got the lease later, `c` may
//! still be on its way. Then the request waits for it, and the content is fetched before all others. The worst response
//! is 503 with `Retry-After`, when no back end can send the content in time. It is never 404, because the manifest
//! decides that.
//!
//! **It holds no lease.** Then its manifest may be outdated, and it asks a back end for the current entry. The back end
//! has applied all records that the front end has, and `q` too, because it returned from the call. The content is
//! fetched if necessary, as above.
//!
//! **It holds no lease and no back end answers.** Then the front end cannot determine the current content. It serves
//! the content in its manifest, or the file of its own docroot, which may be outdated by a record that it has not
//! received. This is the only case in which an old content is served after T. It was chosen because a site should keep
//! its style sheets while its back end is away. No pages are rendered then and cached pages are not served, so only a
//! page from elsewhere can refer to a newer content. If the manifest has no entry for the path and the front end has no
//! file of its own, the response is a 503, not a 404, because caches store a 404.
//!
//! **Contents are never mixed.** A response is read from one open file, which was given its name after its hash was
//! checked, and is never written to again. A file that replaces another has another name.
//!
//! **An encoded sibling is sent only if it is an encoding of the file.** `x.css.gz` is sent for `x.css` only if the log
//! contains both and the one decodes to the content of the other (`files`, "Encoded siblings"). So neither the order in
//! which the two were synchronized matters, nor whether the sibling was created from an older `x.css`, nor that a front
//! end without a lease has asked for one of them only. A sibling in a front end's own folder belongs to the file there.
//! If `x.css` is removed, it has no siblings.
//!
//! **A front end that joins** receives the manifest as of the position where its feed starts, before any record and any
//! lease. Entries contain the positions of their records, and a record changes an entry only if the record is later; so
//! the manifest may be slightly ahead of the start.
//!
//! **A back end can send the contents that it has announced.** The content is durable in its store before the record is
//! appended. It is kept as long as the manifest refers to it, and for a grace period. If the store is lost but the file
//! is still in the back end's docroot, it is imported again from there.
//!
//! **Two calls for one path** are serialized from before the file is read until the record is applied, so the content
//! of the later record was read later.
//!
//! # Consequences for a site
//!
//! From its first synchronization on, a path belongs to the log: front ends serve the file of the log, not the one in
//! their own folders, even after the site was deployed again. So keep uploads in a separate folder. An entry for a
//! removed file stays in the manifest, because a front end may have its own file at that path, which must not be
//! served.

mod error;
mod keeper;
mod manifest;
mod path;
mod store;

pub use error::SyncError;
pub(crate) use keeper::{Keeper, Keeping, Taken};
pub(crate) use manifest::{FileEntry, Manifest};
pub(crate) use path::check_path;
pub(crate) use store::StoreError;
pub(crate) use store::{Partial, Pin, Store};
