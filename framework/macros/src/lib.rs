//! The attributes and derives of `headwater`. Use them through the `headwater` crate, whose module `controller` has
//! examples.
//!
//! - `controller`: the function and what is generated from it.
//! - `attributes`: parses the attributes below `#[controller]`.
//! - `invalidate`, `template`: parse and check the arguments of `#[invalidate(…)]`.
//! - `row`, `state`, `key`: the derives for the site's data; `session`, `form`, `variant`: those for its sessions, its
//!   forms, and the classes of its visitors.
//! - `moved`: moves attributes from above `#[controller]` to below it.

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

/// Adds an error to those found before.
fn combine(wrong: &mut Option<syn::Error>, error: syn::Error) {
    match wrong {
        Some(wrong) => wrong.combine(error),
        None => *wrong = Some(error),
    }
}

/// Makes an `async fn` a controller with the name that routes in `dispatch.conf` use.
///
/// Each argument is an [extractor]. One of them may read the body; it is extracted after all others, whatever its
/// position. (A type of your own that reads the body must be the last argument.) The function returns any type that
/// implements [`IntoReply`]. It can still be called as a function; the attribute adds a type of the same name, which
/// `controllers![…]` registers.
///
/// `#[before(…)]`, `#[after(…)]` and `#[invalidate(…)]` are written below it.
///
/// [extractor]: https://docs.rs/headwater/latest/headwater/extract/
/// [`IntoReply`]: https://docs.rs/headwater/latest/headwater/reply/trait.IntoReply.html
#[proc_macro_attribute]
pub fn controller(arguments: TokenStream, item: TokenStream) -> TokenStream {
    controller::expand(arguments.into(), item.into()).into()
}

/// Declares the cached content that a controller invalidates on all front ends: by groups, and by patterns (regular
/// expressions that are searched for in the ids of cached content).
///
/// ```text
/// #[invalidate("^/blog/", "^/index\\.html$")]
/// #[invalidate(groups = ["reports", "report:{slug}"])]
/// #[invalidate("^/reports/{slug}$", groups = ["front"], when = published)]
/// ```
///
/// The invalidation becomes durable in the same record as the controller's update. With `when`, a `fn(&Reply) -> bool`,
/// it depends on the reply. `{slug}` is replaced by the value that the route captured under this name, which is escaped
/// in patterns; `{{` and `}}` are braces in a group's name. Patterns are checked when the site is compiled.
#[proc_macro_attribute]
pub fn invalidate(arguments: TokenStream, item: TokenStream) -> TokenStream {
    moved::below_controller("invalidate", arguments.into(), item.into()).into()
}

/// Runs a step before a controller: an `async fn(request: &mut Request) -> Result<(), Reply>`, or a
/// value of a type with `impl Before`. Several steps run in the order in which they are written.
#[proc_macro_attribute]
pub fn before(arguments: TokenStream, item: TokenStream) -> TokenStream {
    moved::below_controller("before", arguments.into(), item.into()).into()
}

/// Runs a step after a controller: an `async fn(reply: Reply) -> Reply`, an
/// `async fn(parts: &RequestParts, reply: Reply) -> Reply`, or a value of a type with `impl After`.
/// Several steps run in the order in which they are written.
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

/// Makes a struct of one field, or an enum without fields, a key of rows: see the trait `Key` in `headwater::state`.
#[proc_macro_derive(Key)]
pub fn key(input: TokenStream) -> TokenStream {
    key::expand(syn::parse_macro_input!(input)).into()
}

/// Makes a struct the data that a site keeps about a signed-in visitor: see the trait `SessionData` in
/// `headwater::session`.
#[proc_macro_derive(Session, attributes(session))]
pub fn session(input: TokenStream) -> TokenStream {
    session::expand(syn::parse_macro_input!(input)).into()
}

/// Makes a struct a form, with the rules for submitted values and the HTML attributes of its fields: see the module
/// `headwater::form`.
#[proc_macro_derive(Form, attributes(form))]
pub fn form(input: TokenStream) -> TokenStream {
    form::expand(syn::parse_macro_input!(input)).into()
}

/// Makes an enum without fields the classes of a site's visitors, as a return type of the variant function. Each class
/// is a variant named in kebab case, `SignedIn` as `signed-in`. `FromStr` parses a variant's name back into the class.
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
