use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::token::Paren;
use syn::{
    Data, DeriveInput, Error, Expr, Field, Fields, Ident, LitInt, Token, Type, parenthesized,
};

use crate::combine;

/// Expands `#[derive(Row)]`.
pub(crate) fn expand(input: DeriveInput) -> TokenStream {
    match read(&input) {
        Ok((row, wrong)) => {
            let wrong = wrong.map(Error::into_compile_error);
            quote!(#wrong #row)
        }
        Err(error) => error.into_compile_error(),
    }
}

/// The declaration of a row.
struct Row<'a> {
    input: &'a DeriveInput,
    key: Vec<&'a Field>,
    indexes: Vec<Index<'a>>,
    version: Option<LitInt>,
    /// The type of the previous version.
    from: Option<Type>,
}

struct Index<'a> {
    name: Ident,
    is_unique: bool,
    /// Whether the index has an entry for each value in the first column.
    is_each: bool,
    columns: Vec<&'a Field>,
}

/// `by_tag = (each tags, created)`.
struct Declared {
    name: Ident,
    each: Option<Ident>,
    columns: Punctuated<Ident, Token![,]>,
}

impl Parse for Declared {
    fn parse(input: ParseStream<'_>) -> syn::Result<Declared> {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        let list;
        parenthesized!(list in input);
        let is_each =
            list.fork().parse::<Ident>().is_ok_and(|word| word == "each") && list.peek2(Ident);
        let each = if is_each { Some(list.parse()?) } else { None };
        let columns = Punctuated::parse_separated_nonempty_with(&list, |list| {
            let column: Ident = list.parse()?;
            match column == "each" && list.peek(Ident) {
                true => {
                    Err(Error::new(column.span(), "`each` is allowed before the first column only"))
                }
                false => Ok(column),
            }
        })?;
        Ok(Declared { name, each, columns })
    }
}

/// Reads the declaration. A row with an error that concerns only a part of it is returned beside the error, without
/// that part, so that the rest of the site's code gets no errors that follow from it.
fn read(input: &DeriveInput) -> syn::Result<(Row<'_>, Option<Error>)> {
    const WANTED: &str = "a row is a struct with named fields, of which one has `#[row(key)]`";
    let Data::Struct(data) = &input.data else { return Err(Error::new(input.span(), WANTED)) };
    let Fields::Named(fields) = &data.fields else { return Err(Error::new(input.span(), WANTED)) };
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), "a row has no type parameters"));
    }
    let mut row = Row { input, key: Vec::new(), indexes: Vec::new(), version: None, from: None };
    let mut wrong: Option<Error> = None;
    for field in &fields.named {
        for read in [check_serde(field), read_field(field, &mut row)] {
            read.unwrap_or_else(|error| combine(&mut wrong, error));
        }
    }
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
        let read = attribute.parse_nested_meta(|meta| {
            let is_unique = meta.path.is_ident("unique");
            if meta.path.is_ident("version") {
                row.version = Some(meta.value()?.parse()?);
                return Ok(());
            }
            if meta.path.is_ident("from") {
                row.from = Some(meta.value()?.parse()?);
                return Ok(());
            }
            if !is_unique && !meta.path.is_ident("index") {
                return Err(meta.error(
                    "a struct's `#[row(…)]` takes `index(name = (column, …))`, `unique(name = (column, …))` and \
                     `version = 2, from = TypeBefore`",
                ));
            }
            let list;
            parenthesized!(list in meta.input);
            for declared in Punctuated::<Declared, Token![,]>::parse_terminated(&list)? {
                let (index, error) = declared.index(is_unique, &fields.named);
                row.indexes.extend(index);
                error.into_iter().for_each(|error| combine(&mut wrong, error));
            }
            Ok(())
        });
        read.unwrap_or_else(|error| combine(&mut wrong, error));
    }
    if row.key.is_empty() {
        return Err(wrong.unwrap_or_else(|| Error::new(input.ident.span(), WANTED)));
    }
    if let (None, Some(from)) = (&row.version, &row.from) {
        let wanted = "`from` needs a `version`: `version = 2, from = TypeBefore`";
        combine(&mut wrong, Error::new(from.span(), wanted));
    }
    let mut names: Vec<Ident> = Vec::new();
    row.indexes.retain(|index| {
        let is_first = !names.contains(&index.name);
        if !is_first {
            let twice = format!(
                "there are two indexes `{}`: `unique` is an index as well, and each has a name of its own",
                index.name
            );
            combine(&mut wrong, Error::new(index.name.span(), twice));
        }
        names.push(index.name.clone());
        is_first
    });
    Ok((row, wrong))
}

fn read_field<'a>(field: &'a Field, row: &mut Row<'a>) -> syn::Result<()> {
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
        attribute.parse_nested_meta(|meta| {
            let is_unique = meta.path.is_ident("unique");
            if meta.path.is_ident("key") {
                row.key.push(field);
            } else if is_unique || meta.path.is_ident("index") {
                let name = field.ident.clone().unwrap_or_else(|| Ident::new("_", Span::call_site()));
                row.indexes.push(Index { name, is_unique, is_each: false, columns: vec![field] });
            } else {
                return Err(meta.error(
                    "a field's `#[row(…)]` takes `key`, `index` or `unique`; an index of several fields, or of each \
                     value in one, is declared on the struct: `#[row(index(by_tag = (each tags, created)))]`",
                ));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Rejects fields that serde skips.
fn check_serde(field: &Field) -> syn::Result<()> {
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            let skips = ["skip", "skip_serializing", "skip_deserializing"];
            if skips.iter().any(|skip| meta.path.is_ident(skip)) {
                return Err(meta.error(
                    "every field of a row must be serialised: a skipped field would be lost at the next start, and a \
                     change to it would not be noticed",
                ));
            }
            // All other arguments are serde's own and are skipped here.
            if meta.input.peek(Token![=]) {
                meta.value()?.parse::<Expr>()?;
            } else if meta.input.peek(Paren) {
                let list;
                parenthesized!(list in meta.input);
                list.parse::<TokenStream>()?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

impl Declared {
    /// Returns the index. Where a column is not a field, the index has the nearest field instead, beside the error.
    fn index<'a>(
        self,
        is_unique: bool,
        fields: &'a Punctuated<Field, Token![,]>,
    ) -> (Option<Index<'a>>, Option<Error>) {
        let (mut columns, mut wrong) = (Vec::new(), None);
        for name in &self.columns {
            let found = fields.iter().find(|field| field.ident.as_ref() == Some(name));
            let near = || fields.iter().max_by_key(|field| common_prefix(field, name));
            if found.is_none() {
                let near = near().filter(|field| common_prefix(field, name) > 0);
                let near = near.and_then(|field| field.ident.as_ref());
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let message = format!("the row has no field `{name}`{near}");
                combine(&mut wrong, Error::new(name.span(), message));
            }
            columns.extend(found.or_else(near));
        }
        let is_each = self.each.is_some();
        let index =
            (!columns.is_empty()).then_some(Index { name: self.name, is_unique, is_each, columns });
        (index, wrong)
    }
}

/// Returns the number of characters with which a field's name and another name begin.
fn common_prefix(field: &Field, name: &Ident) -> usize {
    let field = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    field.chars().zip(name.to_string().chars()).take_while(|(one, other)| one == other).count()
}

/// Returns the only type, or a tuple of several.
fn tuple(types: &[TokenStream]) -> TokenStream {
    match types {
        [only] => only.clone(),
        several => quote!((#(#several,)*)),
    }
}

/// Generates a function that describes fields with these types: their names and the schemas of the types.
fn schema(fields: &[&Field], types: &[TokenStream]) -> TokenStream {
    let names = fields.iter().map(|field| {
        let name = field.ident.as_ref().map(Ident::unraw);
        format!("{}: ", name.map(|name| name.to_string()).unwrap_or_default())
    });
    quote!({
        fn schema() -> ::std::string::String {
            let columns = [
                #(::std::format!("{}{}", #names, <#types as ::headwater::state::Key>::schema())),*
            ];
            columns.join(", ")
        }
        schema
    })
}

impl ToTokens for Row<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Row { input: DeriveInput { ident, vis, .. }, key, indexes, version, from } = self;
        let version = version.iter();
        let from = from.iter().map(|from| quote! {
            fn decode(version: u32, bytes: &[u8]) -> ::std::result::Result<Self, ::std::string::String> {
                match version == <Self as ::headwater::state::Row>::VERSION {
                    true => ::headwater::state::decode_row(bytes),
                    false if version > <Self as ::headwater::state::Row>::VERSION => {
                        Err(::headwater::state::unknown_version::<Self>(version))
                    }
                    false => <#from as ::headwater::state::Row>::decode(version, bytes).map(Self::from),
                }
            }
        });
        let key_types: Vec<_> = key.iter().map(|field| field.ty.to_token_stream()).collect();
        let key_type = tuple(&key_types);
        let key_value =
            tuple(&key.iter().map(|Field { ident, .. }| quote!(&self.#ident)).collect::<Vec<_>>());
        let (name, key) = (ident.unraw().to_string(), schema(key, &key_types));
        let definitions = indexes.iter().map(|index| index.definition(ident));
        let constants = indexes.iter().enumerate().map(|(position, index)| {
            let constant = format_ident!(
                "{}",
                index.name.unraw().to_string().to_uppercase(),
                span = index.name.span()
            );
            let types = index.types();
            let (value, order) = (&types[0], tuple(&types[1..]));
            let doc = format!("The index `{}`.", index.name);
            quote! {
                #[doc = #doc]
                #[allow(dead_code)]
                #vis const #constant: ::headwater::state::Index<#ident, #value, #order> =
                    ::headwater::state::Index::new(#position);
            }
        });
        tokens.extend(quote! {
            impl ::headwater::state::Row for #ident {
                type Key = #key_type;
                const NAME: &'static str = #name;
                const KEY: fn() -> ::std::string::String = #key;
                const INDEXES: &'static [::headwater::state::IndexDefinition<#ident>] = &[#(#definitions),*];

                #(const VERSION: u32 = #version;)*

                #(#from)*

                fn with_key(&self, show: &mut dyn FnMut(&dyn ::headwater::state::Key)) {
                    show(&#key_value);
                }
            }

            impl #ident {
                #(#constants)*
            }
        });
    }
}

impl Index<'_> {
    /// Returns the type that rows are looked up by, then the types that order rows with the same value.
    fn types(&self) -> Vec<TokenStream> {
        let columns = self.columns.iter().map(|Field { ty, .. }| quote!(#ty));
        let mut types: Vec<_> = columns.collect();
        if self.is_each {
            let first = &types[0];
            types[0] = quote!(<#first as ::headwater::state::Each>::Value);
        }
        types
    }

    fn definition(&self, row: &Ident) -> TokenStream {
        let Index { name, is_unique, is_each, columns } = self;
        let (name, schema) = (name.unraw().to_string(), schema(columns, &self.types()));
        let idents = columns.iter().map(|field| &field.ident).collect::<Vec<_>>();
        let (first, order) = (idents[0], &idents[1..]);
        let show = match is_each {
            true => quote! {
                for first in ::headwater::state::Each::each(&row.#first) {
                    show(&[first, #(&row.#order),*]);
                }
            },
            false => quote!(show(&[&row.#first, #(&row.#order),*]);),
        };
        quote! {
            ::headwater::state::IndexDefinition {
                name: #name,
                columns: #schema,
                unique: #is_unique,
                entries: {
                    fn entries(row: &#row, show: &mut dyn FnMut(&[&dyn ::headwater::state::Key])) {
                        #show
                    }
                    entries
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn refused(input: DeriveInput) -> String {
        let wrong = read(&input).map_or_else(Some, |(_, wrong)| wrong);
        wrong.map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn fields_that_serde_skips_are_refused_and_other_serde_attributes_are_not() {
        let skips: [syn::Attribute; 4] = [
            parse_quote!(#[serde(skip)]),
            parse_quote!(#[serde(default, skip)]),
            parse_quote!(#[serde(rename(serialize = "a", deserialize = "b"), skip_serializing)]),
            parse_quote!(#[serde(alias = "a", skip_deserializing)]),
        ];
        for skip in skips {
            let said = refused(parse_quote! {
                struct Player {
                    #[row(key)]
                    id: u64,
                    #skip
                    score: u64,
                }
            });
            assert!(said.starts_with("every field of a row must be serialised"), "{said}");
        }
        let said = refused(parse_quote! {
            struct Player {
                #[row(key)]
                #[serde(rename = "number", with = "numbers")]
                id: u64,
                #[serde(default, skip_serializing_if = "Option::is_none")]
                #[serde(rename(serialize = "a", deserialize = "b"))]
                score: Option<u64>,
            }
        });
        assert_eq!(said, "");
    }

    #[test]
    fn wrong_declarations_of_rows_are_refused_with_an_explanation() {
        let said = refused(parse_quote! {
            struct Twice {
                #[row(key)]
                id: u64,
                #[row(index, unique)]
                title: String,
            }
        });
        assert!(said.starts_with("there are two indexes `title`"), "{said}");
        let said = refused(parse_quote! {
            #[row(index(by_tag = (author, each tags)))]
            struct LateEach {
                #[row(key)]
                id: u64,
                author: String,
                tags: Vec<String>,
            }
        });
        assert_eq!(said, "`each` is allowed before the first column only");
        let said = refused(parse_quote! {
            #[row(from = Twice)]
            struct NoVersion {
                #[row(key)]
                id: u64,
            }
        });
        assert!(said.contains("version = 2, from = TypeBefore"), "{said}");
        let said = refused(parse_quote! {
            struct NoKey {
                #[row(primary)]
                id: u64,
            }
        });
        assert!(said.starts_with("a field's `#[row(…)]` takes"), "{said}");
    }

    #[test]
    fn a_row_with_a_mistake_in_a_part_is_a_row_without_that_part() {
        let input: DeriveInput = parse_quote! {
            #[row(index(by_book = (bok, number)), unique(by_name = (zzz)))]
            struct Review {
                #[row(key)]
                number: u64,
                #[serde(skip)]
                #[row(index)]
                book: String,
                #[row(unknown)]
                stars: u8,
            }
        };
        let (row, wrong) = read(&input).map_err(|error| error.to_string()).unwrap();
        let wrong: Vec<String> =
            wrong.into_iter().flatten().map(|error| error.to_string()).collect();
        let expected = [
            "every field of a row must be serialised",
            "a field's `#[row(…)]` takes",
            "the row has no field `bok`; did you mean `book`?",
            "the row has no field `zzz`",
        ];
        for (wrong, expected) in wrong.iter().zip(expected) {
            assert!(wrong.starts_with(expected), "{wrong}");
        }
        assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
        let generated = row.to_token_stream().to_string();
        for constant in ["BOOK", "BY_BOOK", "BY_NAME"] {
            assert!(generated.contains(&format!("const {constant} ")), "{constant} in {generated}");
        }
    }

    #[test]
    fn a_field_may_have_the_name_of_a_keyword() {
        let input: DeriveInput = parse_quote! {
            struct Thing {
                #[row(key)]
                id: u64,
                #[row(index)]
                r#type: String,
            }
        };
        let generated = expand(input).to_string();
        assert!(generated.contains("const TYPE"), "{generated}");
    }
}
