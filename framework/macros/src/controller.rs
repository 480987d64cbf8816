use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, GenericArgument, Ident, ItemFn, LitStr, PathArguments, Type};

use crate::attributes::Attributes;

/// Expands `#[controller("name")]`: keeps the function and adds a type of the same name that
/// registers it.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = Error::new(error.span(), "`#[controller]` belongs on an `async fn`");
            let error = error.to_compile_error();
            return quote!(#error #item);
        }
    };
    let registration = name(arguments)
        .and_then(|name| Ok((name, Attributes::take(&mut function.attrs)?)))
        .and_then(|(name, attributes)| registration(&name, &attributes, &function));
    let (registration, error) = match registration {
        Ok(registration) => (registration, None),
        // The type is generated even after an error, so that its uses cause no further errors.
        Err(error) => (quote!(::core::unreachable!()), Some(error.to_compile_error())),
    };
    let (visibility, ident) = (&function.vis, &function.sig.ident);
    let cfg: Vec<&Attribute> =
        function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
    let doc = format!("The controller `{ident}`, for `controllers![…]`.");
    quote! {
        #error
        #function

        #(#cfg)*
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code, unreachable_pub)]
        #visibility struct #ident {}

        #(#cfg)*
        impl ::headwater::controller::Controller for #ident {
            fn registration() -> ::headwater::controller::Registration {
                #registration
            }
        }
    }
}

/// Parses the name in `#[controller("name")]`.
fn name(arguments: TokenStream) -> syn::Result<LitStr> {
    const EXAMPLE: &str = "`#[controller]` needs the name that `dispatch.conf` calls the controller by: `#[controller(\"stories.show\")]`";
    let span = if arguments.is_empty() { Span::call_site() } else { arguments.span() };
    let name: LitStr = syn::parse2(arguments).map_err(|_| Error::new(span, EXAMPLE))?;
    let text = name.value();
    if text.is_empty()
        || text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
    {
        return Err(Error::new(span, "the name of a controller has no spaces and is not empty"));
    }
    Ok(name)
}

fn registration(
    name: &LitStr,
    attributes: &Attributes,
    function: &ItemFn,
) -> syn::Result<TokenStream> {
    let types = argument_types(function)?;
    let request = Ident::new("request", Span::mixed_site());
    let answer = Ident::new("answer", Span::mixed_site());
    let values: Vec<Ident> = (0..types.len())
        .map(|index| Ident::new(&format_ident!("argument{index}").to_string(), Span::mixed_site()))
        .collect();
    // The extractor of the body consumes the request, so it runs last.
    let reader = reader_of_body(&types);
    let mut order: Vec<usize> = (0..types.len()).collect();
    order.sort_by_key(|index| Some(*index) == reader);
    let needs = types.iter().enumerate().map(|(index, ty)| {
        if Some(index) == reader {
            quote_spanned!(ty.span()=> .needs(<#ty as ::headwater::extract::FromRequest<_>>::REQUEST_NEEDS))
        } else {
            quote_spanned!(ty.span()=> .needs(<#ty as ::headwater::extract::FromRequestParts>::NEEDS))
        }
    });
    let needs: Vec<TokenStream> = needs.collect();
    let mut templates = Vec::new();
    templates_in(function.block.to_token_stream(), &mut templates);
    let templates = templates.iter().map(|name| quote_spanned!(name.span()=> .template(#name)));
    let extractions = order.into_iter().map(|index| {
        let (ty, value) = (types[index], &values[index]);
        let call = if Some(index) == reader {
            quote_spanned! {ty.span()=>
                <#ty as ::headwater::extract::FromRequest<_>>::from_request(#request).await
            }
        } else {
            quote_spanned! {ty.span()=>
                <#ty as ::headwater::extract::FromRequestParts>::from_request_parts(
                    &mut #request.parts
                )
                .await
            }
        };
        quote! {
            let #value = match #call {
                ::core::result::Result::Ok(value) => value,
                ::core::result::Result::Err(rejection) => {
                    return ::headwater::reply::IntoReply::into_reply(rejection);
                }
            };
        }
    });
    let ident = &function.sig.ident;
    let output = match &function.sig.output {
        syn::ReturnType::Default => Span::call_site(),
        syn::ReturnType::Type(_, ty) => ty.span(),
    };
    let reply = quote_spanned! {output=>
        ::headwater::reply::IntoReply::into_reply(#ident(#(#values),*).await)
    };
    // The step that is added last runs first.
    let before = attributes.before.iter().rev();
    let before = before.map(|step| quote_spanned!(step.span()=> .before(#step)));
    let after = attributes.after.iter().map(|step| quote_spanned!(step.span()=> .after(#step)));
    let invalidates = attributes.invalidate.iter().map(ToTokens::to_token_stream);
    Ok(quote! {
        #[allow(unused_mut, unused_variables, clippy::unused_async)]
        async fn #answer(
            mut #request: ::headwater::request::Request,
        ) -> ::headwater::reply::Reply {
            #(#extractions)*
            #reply
        }
        ::headwater::controller::Registration::new(#name, #answer)
            .declared()
            #(#needs)*
            #(#templates)*
            #(#before)*
            #(#after)*
            #(.invalidates(#invalidates))*
    })
}

/// Collects the names in all `template!("…")` within `tokens`.
fn templates_in(tokens: TokenStream, names: &mut Vec<LitStr>) {
    let mut seen: [Option<TokenTree>; 2] = [None, None];
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            if let [Some(TokenTree::Ident(name)), Some(TokenTree::Punct(bang))] = &seen
                && name == "template"
                && bang.as_char() == '!'
                && let Some(TokenTree::Literal(name)) = group.stream().into_iter().next()
                && let Ok(name) = syn::parse2(TokenTree::from(name).into())
            {
                names.push(name);
            }
            templates_in(group.stream(), names);
        }
        seen = [seen[1].take(), Some(token)];
    }
}

fn argument_types(function: &ItemFn) -> syn::Result<Vec<&Type>> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(Error::new(
            signature.fn_token.span(),
            format!("a controller is an `async fn`: write `async fn {}(…)`", signature.ident),
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new(
            signature.generics.span(),
            "a controller has no type or lifetime parameters: its arguments own what they take \
             from the request",
        ));
    }
    signature
        .inputs
        .iter()
        .map(|argument| match argument {
            FnArg::Typed(argument) => Ok(&*argument.ty),
            FnArg::Receiver(receiver) => Err(Error::new(
                receiver.span(),
                "a controller is a free function, not a method: take the site's data as \
                 `Data<MyState>`",
            )),
        })
        .collect()
}

/// Returns the index of the argument that may read the body: the last one whose type is known to
/// read it, otherwise the last argument.
fn reader_of_body(types: &[&Type]) -> Option<usize> {
    types.iter().rposition(|ty| reads_body(ty)).or(types.len().checked_sub(1))
}

fn reads_body(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    match last.ident.to_string().as_str() {
        "Form" | "Json" | "Multipart" | "Bytes" | "String" | "Body" | "Request" => true,
        "Option" | "Result" => match &last.arguments {
            PathArguments::AngleBracketed(arguments) => {
                matches!(arguments.args.first(), Some(GenericArgument::Type(ty)) if reads_body(ty))
            }
            PathArguments::None | PathArguments::Parenthesized(_) => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn templates_are_found_at_any_depth() {
        let mut names = Vec::new();
        let body = quote! {{
            if page { return Ok(template!("a.html").with("b", template("no.html"))) }
            templates!["no"];
            Ok(headwater::template!("c.html"))
        }};
        templates_in(body, &mut names);
        assert_eq!(names.iter().map(LitStr::value).collect::<Vec<_>>(), ["a.html", "c.html"]);
    }

    #[test]
    fn the_argument_that_reads_the_body_is_found_in_any_place() {
        let data: Type = parse_quote!(Data<Site>);
        let form: Type = parse_quote!(headwater::extract::Form<Draft>);
        let json: Type = parse_quote!(Result<Json<u32>, JsonRejection>);
        assert_eq!(reader_of_body(&[&form, &data]), Some(0));
        assert_eq!(reader_of_body(&[&data, &json, &data]), Some(1));
        assert_eq!(reader_of_body(&[&form, &json]), Some(1));
        assert_eq!(reader_of_body(&[&data, &data]), Some(1));
        assert_eq!(reader_of_body(&[]), None);
    }
}
