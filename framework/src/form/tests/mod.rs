//! Forms in controllers and templates.

mod components;
mod groups;
mod pages;
mod reading;
mod rules;
mod steps;
