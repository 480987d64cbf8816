/// The bytes of a key while it is encoded; up to 64 of them are on the stack.
#[doc(hidden)]
#[derive(Debug)]
pub struct Encoder {
    short: [u8; 64],
    /// The number of bytes used in `short`, while `long` is empty.
    length: usize,
    /// All bytes, once they exceed the room in `short`.
    long: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Encoder {
        Encoder { short: [0; 64], length: 0, long: Vec::new() }
    }

    /// Appends bytes.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        if self.long.is_empty() {
            let end = self.length + bytes.len();
            if let Some(room) = self.short.get_mut(self.length..end) {
                room.copy_from_slice(bytes);
                self.length = end;
                return;
            }
            self.long.extend_from_slice(&self.short[..self.length]);
        }
        self.long.extend_from_slice(bytes);
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self.long.is_empty() {
            true => &self.short[..self.length],
            false => &self.long,
        }
    }
}
