//! Forms with files, which must be parsed alike in pieces of any size.

use futures_util::FutureExt;
use headwater::extract::{Body, FromRequest, Multipart, MultipartError};
use headwater::request::Request;

use super::in_pieces;

/// `data` is the size of a piece in one byte, the media type's parameters in one line, and the
/// body.
pub fn run(data: &[u8]) {
    let Some((size, rest)) = data.split_first() else { return };
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return };
    let (parameters, body) = (&rest[..end], &rest[end + 1..]);
    let whole = read(parameters, body, body.len().max(1));
    let pieces = read(parameters, body, usize::from(*size).max(1));
    assert_eq!(whole, pieces);
    let content: usize = whole.fields.iter().map(|field| field.content.len()).sum();
    assert!(content <= body.len(), "no content but what was sent");
}

#[derive(Debug, Default, PartialEq)]
struct Form {
    fields: Vec<Field>,
    error: Option<String>,
}

#[derive(Debug, PartialEq)]
struct Field {
    name: String,
    file_name: Option<String>,
    content_type: Option<String>,
    content: Vec<u8>,
}

fn read(parameters: &[u8], body: &[u8], size: usize) -> Form {
    let body = Body::stream(in_pieces(body, size));
    let media_type = [b"multipart/form-data", parameters].concat();
    let request = Request::builder().method("POST").header("content-type", media_type).body(body);
    let mut read = Form::default();
    let Ok(request) = request.build() else { return read };
    let form = Multipart::from_request(request).now_or_never().expect("nothing waits");
    if let Ok(mut form) = form {
        let all = collect(&mut form, &mut read.fields).now_or_never();
        read.error = all.expect("all of it is there").err().map(|error| error.to_string());
    }
    read
}

async fn collect(form: &mut Multipart, fields: &mut Vec<Field>) -> Result<(), MultipartError> {
    while let Some(mut field) = form.next_field().await? {
        fields.push(Field {
            name: field.name().to_owned(),
            file_name: field.file_name().map(str::to_owned),
            content_type: field.content_type().map(str::to_owned),
            content: Vec::new(),
        });
        while let Some(piece) = field.chunk().await? {
            let last = fields.last_mut().expect("one was just put there");
            last.content.extend_from_slice(&piece);
        }
    }
    Ok(())
}
