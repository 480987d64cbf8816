//! Files that the log puts into the docroot of every front end.
//!
//! - [`check_path`]: which paths such files may have.
//! - [`Manifest`]: which files there are, as the log says.
//! - [`Store`]: the contents, on a node's own disk.
//! - [`Keeper`]: what a controller asks of its back end, and [`SyncError`].
//!
//! This module knows records and files. The back end's half of the work is in `backend/docroot`, the
//! front end's in `frontend/docroot`.
//!
//! # How it works
//!
//! *Metadata is coherent, contents are named by their hashes.* A record of the log says that the
//! file at a path has a content from now on, or that it is gone. The content's name is its hash,
//! so it never changes, and a copy of it is right or recognisably wrong. Such a record travels like an
//! invalidation: it is applied in the order of the feed and before it is acknowledged. The contents
//! travel beside the feed: each front end fetches what it lacks, goes on where it was broken off,
//! and reports which records' contents it lacks.
//!
//! `synchronize_docroot` copies the file into the back end's store, syncs it, appends the record, waits
//! until it is settled as every write does, and then until every front end that holds a lease has
//! reported that it has the content, or cannot store it. One that cannot, because its disk is full for
//! example, gets no lease until it can, as long as another front end can: it serves nothing from its
//! cache, and it says on its admin port that it is not ready. So one disk fails no other front end's
//! uploads. If none of the lease holders can store it, the call is an error, and they keep their leases.
//!
//! # The argument
//!
//! Let a call for a path be answered at time T; its record stands at position `q` and gives the
//! path a content `c`, or removes it. Take a request for the path that reaches a front end after
//! T. (A visitor who has seen a page that was made after T sends only such requests.) To be
//! shown: it is answered with `c`, or with what a later record says; never with an older content,
//! and never with 404 unless the file was removed.
//!
//! **The front end holds a lease**, on its own clock read after the request came. By the law of the log it has
//! applied `q`: a write is answered only when every front end has applied it or holds no lease, and
//! no lease is given to a front end that has not applied what was in the log when it asked. Files
//! are applied before the position is acknowledged, so the manifest says `c` or later. If it held
//! the lease at T, `c` is on its disk, because the call waited for that, or cannot be stored there. If it got the
//! lease later, `c` may still be on its way. Then the request waits for it, and the content is fetched before all
//! others. The worst that can happen is 503 with `Retry-After`, when no back end can send the
//! content in time. It is never 404: the manifest is what decides that.
//!
//! **It holds no lease.** Then its manifest may be old, and it asks a back end for what the
//! manifest says now. The back end has applied all that the front end has, and `q` too, because it
//! answered the call. The content is fetched if need be, as above.
//!
//! **It holds no lease and no back end answers.** Then it does not know. What it knows of it serves:
//! the content that it knows, or the file of its own docroot, perhaps outdated by a record that it has not
//! seen. This is the one case in which an old content is served after T, chosen because a site
//! should keep its style sheets while its back end is away. Pages are then made nowhere and cached pages are not
//! served, so only a page from elsewhere can refer to something newer. A path of
//! which it knows nothing is a 503, not a 404: caches believe a 404.
//!
//! **Contents are never mixed.** A response is read from one open file, which was given its name
//! after its hash was checked, and is never written to again. A file that replaces another has another name.
//!
//! **An encoded sibling is the file itself or is not sent.** `x.css.gz` is sent for `x.css` only if the log
//! knows both and the one decodes to the content of the other (`files`, "Encoded siblings"). So it
//! does not matter in which order the two were synchronized, whether the sibling was made of an
//! older `x.css`, or that a front end without a lease has asked for the one only. A sibling in a
//! front end's own folder is that of the file there. When `x.css` is removed, it has no siblings.
//!
//! **A front end that joins** gets the manifest as of the position where its feed starts, before
//! any record and any lease. Entries carry the positions of their records, and a record changes an
//! entry only if it is younger; so it does no harm that the manifest may be a little ahead of the start.
//!
//! **What a back end has promised it can send.** The content is durable in its store before the
//! record is appended. It stays as long as the manifest refers to it, and a while longer. If the
//! store is lost but the file is still in the back end's docroot, it is imported again from there.
//!
//! **Two calls for one path** take turns from before the file is read until the record is applied,
//! so the content of the record that comes last was read last.
//!
//! # What follows for a site
//!
//! From its first synchronization on, a path belongs to the log: front ends serve what the log
//! says, not what is in their own folders, even after the site was deployed anew. So keep what is
//! uploaded in a folder of its own. An entry for a removed file stays in the manifest, because a
//! front end may have a file of its own there, which must not come to light.

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
