//! Fills a cache with many pages.

use std::net::SocketAddr;

use crate::Result;
use crate::contestant::Contestant;
use crate::http1::{Connection, Head};

/// The number of concurrent requests.
const CLIENTS: u32 = 16;

/// Returns the path of a page of the mix.
pub(crate) fn path(set: &str, bytes: usize, number: u32) -> String {
    format!("/mix/{set}/{bytes}/{number}")
}

/// Fills a contestant's cache with the first `pages` pages of a set, and checks that they are
/// cached.
pub(crate) fn fill(contestant: &Contestant, set: &str, bytes: usize, pages: u32) -> Result {
    let name = contestant.kind.name();
    ask_all(contestant.http1, set, bytes, pages).map_err(|error| format!("{name}: {error}"))?;
    for number in [0, pages / 2, pages - 1] {
        if !is_cached(contestant, set, bytes, number)? {
            return Err(format!("{name}: page {number} of {pages} is not in the cache").into());
        }
    }
    Ok(())
}

/// Requests a page of a set and returns whether it was served from the cache.
pub(crate) fn is_cached(
    contestant: &Contestant,
    set: &str,
    bytes: usize,
    number: u32,
) -> Result<bool> {
    let answer = Connection::open(contestant.http1)?.get(&path(set, bytes, number))?;
    Ok((contestant.is_hit)(&answer))
}

/// Requests the first `pages` pages of a set, each once.
fn ask_all(address: SocketAddr, set: &str, bytes: usize, pages: u32) -> Result {
    let client = |first: u32| -> Result {
        let mut connection = Connection::open(address)?;
        for number in (first..pages).step_by(CLIENTS as usize) {
            let path = path(set, bytes, number);
            let head = connection.get(&path)?.head;
            if (head.status, head.content_length) != (200, bytes) {
                let Head { status, content_length, .. } = head;
                return Err(format!("{path}: status {status}, {content_length} bytes").into());
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|first| scope.spawn(move || client(first))).collect();
        let done = clients.into_iter().map(|it| it.join().map_err(|_| "a client has panicked")?);
        done.collect()
    })
}
