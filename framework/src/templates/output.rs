//! What a render writes into.
//!
//! A page is as long as it is only when it is written, so what it is written into grows again and
//! again, and is copied each time. Therefore it is kept for the next render of the thread, and what
//! was written is copied once, into no more memory than it needs: pages live in the cache for long.

use std::cell::Cell;
use std::io::{self, Write};
use std::mem;

/// The longest that is kept for the next render, in bytes.
const KEPT: usize = 1024 * 1024;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes that may not become more than a limit.
pub(super) struct Output {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
}

impl Output {
    pub(super) fn new(limit: usize) -> Output {
        Output { bytes: SPARE.take(), limit, exceeded: false }
    }

    /// Whether something was refused because of the limit.
    pub(super) fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// What was written.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let mut bytes = mem::take(&mut self.bytes);
        if bytes.capacity() <= KEPT {
            bytes.clear();
            // One that a render within this one has left is not needed.
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
