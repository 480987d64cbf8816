//! What is measured.
//!
//! - [`pages`]: a page from the cache; [`zipf`]: many pages; [`forms`]: the same for clients that
//!   have it already, or take it compressed; [`parts`]: a page that is put together from several;
//!   [`personal`]: one with a part of who has signed in.
//! - [`storm`], [`patterns`]: a page from the cache while other content is invalidated.
//! - [`made`]: pages that are made for each request.
//! - [`group`]: invalidating a group, by its size; [`receipt`]: a write, until no front end shows what
//!   it made wrong.
//! - [`updates`]: durable updates of one caller and of 256; [`stored`]: a site with much data.
//! - [`start`]: how long a start takes; [`memory`]: what cached pages take.
//! - [`fragments`]: a page of fragments, from the cache or evaluated.
//! - [`large`]: a file of 4 GiB, sent to many clients at once.
//! - [`turns`]: how servers are compared; [`side`]: one of them; [`setting`]: how it is asked.

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
