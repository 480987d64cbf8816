//! Files that a controller synchronizes to every front end, with real processes.
//!
//! - `gallery`: a cluster whose nodes share no folder, and its pictures.
//! - `calm`: uploads, replacements and removals without faults.
//! - `trouble`: cut links, killed nodes, full disks.
//! - `readers`: visitors that request pictures all the time while all of this goes on.

mod calm;
mod gallery;
mod readers;
mod trouble;
