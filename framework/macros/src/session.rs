use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Member};

/// Expands `#[derive(Session)]`.
pub(crate) fn expand(input: DeriveInput) -> TokenStream {
    read(&input).unwrap_or_else(Error::into_compile_error)
}

fn read(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.span(), "a session is a struct"));
    };
    let mut user = None;
    for (field, member) in data.fields.iter().zip(data.fields.members()) {
        if is_user(field)? && user.replace(member).is_some() {
            return Err(Error::new(
                field.span(),
                "a session has one field with `#[session(user)]`",
            ));
        }
    }
    let user = match user {
        Some(member) => user_of(&member),
        None => quote!(::std::option::Option::None),
    };
    let (ident, (generics, arguments, bounds)) = (&input.ident, input.generics.split_for_impl());
    Ok(quote! {
        impl #generics ::headwater::session::SessionData for #ident #arguments #bounds {
            fn user(&self) -> ::std::option::Option<::std::string::String> {
                #user
            }
        }
    })
}

fn user_of(member: &Member) -> TokenStream {
    quote!(::std::option::Option::Some(::std::string::ToString::to_string(&self.#member)))
}

/// Returns whether a field has `#[session(user)]`.
fn is_user(field: &Field) -> syn::Result<bool> {
    let mut is_user = false;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("session")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("user") {
                return Err(meta.error("the attribute is `#[session(user)]`"));
            }
            is_user = true;
            Ok(())
        })?;
    }
    Ok(is_user)
}
