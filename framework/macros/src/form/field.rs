use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{
    Error, Expr, ExprLit, ExprUnary, Field, GenericArgument, Ident, Lit, LitBool, LitInt, LitStr,
    PathArguments, Type, UnOp,
};

use super::kind::Kind;
use super::pattern;

/// Whether a field has one value, at most one, or any number of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    One,
    Optional,
    Many,
}

/// The declaration of a form's field.
pub(super) struct FormField<'a> {
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    /// The pattern in HTML, and the equivalent expression of the crate `regex`.
    pub(super) pattern: Option<(String, String)>,
    label: String,
    words: FieldArguments,
}

/// The arguments of `#[form(…)]`.
#[derive(Default)]
struct FieldArguments {
    kind: Option<LitStr>,
    name: Option<LitStr>,
    label: Option<LitStr>,
    hint: Option<LitStr>,
    required: bool,
    minlength: Option<LitInt>,
    maxlength: Option<LitInt>,
    min: Option<String>,
    max: Option<String>,
    step: Option<String>,
    pattern: Option<LitStr>,
    accept: Option<LitStr>,
    max_size: Option<LitInt>,
    options: Option<Expr>,
    keeps_space: bool,
    /// HTML attributes that are copied to the page and check nothing.
    plain: Vec<(&'static str, String)>,
}

const WORDS: [&str; 21] = [
    "type",
    "required",
    "minlength",
    "maxlength",
    "min",
    "max",
    "step",
    "pattern",
    "accept",
    "max_size",
    "options",
    "label",
    "hint",
    "name",
    "trim",
    "title",
    "placeholder",
    "autocomplete",
    "inputmode",
    "spellcheck",
    "rows",
];

/// HTML attributes that check nothing.
const PLAIN: [&str; 5] = ["title", "placeholder", "autocomplete", "inputmode", "spellcheck"];

impl<'a> FormField<'a> {
    pub(super) fn read(field: &'a Field) -> syn::Result<FormField<'a>> {
        let ident = field
            .ident
            .as_ref()
            .ok_or_else(|| Error::new(field.span(), "a form's field has a name"))?;
        let mut words = FieldArguments::default();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("form")) {
            attribute.parse_nested_meta(|meta| words.read(&meta))?;
        }
        let (shape, inner) = shape_of(&field.ty);
        let kind = kind_of(&words, shape, inner, &field.ty)?;
        let declared = ident.unraw().to_string();
        let name = words.name.as_ref().map_or_else(|| declared.clone(), LitStr::value);
        let label = words.label.as_ref().map_or_else(|| label_of(&declared), LitStr::value);
        let mut read =
            FormField { ident, ty: &field.ty, name, kind, shape, pattern: None, label, words };
        read.check()?;
        read.complete(inner);
        read.check_range()?;
        if let Some(html) = &read.words.pattern {
            let expression = pattern::expression(&html.value()).map_err(|why| {
                Error::new(html.span(), format!("this pattern cannot be checked: {why}"))
            })?;
            read.pattern = Some((html.value(), expression));
        }
        Ok(read)
    }

    /// Rejects arguments that HTML does not allow for a field of this type.
    fn check(&self) -> syn::Result<()> {
        let FormField { words, kind, shape, ident, .. } = self;
        let at = |span, message: String| Err(Error::new(span, message));
        let html = kind.html;
        let of = format!("this one is `type = \"{html}\"`");
        for (word, value) in [("minlength", &words.minlength), ("maxlength", &words.maxlength)] {
            if let Some(value) = value.as_ref().filter(|_| !kind.is_text()) {
                return at(value.span(), format!("`{word}` is for texts; {of}"));
            }
        }
        if let [Some(least), Some(most)] = [&words.minlength, &words.maxlength]
            && least.base10_parse::<usize>()? > most.base10_parse::<usize>()?
        {
            let message = format!("`minlength` ({least}) is greater than `maxlength` ({most})");
            return at(most.span(), message);
        }
        if let Some(pattern) = words.pattern.as_ref().filter(|_| !kind.is_line()) {
            return at(pattern.span(), format!("`pattern` is for texts of one line; {of}"));
        }
        for (word, value) in [("min", &words.min), ("max", &words.max)] {
            let Some(value) = value else { continue };
            if !kind.is_number() && !kind.is_date() {
                return at(ident.span(), format!("`{word}` is for numbers and dates; {of}"));
            }
            if !has_syntax_of(value, *kind) {
                let example = match kind.is_number() {
                    true => format!("a number: `{word} = 18`"),
                    false => {
                        format!("written as a browser sends it: `{word} = \"{}\"`", kind.example())
                    }
                };
                return at(ident.span(), format!("`{word}` of `type = \"{html}\"` is {example}"));
            }
        }
        if let Some(step) = &words.step {
            if !kind.is_number() && !kind.is_date() {
                return at(ident.span(), format!("`step` is for numbers, dates and times; {of}"));
            }
            let number = step.parse::<f64>().ok().filter(|step| *step > 0.0 && step.is_finite());
            if step != "any" && number.is_none() {
                let message = "`step` is a number above 0, or `step = \"any\"`";
                return at(ident.span(), message.to_owned());
            }
            if kind.is_whole() && number.is_some_and(|number| number.fract() != 0.0) {
                return at(
                    ident.span(),
                    format!("`step` of `type = \"{html}\"` is a whole number"),
                );
            }
        }
        if let Some(accept) = words.accept.as_ref().filter(|_| !kind.is_file()) {
            return at(accept.span(), format!("`accept` is for files; {of}"));
        }
        if let Some(size) = words.max_size.as_ref().filter(|_| !kind.is_file()) {
            return at(size.span(), format!("`max_size` is for files; {of}"));
        }
        if let Some(options) = words.options.as_ref().filter(|_| !kind.has_options()) {
            let message = format!("`options` are for `select`, `radio` and `checkbox`; {of}");
            return at(options.span(), message);
        }
        if words.required && *shape == Shape::Optional {
            let message = "an `Option` is never required: give the field the type within it";
            return at(ident.span(), message.to_owned());
        }
        if words.required && matches!(html, "range" | "color" | "hidden") {
            return at(ident.span(), format!("`required` means nothing to a browser here; {of}"));
        }
        Ok(())
    }

    /// Rejects an empty range. A range of times may span midnight.
    fn check_range(&self) -> syn::Result<()> {
        let (Some(min), Some(max)) = (&self.words.min, &self.words.max) else { return Ok(()) };
        let is_reversed = match self.kind.html {
            "time" => false,
            _ if self.kind.is_number() => min.parse::<f64>().ok() > max.parse::<f64>().ok(),
            // All digits are written, so the values are ordered like their texts.
            _ => min > max,
        };
        match is_reversed {
            true => {
                let message =
                    format!("the range is empty: `min` ({min}) is greater than `max` ({max})");
                Err(Error::new(self.ident.span(), message))
            }
            false => Ok(()),
        }
    }

    /// Adds the rules that follow from the type.
    fn complete(&mut self, inner: &Type) {
        let name = name_of(inner);
        let words = &mut self.words;
        if self.kind.html == "range" {
            words.min.get_or_insert("0".to_owned());
            words.max.get_or_insert("100".to_owned());
        }
        if self.kind.is_number() {
            if words.min.is_none() && name.starts_with('u') {
                words.min = Some("0".to_owned());
            }
            if words.step.is_none() && name.starts_with('f') {
                words.step = Some("any".to_owned());
            }
        }
        // No other type has a value for an empty field.
        let has_empty = matches!(name.as_str(), "String" | "bool");
        words.required |= self.shape == Shape::One && !has_empty;
    }

    /// Generates the expression for the field's `FormField`.
    pub(super) fn definition(&self, place: usize) -> TokenStream {
        let FormField { name, label, kind, shape, words, .. } = self;
        let variant = format_ident!("{}", kind.variant);
        let mut field = quote! {
            ::headwater::form::FormField::new(#name, #label, ::headwater::form::InputType::#variant)
        };
        let numbers = [
            ("minlength", &words.minlength),
            ("maxlength", &words.maxlength),
            ("max_size", &words.max_size),
        ];
        for (word, value) in numbers {
            let method = format_ident!("{word}");
            field.extend(value.iter().map(|value| quote!(.#method(#value))));
        }
        for (word, value) in [("min", &words.min), ("max", &words.max), ("step", &words.step)] {
            let method = format_ident!("{word}");
            field.extend(value.iter().map(|value| quote!(.#method(#value))));
        }
        for (word, value) in [("hint", &words.hint), ("accept", &words.accept)] {
            let method = format_ident!("{word}");
            field.extend(value.iter().map(|value| quote!(.#method(#value))));
        }
        if words.required {
            field.extend(quote!(.required()));
        }
        if *shape == Shape::Many {
            field.extend(quote!(.multiple()));
        }
        if words.keeps_space {
            field.extend(quote!(.keeping_space()));
        }
        if self.pattern.is_some() {
            let pattern = format_ident!("PATTERN_{place}");
            field.extend(quote!(.pattern(&#pattern)));
        }
        field.extend(words.options.iter().map(|options| quote!(.options(#options))));
        if !words.plain.is_empty() {
            let plain = words.plain.iter().map(|(name, value)| quote!((#name, #value)));
            field.extend(quote!(.plain(&[#(#plain),*])));
        }
        field
    }
}

impl FieldArguments {
    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let word = meta.path.get_ident().map(|ident| ident.unraw().to_string()).unwrap_or_default();
        match word.as_str() {
            "required" => self.required = true,
            "type" => self.kind = Some(meta.value()?.parse()?),
            "name" => self.name = Some(meta.value()?.parse()?),
            "label" => self.label = Some(meta.value()?.parse()?),
            "hint" => self.hint = Some(meta.value()?.parse()?),
            "minlength" => self.minlength = Some(meta.value()?.parse()?),
            "maxlength" => self.maxlength = Some(meta.value()?.parse()?),
            "min" => self.min = Some(literal(meta)?),
            "max" => self.max = Some(literal(meta)?),
            "step" => self.step = Some(literal(meta)?),
            "pattern" => self.pattern = Some(meta.value()?.parse()?),
            "accept" => self.accept = Some(meta.value()?.parse()?),
            "max_size" => self.max_size = Some(meta.value()?.parse()?),
            "options" => self.options = Some(meta.value()?.parse()?),
            "rows" => self.plain.push(("rows", literal(meta)?)),
            "trim" => self.keeps_space = !meta.value()?.parse::<LitBool>()?.value,
            word => match PLAIN.into_iter().find(|plain| *plain == word) {
                Some(plain) => self.plain.push((plain, literal(meta)?)),
                None => return Err(meta.error(unknown(word))),
            },
        }
        Ok(())
    }
}

fn unknown(word: &str) -> String {
    let bare: String = word.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let near = WORDS.into_iter().find(|known| known.replace('_', "") == bare.to_lowercase());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let known = WORDS.map(|word| format!("`{word}`")).join(", ");
    format!("{near}`#[form(…)]` on a field takes: {known}")
}

/// Parses a number or a string literal into the text of an HTML attribute.
fn literal(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    let value: Expr = meta.value()?.parse()?;
    let text = |lit: &Lit| match lit {
        Lit::Str(text) => Some(text.value()),
        Lit::Int(number) => Some(number.base10_digits().to_owned()),
        Lit::Float(number) => Some(number.base10_digits().to_owned()),
        Lit::Bool(truth) => Some(truth.value.to_string()),
        _ => None,
    };
    let found = match &value {
        Expr::Lit(ExprLit { lit, .. }) => text(lit),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match &**expr {
            Expr::Lit(ExprLit { lit: lit @ (Lit::Int(_) | Lit::Float(_)), .. }) => {
                text(lit).map(|number| format!("-{number}"))
            }
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| Error::new(value.span(), "expected a number or a text in quotes"))
}

/// Recognizes `Option<T>` and `Vec<T>` by name, and returns `T`.
fn shape_of(ty: &Type) -> (Shape, &Type) {
    let Type::Path(path) = ty else { return (Shape::One, ty) };
    let Some(last) = path.path.segments.last() else { return (Shape::One, ty) };
    let shape = match last.ident.to_string().as_str() {
        "Option" => Shape::Optional,
        "Vec" => Shape::Many,
        _ => return (Shape::One, ty),
    };
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(inner)) => (shape, inner),
            _ => (Shape::One, ty),
        },
        _ => (Shape::One, ty),
    }
}

/// Returns the last name of a type's path.
fn name_of(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
    .unwrap_or_default()
}

/// Returns the kind that `type` declares, or else the one that follows from the type of the field.
fn kind_of(words: &FieldArguments, shape: Shape, inner: &Type, ty: &Type) -> syn::Result<Kind> {
    const NUMBERS: [&str; 12] =
        ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f32", "f64"];
    let name = name_of(inner);
    let usual = match name.as_str() {
        "FormFile" => "file",
        "bool" if shape == Shape::One => "checkbox",
        _ if shape == Shape::Many || words.options.is_some() => "select",
        number if NUMBERS.contains(&number) => "number",
        _ => "text",
    };
    let Some(said) = &words.kind else {
        return Kind::named(usual).ok_or_else(|| Error::new(ty.span(), "no such type"));
    };
    let kind = Kind::named(&said.value())
        .ok_or_else(|| Error::new(said.span(), format!("`type` is one of {}", Kind::names())))?;
    let refuse = |message: &str| Err(Error::new(said.span(), message));
    if kind.is_file() != (name == "FormFile") {
        return refuse(
            "a file is a `FormFile`, an `Option<FormFile>` or a `Vec<FormFile>`, and nothing else is",
        );
    }
    if name == "bool" && shape == Shape::One && kind.html != "checkbox" {
        return refuse("a `bool` is a checkbox: leave `type` out");
    }
    if kind.html == "checkbox"
        && (name != "bool" || shape == Shape::Optional)
        && shape != Shape::Many
    {
        return refuse("a checkbox is a `bool`; several with `options` are a `Vec`");
    }
    if shape == Shape::Many && !matches!(kind.html, "file" | "select" | "checkbox") {
        return refuse("a `Vec` has several values: `type` is `select`, `checkbox` or `file`");
    }
    Ok(kind)
}

/// Returns whether a bound has the syntax of this input's values.
fn has_syntax_of(text: &str, kind: Kind) -> bool {
    if kind.is_number() {
        return text.parse::<f64>().is_ok_and(f64::is_finite);
    }
    let example = kind.example();
    text.len() == example.len()
        && text.bytes().zip(example.bytes()).all(|(letter, like)| match like {
            b'0'..=b'9' => letter.is_ascii_digit(),
            like => letter == like,
        })
}

/// Makes the label "First name" from `first_name`.
fn label_of(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
