use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Bytes in the order that slices have. Up to `N` of them are in the value itself, so that comparing and cloning them
/// follows no pointer.
#[derive(Clone)]
pub(super) enum SortedBytes<const N: usize> {
    Within {
        length: u8,
        /// Behind `length` they are zero.
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

impl<const N: usize> Ord for SortedBytes<N> {
    fn cmp(&self, other: &SortedBytes<N>) -> Ordering {
        match (self, other) {
            // A fixed number of bytes is compared without a loop. Where they are equal, one of the two begins with
            // the other and goes on with zero bytes: then the shorter one is first.
            (
                SortedBytes::Within { length: one, bytes },
                SortedBytes::Within { length: two, bytes: others },
            ) => bytes.cmp(others).then(one.cmp(two)),
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

    proptest! {
        #[test]
        fn they_sort_as_slices_do_wherever_they_are(one in bytes(), other in bytes()) {
            let (first, second): (SortedBytes<4>, SortedBytes<4>) =
                (one.as_slice().into(), other.as_slice().into());
            prop_assert_eq!(first.as_slice(), &one);
            prop_assert_eq!(first.cmp(&second), one.cmp(&other));
            prop_assert_eq!(first == second, one == other);
        }
    }
}
