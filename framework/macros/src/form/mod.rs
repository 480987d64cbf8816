//! The expansion of `#[derive(Form)]`.
//!
//! - `field`: the declaration of a field, and the HTML attributes that it may have.
//! - `kind`: the types of HTML's inputs.
//! - `pattern`: converts HTML patterns to the syntax of the crate `regex`.

mod field;
mod kind;
mod pattern;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Type};

use self::field::{FormField, Shape};
use crate::combine;

/// A field of the struct.
enum Member<'a> {
    Field(Box<FormField<'a>>),
    /// Another form, whose fields are inserted here.
    Group(&'a Ident, &'a Type),
}

/// Expands `#[derive(Form)]`.
pub(crate) fn expand(input: DeriveInput) -> TokenStream {
    read(&input).unwrap_or_else(|error| {
        let error = error.into_compile_error();
        let (name, (impls, types, wheres)) = (&input.ident, input.generics.split_for_impl());
        // It is a form all the same, so that the controllers that take it get no errors that follow from this one.
        quote! {
            #error
            impl #impls ::headwater::form::FormData for #name #types #wheres {
                fn spec() -> &'static ::headwater::form::FormSpec {
                    ::std::unreachable!()
                }
                fn read(_: &mut ::headwater::form::Reader) -> ::std::option::Option<Self> {
                    ::std::option::Option::None
                }
                fn write(&self, _: &mut ::headwater::form::Writer) {}
                fn own_rules(&self, _: &mut ::headwater::form::Errors) {}
            }
        }
    })
}

fn read(input: &DeriveInput) -> syn::Result<TokenStream> {
    const WANTED: &str =
        "a form is a struct with a named field for each field of the form: `title: String`";
    let Data::Struct(data) = &input.data else { return Err(Error::new(input.span(), WANTED)) };
    let Fields::Named(named) = &data.fields else { return Err(Error::new(input.span(), WANTED)) };
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), "a form has no type parameters"));
    }
    let id = id_of(input)?;
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut wrong: Option<Error> = None;
    for field in &named.named {
        if let Some(ident) = field.ident.as_ref().filter(|_| is_group(field)) {
            members.push(Member::Group(ident, &field.ty));
            continue;
        }
        let is_known = |name: &str| {
            members.iter().any(|it| matches!(it, Member::Field(before) if before.name == name))
        };
        match FormField::read(field) {
            Ok(field) if is_known(&field.name) => {
                let twice = format!("there are two fields with the name `{}`", field.name);
                combine(&mut wrong, Error::new(field.ident.span(), twice));
            }
            Ok(field) => members.push(Member::Field(Box::new(field))),
            Err(error) => combine(&mut wrong, error),
        }
    }
    match wrong {
        Some(wrong) => Err(wrong),
        None => Ok(generate(input, &id, &members)),
    }
}

/// Returns whether the field has `#[form(group)]`.
fn is_group(field: &Field) -> bool {
    let mut words = field.attrs.iter().filter(|attribute| attribute.path().is_ident("form"));
    words.any(|words| words.parse_args::<Ident>().is_ok_and(|word| word == "group"))
}

/// Returns the id in `#[form(id = "…")]` on the struct.
fn id_of(input: &DeriveInput) -> syn::Result<String> {
    let mut id = String::new();
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("form")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("id") {
                return Err(meta.error(
                    "a struct's `#[form(…)]` takes `id = \"comment\"`, the prefix of its fields' ids on a \
                     page with several forms",
                ));
            }
            id = meta.value()?.parse::<LitStr>()?.value();
            Ok(())
        })?;
    }
    Ok(id)
}

fn generate(input: &DeriveInput, id: &str, members: &[Member<'_>]) -> TokenStream {
    let ident = &input.ident;
    let mut parts = Parts::default();
    for member in members {
        parts.add(member);
    }
    let spec = parts.spec(id);
    let Parts { names, reads, writes, patterns, rules, .. } = parts;
    let read: Vec<_> = (0..names.len()).map(|place| format_ident!("field_{place}")).collect();
    quote! {
        impl ::headwater::form::FormData for #ident {
            fn spec() -> &'static ::headwater::form::FormSpec {
                #(#patterns)*
                #spec
                &SPEC
            }

            fn read(reader: &mut ::headwater::form::Reader) -> ::std::option::Option<Self> {
                #(let #read = #reads;)*
                ::std::option::Option::Some(#ident { #(#names: #read?),* })
            }

            fn write(&self, writer: &mut ::headwater::form::Writer) {
                let _ = &writer;
                #(#writes)*
            }

            fn own_rules(&self, errors: &mut ::headwater::form::Errors) {
                // The type's own `check` takes precedence over that of the trait.
                #[allow(unused_imports)]
                use ::headwater::form::NoRules as _;
                #(#rules)*
                self.check(errors);
            }
        }
    }
}

/// The code that is generated for the members of a struct.
#[derive(Default)]
struct Parts<'a> {
    names: Vec<&'a Ident>,
    reads: Vec<TokenStream>,
    writes: Vec<TokenStream>,
    patterns: Vec<TokenStream>,
    /// The rules of the groups.
    rules: Vec<TokenStream>,
    /// The fields that are not in groups.
    definitions: Vec<TokenStream>,
    /// The fields of each member, as a slice.
    pieces: Vec<TokenStream>,
    groups: Vec<&'a Type>,
}

impl<'a> Parts<'a> {
    fn add(&mut self, member: &'a Member<'a>) {
        let groups = &self.groups;
        let number = self.names.len() - groups.len();
        // The number of preceding fields, with those of the groups.
        let place = quote! {
            #number #(+ <#groups as ::headwater::form::FormData>::spec().fields().len())*
        };
        let field = match member {
            Member::Field(field) => field,
            Member::Group(ident, ty) => {
                self.names.push(ident);
                self.reads.push(quote!(reader.group::<#ty>(#place)));
                self.writes.push(quote!(writer.group(#place, &self.#ident);));
                self.rules
                    .push(quote!(::headwater::form::FormData::own_rules(&self.#ident, errors);));
                self.pieces.push(quote!(<#ty as ::headwater::form::FormData>::spec().fields()));
                self.groups.push(ty);
                return;
            }
        };
        let (ident, ty) = (field.ident, field.ty);
        self.names.push(ident);
        self.reads.push(match (field.kind.is_file(), field.shape) {
            (false, _) => quote!(reader.value::<#ty>(#place)),
            (true, Shape::One) => quote!(reader.file(#place)),
            (true, Shape::Optional) => quote!(reader.optional_file(#place)),
            (true, Shape::Many) => quote!(reader.files(#place)),
        });
        if field.kind.is_kept() {
            self.writes.push(quote!(writer.value(#place, &self.#ident);));
        }
        if let Some((html, expression)) = &field.pattern {
            let name = format_ident!("PATTERN_{number}");
            self.patterns.push(quote! {
                static #name: ::headwater::form::Pattern =
                    ::headwater::form::Pattern::new(#html, #expression);
            });
        }
        let definition = field.definition(number);
        self.pieces.push(quote!(&[#definition][..]));
        self.definitions.push(definition);
    }

    /// Generates the form's `FormSpec`: a constant, unless the form has groups.
    fn spec(&self, id: &str) -> TokenStream {
        let Parts { pieces, definitions, .. } = self;
        if self.groups.is_empty() {
            return quote! {
                static SPEC: ::headwater::form::FormSpec =
                    ::headwater::form::FormSpec::new(#id, &[#(#definitions),*]);
            };
        }
        quote! {
            static SPEC: ::std::sync::LazyLock<::headwater::form::FormSpec> =
                ::std::sync::LazyLock::new(|| {
                    ::headwater::form::FormSpec::of_pieces(#id, &[#(#pieces),*])
                });
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn refused(input: DeriveInput) -> String {
        read(&input).err().map(|error| error.to_string()).unwrap_or_default()
    }

    /// Returns the error for a form with this field.
    fn said(field: syn::Field) -> String {
        refused(parse_quote! { struct Story { #field } })
    }

    fn field(input: TokenStream) -> syn::Field {
        syn::parse::Parser::parse2(syn::Field::parse_named, input).unwrap()
    }

    #[test]
    fn an_unknown_argument_is_refused_with_a_list_of_the_known_ones() {
        let said = said(field(quote!(#[form(max_length = 3)] title: String)));
        assert!(said.contains("did you mean `maxlength`?"), "{said}");
        assert!(said.contains("`required`"), "{said}");
    }

    #[test]
    fn an_argument_must_fit_the_type_of_the_field() {
        for (input, wanted) in [
            (quote!(#[form(maxlength = 3)] age: u8), "`maxlength` is for texts"),
            (quote!(#[form(min = 3)] title: String), "`min` is for numbers and dates"),
            (quote!(#[form(step = 3)] title: String), "`step` is for numbers"),
            (quote!(#[form(pattern = "a")] age: u8), "`pattern` is for texts of one line"),
            (quote!(#[form(accept = ".pdf")] title: String), "`accept` is for files"),
            (quote!(#[form(required)] title: Option<String>), "an `Option` is never required"),
            (quote!(#[form(type = "email")] done: bool), "a `bool` is a checkbox"),
            (quote!(#[form(type = "checkbox")] done: Option<bool>), "a checkbox is a `bool`"),
            (quote!(#[form(type = "number")] sizes: Vec<u8>), "a `Vec` has several values"),
            (quote!(#[form(type = "reset")] title: String), "`datetime-local`"),
            (quote!(#[form(type = "file")] title: String), "a file is a `FormFile`"),
            (
                quote!(#[form(minlength = 9, maxlength = 3)] title: String),
                "`minlength` (9) is greater than",
            ),
            (
                quote!(#[form(type = "date", min = "1.3.2026")] day: String),
                "`min = \"2026-03-01\"`",
            ),
            (quote!(#[form(min = "ten")] age: u8), "a number: `min = 18`"),
        ] {
            let said = said(field(input.clone()));
            assert!(said.contains(wanted), "{input}: {said}");
        }
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let wrong = read(&parse_quote! {
            struct Story {
                #[form(maxlenght = 3)]
                title: String,
                #[form(min = 3)]
                body: String,
            }
        });
        assert_eq!(wrong.unwrap_err().into_iter().count(), 2);
    }

    #[test]
    fn two_fields_have_two_names() {
        let said = refused(parse_quote! {
            struct Story { title: String, #[form(name = "title")] heading: String }
        });
        assert_eq!(said, "there are two fields with the name `title`");
    }

    #[test]
    fn a_field_may_have_the_name_of_a_keyword() {
        let generated = expand(parse_quote! { struct Story { r#type: String } }).to_string();
        assert!(generated.contains("\"type\""), "{generated}");
    }
}
