use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Bytes that sort as slices do. Up to `N` of them are in the value itself, so that comparing and cloning them
/// follows no pointer.
#[derive(Clone)]
pub(super) enum SortedBytes<const N: usize> {
    Within {
        length: u8,
        /// The bytes after `length` are zero.
        bytes: [u8; N],
    },
    Apart(Arc<[u8]>),
}

impl<const N: usize> SortedBytes<N> {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            SortedBytes::Within { length, bytes } => &bytes[..usize::from(*length)],
            SortedBytes::Apart(bytes) => bytes,
        }
    }
}

impl<const N: usize> From<&[u8]> for SortedBytes<N> {
    fn from(slice: &[u8]) -> SortedBytes<N> {
        const { assert!(N <= u8::MAX as usize) }
        let mut bytes = [0; N];
        match bytes.get_mut(..slice.len()) {
            Some(within) => {
                within.copy_from_slice(slice);
                SortedBytes::Within { length: slice.len() as u8, bytes }
            }
            None => SortedBytes::Apart(slice.into()),
        }
    }
}

impl<const N: usize> Borrow<[u8]> for SortedBytes<N> {
    fn borrow(&self) -> &[u8] {
        self.as_slice()
    }
}

/// Compares eight bytes at a time, without a call: comparing takes most of the time of a look-up in a map.
#[inline]
fn compare<const N: usize>(one: &[u8; N], other: &[u8; N]) -> Ordering {
    for (one, other) in one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0) {
        if one != other {
            return u64::from_be_bytes(*one).cmp(&u64::from_be_bytes(*other));
        }
    }
    // Compares the last eight bytes; those among them that were compared before are equal.
    match (one.last_chunk::<8>(), other.last_chunk::<8>()) {
        (Some(one), Some(other)) => u64::from_be_bytes(*one).cmp(&u64::from_be_bytes(*other)),
        _ => one.cmp(other),
    }
}

impl<const N: usize> Ord for SortedBytes<N> {
    #[inline]
    fn cmp(&self, other: &SortedBytes<N>) -> Ordering {
        match (self, other) {
            // If all bytes are equal, one of the two is the other followed by zero bytes: then the shorter one
            // sorts first.
            (
                SortedBytes::Within { length: one, bytes },
                SortedBytes::Within { length: two, bytes: others },
            ) => compare(bytes, others).then(one.cmp(two)),
            _ => self.as_slice().cmp(other.as_slice()),
        }
    }
}

impl<const N: usize> PartialOrd for SortedBytes<N> {
    fn partial_cmp(&self, other: &SortedBytes<N>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> PartialEq for SortedBytes<N> {
    fn eq(&self, other: &SortedBytes<N>) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<const N: usize> Eq for SortedBytes<N> {}

impl<const N: usize> fmt::Debug for SortedBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(0..3_u8, 0..7)
    }

    fn hold<const N: usize>(one: &[u8], other: &[u8]) -> Result<(), TestCaseError> {
        let (first, second): (SortedBytes<N>, SortedBytes<N>) = (one.into(), other.into());
        prop_assert_eq!(first.as_slice(), one);
        prop_assert_eq!(first.cmp(&second), one.cmp(other));
        prop_assert_eq!(first == second, one == other);
        Ok(())
    }

    proptest! {
        #[test]
        fn they_sort_like_slices_inline_or_not(one in bytes(), other in bytes()) {
            hold::<4>(&one, &other)?;
            hold::<8>(&one, &other)?;
            hold::<22>(&one, &other)?;
        }

        #[test]
        fn a_difference_in_any_byte_counts(
            bytes in proptest::collection::vec(any::<u8>(), 0..26),
            place in 0..26_usize,
            length in 0..26_usize,
        ) {
            let mut other = bytes.clone();
            if let Some(byte) = other.get_mut(place) {
                *byte ^= 0x80;
            }
            hold::<22>(&bytes, &other)?;
            other.truncate(length);
            hold::<22>(&bytes, &other)?;
        }
    }
}
