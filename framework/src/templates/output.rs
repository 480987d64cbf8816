//! What a render writes into.

use std::io::{self, Write};

/// Bytes that may not become more than a limit.
pub(super) struct Output {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
}

impl Output {
    pub(super) fn new(limit: usize) -> Output {
        Output { bytes: Vec::with_capacity(4096.min(limit)), limit, exceeded: false }
    }

    /// Whether something was refused because of the limit.
    pub(super) fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// What was written, in no more memory than it needs: pages live in the cache for long.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.shrink_to_fit();
        self.bytes
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.limit - self.bytes.len() {
            self.exceeded = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
