//! Requests with a Zipf distribution: the most popular page is requested twice as often as the
//! second, three times as often as the third.

/// The number of requests before they are repeated.
const REQUESTS: usize = 1 << 20;

/// The requests are always the same, for each contestant.
const SEED: u64 = 2009;

/// Returns page numbers in the order of the requests, each below `pages`.
pub(crate) fn requests(pages: u32) -> impl Iterator<Item = u32> {
    let ranks = (1..=pages).scan(0.0, |sum, rank| {
        *sum += 1.0 / f64::from(rank);
        Some(*sum)
    });
    let sums: Vec<f64> = ranks.collect();
    let whole = sums.last().copied().unwrap_or_default();
    let mut state = SEED;
    (0..REQUESTS).map(move |_| {
        let point = next(&mut state) * whole;
        let rank = sums.partition_point(|sum| *sum <= point).min(sums.len() - 1);
        // Neighbours in rank should not be neighbours in the order in which pages were stored.
        scattered(rank as u64, pages)
    })
}

/// Returns the next random number in [0, 1) (splitmix64).
fn next(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Returns a different number below `pages` for each rank, by multiplying with a number that has no
/// common factor with `pages`.
fn scattered(rank: u64, pages: u32) -> u32 {
    const PRIME: u64 = 2_654_435_761;
    (rank * PRIME % u64::from(pages)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_page_is_requested_twice_as_often_as_the_second() {
        let pages = 100_000;
        let mut counts = vec![0_u32; pages as usize];
        requests(pages).for_each(|page| counts[page as usize] += 1);
        let count = |rank| f64::from(counts[scattered(rank, pages) as usize]);
        for (rank, share) in [(1, 2.0), (2, 3.0), (9, 10.0)] {
            let ratio = count(0) / count(rank);
            assert!((ratio / share - 1.0).abs() < 0.05, "rank {rank}: {ratio}");
        }
        // Half of the requests are for few pages, and many pages are requested at least once.
        assert!(counts.iter().filter(|count| **count > 0).count() > 40_000);
    }

    #[test]
    fn the_requests_are_always_the_same() {
        assert!(requests(1000).eq(requests(1000)));
        assert!(requests(7).all(|page| page < 7));
    }

    #[test]
    fn no_two_ranks_are_the_same_page() {
        let mut seen = vec![false; 10_000];
        for rank in 0..10_000 {
            let page = scattered(rank, 10_000) as usize;
            assert!(!std::mem::replace(&mut seen[page], true));
        }
    }
}
