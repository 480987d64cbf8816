use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields};

/// Expands `#[derive(Key)]`.
pub(crate) fn expand(input: DeriveInput) -> TokenStream {
    read(&input).unwrap_or_else(Error::into_compile_error)
}

fn read(input: &DeriveInput) -> syn::Result<TokenStream> {
    const WANTED: &str = "a key is a struct of one unnamed field, `struct StoryId(u64);`, or an enum whose variants have no fields";
    let wanted = || Error::new(input.span(), WANTED);
    let ident = &input.ident;
    let (encode, spell, show, decode, schema) = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => (
                quote!(::headwater::state::Key::encode(&self.0, bytes)),
                quote!(::headwater::state::Key::spell(&self.0, text)),
                quote!(::headwater::state::Key::show(&self.0, text)),
                quote!(::headwater::state::OwnedKey::decode(bytes).map(#ident)),
                {
                    let inner = &fields.unnamed[0].ty;
                    quote!(<#inner as ::headwater::state::Key>::schema())
                },
            ),
            _ => return Err(wanted()),
        },
        Data::Enum(data) if data.variants.iter().all(|variant| variant.fields.is_empty()) => {
            let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
            let names: Vec<_> =
                variants.iter().map(|variant| variant.unraw().to_string()).collect();
            let schema = format!("enum({})", names.join(", "));
            let numbers: Vec<_> = (0..variants.len() as u32).collect();
            (
                quote!(::headwater::state::Key::encode(
                    &match self { #(#ident::#variants => #numbers,)* },
                    bytes,
                )),
                quote!(text.push_str(match self { #(#ident::#variants => #names,)* })),
                quote!(::headwater::state::Key::spell(self, text)),
                quote!(match <u32 as ::headwater::state::OwnedKey>::decode(bytes)? {
                    #(#numbers => Some(#ident::#variants),)*
                    _ => None,
                }),
                quote!(::std::string::String::from(#schema)),
            )
        }
        _ => return Err(wanted()),
    };
    Ok(quote! {
        impl ::headwater::state::Key for #ident {
            fn encode(&self, bytes: &mut ::headwater::state::Encoder) {
                #encode;
            }

            fn spell(&self, text: &mut ::std::string::String) {
                #spell;
            }

            fn show(&self, text: &mut ::std::string::String) {
                #show;
            }

            fn schema() -> ::std::string::String {
                #schema
            }
        }

        impl ::headwater::state::OwnedKey for #ident {
            fn decode(bytes: &mut &[u8]) -> ::std::option::Option<#ident> {
                #decode
            }
        }

        impl ::headwater::state::Lookup<#ident> for #ident {}
    })
}
