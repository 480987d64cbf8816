use syn::{Attribute, Error, Expr};

use crate::invalidate::Invalidate;

/// The attributes below `#[controller]`.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) before: Vec<Expr>,
    pub(crate) after: Vec<Expr>,
    pub(crate) invalidate: Vec<Invalidate>,
}

/// Returns the last segment of an attribute's path.
pub(crate) fn name_of(attribute: &Attribute) -> String {
    attribute.path().segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
}

/// Returns whether the attribute belongs below `#[controller]`.
pub(crate) fn belongs_below(attribute: &Attribute) -> bool {
    let path = attribute.path();
    let of_headwater = path.segments.len() == 1 || path.segments[0].ident == "headwater";
    of_headwater && matches!(name_of(attribute).as_str(), "before" | "after" | "invalidate")
}

impl Attributes {
    /// Removes the attributes that belong to the controller from `attributes` and parses them.
    pub(crate) fn take(attributes: &mut Vec<Attribute>) -> syn::Result<Attributes> {
        let mut taken = Attributes::default();
        let mut wrong: Option<Error> = None;
        let (ours, others) = std::mem::take(attributes).into_iter().partition(belongs_below);
        *attributes = others;
        let ours: Vec<Attribute> = ours;
        for attribute in &ours {
            if let Err(error) = taken.read(attribute) {
                match &mut wrong {
                    Some(wrong) => wrong.combine(error),
                    None => wrong = Some(error),
                }
            }
        }
        match wrong {
            None => Ok(taken),
            Some(error) => Err(error),
        }
    }

    fn read(&mut self, attribute: &Attribute) -> syn::Result<()> {
        let name = name_of(attribute);
        if name == "invalidate" {
            self.invalidate.push(attribute.parse_args()?);
            return Ok(());
        }
        let step: Expr = attribute.parse_args().map_err(|error| {
            Error::new(error.span(), format!("`#[{name}(…)]` names one step: `#[{name}(my_step)]`"))
        })?;
        if name == "before" {
            self.before.push(step)
        } else {
            self.after.push(step)
        }
        Ok(())
    }
}
