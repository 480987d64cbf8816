//! The rules for one file.

use super::errors::{Errors, FormError};
use super::field::FormField;
use super::input_type::InputType;
use crate::extract::FormFile;

/// Checks a file against `accept`. Name and media type are those that the client has sent; if files of this media
/// type have a signature, the file must have it.
pub(super) fn check(field: &FormField, place: usize, file: &FormFile, errors: &mut Errors) {
    let Some(accept) = field.accept else { return };
    let name = file.name().unwrap_or_default().to_ascii_lowercase();
    let essence = file.content_type().and_then(|it| it.split(';').next());
    let media_type = essence.unwrap_or_default().trim().to_ascii_lowercase();
    let is_accepted = accept.split(',').map(str::trim).filter(|it| !it.is_empty()).any(|token| {
        let token = token.to_ascii_lowercase();
        match token.strip_suffix('*') {
            Some(kind) => media_type.starts_with(kind),
            None if token.starts_with('.') => name.ends_with(&token),
            None => media_type == token,
        }
    });
    if !is_accepted || !file.may_be(&media_type) {
        errors.add_at(place, FormError::TypeMismatch { input_type: InputType::File });
    }
}
