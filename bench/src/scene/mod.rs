//! The scenes that are measured.
//!
//! - [`pages`]: a cached page; [`zipf`]: many pages; [`forms`]: a page for clients that have it already or accept it
//!   compressed; [`parts`]: a page that is composed of several; [`personal`]: a page with a part that depends on the
//!   session.
//! - [`storm`], [`patterns`]: a cached page while other content is invalidated.
//! - [`made`]: pages that are made for each request.
//! - [`group`]: invalidating a group, by its size; [`receipt`]: a write, until no front end serves the invalidated
//!   pages.
//! - [`updates`]: durable updates of one caller and of 256; [`stored`]: a site with much data.
//! - [`start`]: the duration of a start; [`memory`]: the memory of cached pages.
//! - [`fragments`]: a page of fragments, cached or evaluated.
//! - [`large`]: a file of 4 GiB, sent to many clients at once.
//! - [`turns`]: the comparison of servers; [`side`]: one of them; [`setting`]: the settings of the load.

pub(crate) mod forms;
pub(crate) mod fragments;
pub(crate) mod group;
pub(crate) mod large;
pub(crate) mod made;
pub(crate) mod memory;
pub(crate) mod pages;
pub(crate) mod parts;
pub(crate) mod patterns;
pub(crate) mod personal;
pub(crate) mod receipt;
pub(crate) mod setting;
pub(crate) mod side;
pub(crate) mod start;
pub(crate) mod stored;
pub(crate) mod storm;
pub(crate) mod turns;
pub(crate) mod updates;
pub(crate) mod zipf;
