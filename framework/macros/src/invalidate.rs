use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, LitStr, Token, bracketed};

use crate::template::{self, Piece};

/// The arguments of `#[invalidate(…)]`.
pub(crate) struct Invalidate {
    groups: Vec<Vec<Piece>>,
    patterns: Vec<Vec<Piece>>,
    when: Option<Expr>,
}

impl Parse for Invalidate {
    fn parse(input: ParseStream<'_>) -> syn::Result<Invalidate> {
        let mut all = Invalidate { groups: Vec::new(), patterns: Vec::new(), when: None };
        let whole = input.span();
        while !input.is_empty() {
            if input.peek(LitStr) {
                all.patterns.push(checked(&input.parse()?, template::pattern)?);
            } else {
                all.keyed(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if all.groups.is_empty() && all.patterns.is_empty() {
            return Err(Error::new(
                whole,
                "`#[invalidate]` needs patterns or groups: `#[invalidate(\"^/blog/\", groups = \
                 [\"stories\"])]`",
            ));
        }
        Ok(all)
    }
}

impl Invalidate {
    fn keyed(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        const ALLOWED: &str = "`#[invalidate]` takes patterns (string literals), `groups = […]` and `when = function`";
        let key: Ident = input.parse().map_err(|error| Error::new(error.span(), ALLOWED))?;
        input.parse::<Token![=]>()?;
        match key.to_string().as_str() {
            "groups" => {
                let list;
                bracketed!(list in input);
                let groups = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
                for group in &groups {
                    self.groups.push(checked(group, template::group)?);
                }
            }
            "when" if self.when.is_none() => self.when = Some(input.parse()?),
            "when" => {
                return Err(Error::new(
                    key.span(),
                    "there is one `when` already; write a second `#[invalidate]`",
                ));
            }
            _ => return Err(Error::new(key.span(), ALLOWED)),
        }
        Ok(())
    }
}

fn checked(
    text: &LitStr,
    read: impl Fn(&str) -> Result<Vec<Piece>, String>,
) -> syn::Result<Vec<Piece>> {
    read(&text.value()).map_err(|message| Error::new(text.span(), message))
}

impl ToTokens for Invalidate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let groups = self.groups.iter().map(|pieces| quote!(.group(&[#(#pieces),*])));
        let patterns = self.patterns.iter().map(|pieces| quote!(.pattern(&[#(#pieces),*])));
        let when = self.when.iter().map(|when| quote_spanned!(when.span()=> .when(#when)));
        tokens.extend(quote! {
            ::headwater::controller::Invalidates::new() #(#groups)* #(#patterns)* #(#when)*
        });
    }
}
