use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields};

/// Expands `#[derive(Variant)]`.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    read(input).unwrap_or_else(Error::into_compile_error)
}

fn read(input: &DeriveInput) -> syn::Result<TokenStream> {
    let message = "the classes of visitors are an enum without fields";
    let Data::Enum(data) = &input.data else { return Err(Error::new(input.span(), message)) };
    if let Some(other) = data.variants.iter().find(|class| !matches!(class.fields, Fields::Unit)) {
        return Err(Error::new(other.span(), message));
    }
    let ident = &input.ident;
    let classes: Vec<_> = data.variants.iter().map(|class| &class.ident).collect();
    let names: Vec<String> =
        classes.iter().map(|class| in_kebab_case(&class.to_string())).collect();
    let known = names.join(", ");
    Ok(quote! {
        impl ::std::convert::From<#ident> for ::headwater::Variant {
            fn from(class: #ident) -> ::headwater::Variant {
                ::headwater::Variant::named(match class { #(#ident::#classes => #names,)* })
            }
        }

        impl ::std::str::FromStr for #ident {
            type Err = ::std::string::String;

            fn from_str(name: &str) -> ::std::result::Result<#ident, ::std::string::String> {
                match name {
                    #(#names => ::std::result::Result::Ok(#ident::#classes),)*
                    _ => ::std::result::Result::Err(::std::format!("`{name}` is not one of {}", #known)),
                }
            }
        }
    })
}

/// Converts `SignedIn` to `signed-in`.
fn in_kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}
