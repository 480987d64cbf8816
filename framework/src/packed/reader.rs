use super::{DEPTH, FALSE, FLOAT, LIST, MOST_VALUES, NEGATIVE, NONE, OBJECT, TEXT, TRUE, UNSIGNED};

/// The bytes are not packed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end too early.
    #[error("the packed values end too early")]
    Torn,
    /// Something goes on after their end.
    #[error("something goes on after the end of the packed values")]
    TooLong,
    /// There are more values than one page may have, or they lie deeper in one another.
    #[error("there are too many packed values, or they lie too deep")]
    TooMuch,
    /// This is none of the beginnings that values have.
    #[error("{0} is not how a packed value begins")]
    UnknownTag(u8),
    /// An object is said to be of a shape that there is not.
    #[error("there is no shape with the number {0}")]
    UnknownShape(u32),
    /// A text is not in UTF-8.
    #[error("a packed text is not in UTF-8")]
    NoText,
    /// A number has more than 64 bits.
    #[error("a packed number has more than 64 bits")]
    NoNumber,
}

/// Makes something of values as they are read.
pub(crate) trait Build {
    /// What a value becomes.
    type Value;
    /// An object that is not yet whole.
    type Object;

    /// Nothing is there.
    fn none(&mut self) -> Self::Value;
    /// A truth.
    fn truth(&mut self, value: bool) -> Self::Value;
    /// A number that is not negative.
    fn unsigned(&mut self, value: u64) -> Self::Value;
    /// A number that is negative.
    fn negative(&mut self, value: i64) -> Self::Value;
    /// A number with a fraction, or that was one of those.
    fn float(&mut self, value: f64) -> Self::Value;
    /// A text.
    fn text(&mut self, value: &str) -> Self::Value;
    /// A list.
    fn list(&mut self, values: Vec<Self::Value>) -> Self::Value;
    /// A further shape that objects may have: all come before the first value, and are counted from 0.
    fn shape(&mut self, keys: Vec<&str>);
    /// An object of this shape begins.
    fn begin(&mut self, shape: usize) -> Self::Object;
    /// The value of a key of the shape comes, in the order of the keys, counted from 0. Of a key that
    /// the shape has twice the later value counts.
    fn put(&mut self, object: &mut Self::Object, shape: usize, key: usize, value: Self::Value);
    /// All keys of the shape have got their values.
    fn end(&mut self, object: Self::Object) -> Self::Value;
}

/// Reads packed values to their end.
pub(super) fn read<B: Build>(
    bytes: &[u8],
    build: &mut B,
    mut member: impl FnMut(&str, B::Value),
) -> Result<(), Malformed> {
    let mut reader = Reader { bytes, lengths: Vec::new(), values: 0 };
    reader.shapes(build)?;
    for _ in 0..reader.number()? {
        let name = reader.text()?;
        let value = reader.value(build, 0)?;
        member(name, value);
    }
    if reader.bytes.is_empty() { Ok(()) } else { Err(Malformed::TooLong) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// How many keys each shape has.
    lengths: Vec<usize>,
    /// How many values have come so far.
    values: usize,
}

impl<'a> Reader<'a> {
    fn shapes<B: Build>(&mut self, build: &mut B) -> Result<(), Malformed> {
        let mut all = 0;
        for _ in 0..self.length()? {
            let length = self.length()?;
            all += length;
            if all > MOST_VALUES || self.lengths.len() == MOST_VALUES {
                return Err(Malformed::TooMuch);
            }
            let keys = (0..length).map(|_| self.text()).collect::<Result<Vec<_>, _>>()?;
            self.lengths.push(length);
            build.shape(keys);
        }
        Ok(())
    }

    fn value<B: Build>(&mut self, build: &mut B, depth: usize) -> Result<B::Value, Malformed> {
        self.values += 1;
        if self.values > MOST_VALUES || depth > DEPTH {
            return Err(Malformed::TooMuch);
        }
        Ok(match self.byte()? {
            NONE => build.none(),
            FALSE => build.truth(false),
            TRUE => build.truth(true),
            UNSIGNED => build.unsigned(self.number()?),
            NEGATIVE => {
                let value = i64::try_from(self.number()?).map_err(|_| Malformed::NoNumber)?;
                build.negative(!value)
            }
            FLOAT => build.float(f64::from_le_bytes(*self.chunk()?)),
            TEXT => build.text(self.text()?),
            LIST => {
                let length = u32::from_le_bytes(*self.chunk()?) as usize;
                // Each has a byte at least.
                let mut values = Vec::with_capacity(self.present(length)?);
                for _ in 0..length {
                    values.push(self.value(build, depth + 1)?);
                }
                build.list(values)
            }
            OBJECT => {
                let number = u32::from_le_bytes(*self.chunk()?);
                let shape = number as usize;
                let keys = *self.lengths.get(shape).ok_or(Malformed::UnknownShape(number))?;
                self.present(keys)?;
                let mut object = build.begin(shape);
                for key in 0..keys {
                    let value = self.value(build, depth + 1)?;
                    build.put(&mut object, shape, key, value);
                }
                build.end(object)
            }
            tag => return Err(Malformed::UnknownTag(tag)),
        })
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (byte, rest) = self.bytes.split_first().ok_or(Malformed::Torn)?;
        self.bytes = rest;
        Ok(*byte)
    }

    fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (chunk, rest) = self.bytes.split_first_chunk().ok_or(Malformed::Torn)?;
        self.bytes = rest;
        Ok(chunk)
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed::NoNumber);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed::NoNumber)
    }

    /// A number of things that follow, each of a byte at least.
    fn length(&mut self) -> Result<usize, Malformed> {
        let length = self.number()?;
        self.present(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn present(&self, length: usize) -> Result<usize, Malformed> {
        if length <= self.bytes.len() { Ok(length) } else { Err(Malformed::Torn) }
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.length()?;
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        std::str::from_utf8(text).map_err(|_| Malformed::NoText)
    }
}
