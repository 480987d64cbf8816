use bytes::Bytes;

use super::head::Head;
use super::{Multipart, MultipartError};
use crate::body::BodyError;

/// One field of a form, which may contain a file.
#[derive(Debug)]
pub struct Field<'a> {
    form: &'a mut Multipart,
    head: Head,
}

impl<'a> Field<'a> {
    pub(super) fn new(form: &'a mut Multipart, head: Head) -> Field<'a> {
        Field { form, head }
    }

    /// Returns the field's name.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// Returns the name of the file on the visitor's machine, if this is a file. It is untrusted input: do not use it
    /// as a path.
    pub fn file_name(&self) -> Option<&str> {
        self.head.file_name.as_deref()
    }

    /// Returns the media type that the client declares for the file.
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_deref()
    }

    /// Counts the head towards the node's memory for bodies.
    pub(in crate::extract) fn weigh_head(&self) -> Result<(), MultipartError> {
        let Head { name, file_name, content_type } = &self.head;
        let lengths = [Some(name), file_name.as_ref(), content_type.as_ref()];
        let length = lengths.into_iter().flatten().map(String::len).sum::<usize>();
        let taken = self.form.allowance.memory.take(length as u64);
        Ok(taken.map_err(|_| BodyError::NoMemory)?)
    }

    /// Returns the next piece of the content.
    ///
    /// # Errors
    /// Fails if the body breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, MultipartError> {
        self.form.splitter.piece().await
    }

    /// Collects the whole content.
    ///
    /// # Errors
    /// Fails if the body breaks off, or the collected content of the form exceeds the request's `body_limit`.
    pub async fn bytes(self) -> Result<Bytes, MultipartError> {
        Ok(self.bytes_up_to(u64::MAX).await?.unwrap_or_default())
    }

    /// Collects the whole content, if it is not longer than `most` bytes. Dropped content counts as collected, too.
    pub(in crate::extract) async fn bytes_up_to(
        mut self,
        most: u64,
    ) -> Result<Option<Bytes>, MultipartError> {
        let mut all = Vec::new();
        let mut is_too_long = false;
        while let Some(piece) = self.chunk().await? {
            let rest = self.form.collectable.checked_sub(piece.len() as u64);
            self.form.collectable =
                rest.ok_or(BodyError::TooLarge { limit: self.form.body_limit })?;
            let length = all.len() + piece.len();
            is_too_long |= length as u64 > most;
            if is_too_long {
                all = Vec::new();
                continue;
            }
            if length > all.capacity() {
                let capacity = length + all.len();
                let taken = self.form.allowance.memory.take((capacity - all.capacity()) as u64);
                taken.map_err(|_| BodyError::NoMemory)?;
                all.reserve_exact(capacity - all.len());
            }
            all.extend_from_slice(&piece);
        }
        Ok((!is_too_long).then(|| all.into()))
    }

    /// Collects the whole content as text.
    ///
    /// # Errors
    /// As [`bytes`](Field::bytes), and if the content is not UTF-8.
    pub async fn text(self) -> Result<String, MultipartError> {
        let name = self.head.name.clone();
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|_| MultipartError::NotUtf8 { name })
    }
}
