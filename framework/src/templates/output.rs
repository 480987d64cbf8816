//! The output buffer of a render.
//!
//! The length of a page is unknown until it is written, so its buffer grows repeatedly, with a copy each time.
//! Therefore the thread keeps the buffer for its next render, and the page is copied once into exactly the memory
//! that it needs, because pages stay in the cache for long.

use std::cell::Cell;
use std::io::{self, Write};
use std::mem;

/// The largest buffer that is kept for the next render, in bytes.
const KEPT: usize = 1024 * 1024;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A byte buffer with a size limit.
pub(super) struct Output {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
}

impl Output {
    pub(super) fn new(limit: usize) -> Output {
        Output { bytes: SPARE.take(), limit, exceeded: false }
    }

    /// Returns whether a write was refused because of the limit.
    pub(super) fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// Returns the written bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let mut bytes = mem::take(&mut self.bytes);
        if bytes.capacity() <= KEPT {
            bytes.clear();
            // Replaces the buffer that a nested render may have left.
            SPARE.set(bytes);
        }
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
