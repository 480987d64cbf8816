use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Error, ItemFn, parse_quote};

use crate::attributes::{belongs_below, name_of};

/// Expands an attribute that is written above `#[controller]`: moves it, and the attributes between
/// them that belong to the controller, below. Without a `#[controller]` it generates a compile
/// error.
pub(crate) fn below_controller(
    name: &str,
    arguments: TokenStream,
    item: TokenStream,
) -> TokenStream {
    let mut function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => return with(item, &Error::new(error.span(), misplaced(name))),
    };
    let controller = function.attrs.iter().position(|attribute| name_of(attribute) == "controller");
    let Some(controller) = controller else {
        return with(item, &Error::new(Span::call_site(), misplaced(name)));
    };
    let ident = format_ident!("{name}");
    let this: Attribute = parse_quote!(#[#ident(#arguments)]);
    let rest = function.attrs.split_off(controller + 1);
    let (mut above, others): (Vec<_>, Vec<_>) =
        std::mem::take(&mut function.attrs).into_iter().partition(belongs_below);
    above.insert(0, this);
    function.attrs = others.into_iter().chain(above).chain(rest).collect();
    function.into_token_stream()
}

fn misplaced(name: &str) -> String {
    format!(
        "`#[{name}]` belongs to a controller: put `#[controller(\"…\")]` above it, on an `async fn`"
    )
}

fn with(item: TokenStream, error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}
