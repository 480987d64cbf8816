//! The attributes and derives of `headwater`. Use them through the `headwater` crate; its module `controller`
//! shows them at work.
//!
//! - `controller`: the function and what is generated from it.
//! - `attributes`: the attributes that stand below `#[controller]`, as they are read.
//! - `invalidate`, `template`: what `#[invalidate(…)]` holds, checked.
//! - `row`, `state`, `key`: the derives of the site's data; `session`: that of its sessions;
//!   `form`: that of its forms; `variant`: that of the classes of its visitors.
//! - `moved`: attributes that stand above `#[controller]` are put below it.

mod attributes;
mod controller;
mod form;
mod invalidate;
mod key;
mod moved;
mod row;
mod session;
mod state;
mod template;
mod variant;

use proc_macro::TokenStream;

/// Makes an `async fn` a controller with the name that `dispatch.conf` calls it by.
///
/// Each argument is an [extractor]. One of them may read the body; it is taken after all others,
/// wherever it stands. (A type of your own that reads the body must stand last.) What is returned
/// is anything that is [`IntoReply`]. The function stays as it is and can be called; beside it there
/// is a type of the same name, which `controllers![…]` registers.
///
/// `#[before(…)]`, `#[after(…)]` and `#[invalidate(…)]` stand below it.
///
/// [extractor]: https://docs.rs/headwater/latest/headwater/extract/
/// [`IntoReply`]: https://docs.rs/headwater/latest/headwater/reply/trait.IntoReply.html
#[proc_macro_attribute]
pub fn controller(arguments: TokenStream, item: TokenStream) -> TokenStream {
    controller::expand(arguments.into(), item.into()).into()
}

/// Says what a controller makes wrong in the caches of all front ends: patterns (regular
/// expressions that are searched for in the ids of cached content) and groups.
///
/// ```text
/// #[invalidate("^/blog/", "^/index\\.html$")]
/// #[invalidate(groups = ["reports", "report:{slug}"])]
/// #[invalidate("^/reports/{slug}$", groups = ["front"], when = published)]
/// ```
///
/// It becomes durable in one record with what the controller writes. With `when`, a
/// `fn(&Reply) -> bool`, it depends on the reply. In place of `{slug}` comes what the route captured
/// under that name, escaped where it stands in a pattern; `{{` and `}}` are braces in a group's
/// name. Patterns are checked when the site is compiled.
#[proc_macro_attribute]
pub fn invalidate(arguments: TokenStream, item: TokenStream) -> TokenStream {
    moved::below_controller("invalidate", arguments.into(), item.into()).into()
}

/// Runs a step before a controller: an `async fn(request: &mut Request) -> Result<(), Reply>`, or a
/// value of a type with `impl Before`. Of several, the first one that is written runs first.
#[proc_macro_attribute]
pub fn before(arguments: TokenStream, item: TokenStream) -> TokenStream {
    moved::below_controller("before", arguments.into(), item.into()).into()
}

/// Runs a step after a controller: an `async fn(reply: Reply) -> Reply`, an
/// `async fn(parts: &RequestParts, reply: Reply) -> Reply`, or a value of a type with `impl After`.
/// Of several, the first one that is written runs first.
#[proc_macro_attribute]
pub fn after(arguments: TokenStream, item: TokenStream) -> TokenStream {
    moved::below_controller("after", arguments.into(), item.into()).into()
}

/// Makes a struct a row of a table: see the trait `Row` in `headwater::state`.
#[proc_macro_derive(Row, attributes(row))]
pub fn row(input: TokenStream) -> TokenStream {
    row::expand(syn::parse_macro_input!(input)).into()
}

/// Makes a struct of tables and values the data of a site, and makes its view: see the trait `State` in
/// `headwater::state`.
#[proc_macro_derive(State)]
pub fn state(input: TokenStream) -> TokenStream {
    state::expand(syn::parse_macro_input!(input)).into()
}

/// Makes a struct of one field, or an enum without fields, something that rows can be found by: see the trait
/// `Key` in `headwater::state`.
#[proc_macro_derive(Key)]
pub fn key(input: TokenStream) -> TokenStream {
    key::expand(syn::parse_macro_input!(input)).into()
}

/// Makes a struct what a site keeps about a visitor who has signed in: see the trait `SessionData` in
/// `headwater::session`.
#[proc_macro_derive(Session, attributes(session))]
pub fn session(input: TokenStream) -> TokenStream {
    session::expand(syn::parse_macro_input!(input)).into()
}

/// Makes a struct a form: what is sent, its rules and the attributes of its fields in HTML; see the module
/// `headwater::form`.
#[proc_macro_derive(Form, attributes(form))]
pub fn form(input: TokenStream) -> TokenStream {
    form::expand(syn::parse_macro_input!(input)).into()
}

/// Makes an enum without fields the classes of a site's visitors: what its variant function returns. A class is a
/// variant that is named after it, `SignedIn` as `signed-in`; with `FromStr` a controller has it back of the
/// variant's name.
///
/// ```text
/// #[derive(Variant)]
/// enum Audience { Guest, Member, Editor }
///
/// App::new().variant(|visitor| match visitor.session::<Account>() {
///     Some(account) if account.edits => Audience::Editor,
///     Some(_) => Audience::Member,
///     None => Audience::Guest,
/// })
/// ```
#[proc_macro_derive(Variant)]
pub fn variant(input: TokenStream) -> TokenStream {
    variant::expand(&syn::parse_macro_input!(input)).into()
}
