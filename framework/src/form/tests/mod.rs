//! Forms as controllers and templates meet them.

mod components;
mod pages;
mod reading;
mod rules;
