use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields};

/// Expands `#[derive(State)]`: generates the view and its fields.
pub(crate) fn expand(input: DeriveInput) -> TokenStream {
    read(&input).unwrap_or_else(Error::into_compile_error)
}

fn read(input: &DeriveInput) -> syn::Result<TokenStream> {
    const WANTED: &str =
        "a state is a struct with named fields: `Table<R>`, `Value<T>` or `Plain<T>`";
    let Data::Struct(data) = &input.data else { return Err(Error::new(input.span(), WANTED)) };
    let Fields::Named(fields) = &data.fields else { return Err(Error::new(input.span(), WANTED)) };
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), "a state has no type parameters"));
    }
    let DeriveInput { ident, vis, .. } = input;
    let view = format_ident!("{ident}View", span = ident.span());
    let doc = format!("The view of [`{ident}`] that controllers read.");
    let (mut names, mut types, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for field in &fields.named {
        let docs = field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
        let (name, ty, vis) = (&field.ident, &field.ty, &field.vis);
        names.push(name);
        types.push(ty);
        shown.push(quote! {
            #(#docs)*
            #vis #name: <#ty as ::headwater::state::StateField>::View
        });
    }
    let texts = names.iter().map(|name| name.as_ref().map(ToString::to_string));
    let places = 0..names.len();
    let field_places = places.clone();
    Ok(quote! {
        #[doc = #doc]
        #[derive(Clone)]
        #[allow(dead_code)]
        #vis struct #view {
            #(#shown,)*
        }

        impl ::headwater::state::State for #ident {
            type View = #view;
            const FIELDS: &'static [::headwater::state::FieldSchema] =
                &[#((#texts, <#types as ::headwater::state::StateField>::schema)),*];

            fn view(&self, reading: &::headwater::state::Reading<'_>) -> #view {
                #view {
                    #(#names: ::headwater::state::StateField::view(&self.#names, reading, #places),)*
                }
            }

            fn each_field(
                &mut self,
                visit: &mut dyn FnMut(usize, &mut dyn ::headwater::state::AnyField),
            ) {
                #(visit(#field_places, &mut self.#names);)*
            }
        }
    })
}
