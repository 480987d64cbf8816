//! Forms as controllers and templates meet them.

mod components;
mod groups;
mod pages;
mod reading;
mod rules;
mod steps;
