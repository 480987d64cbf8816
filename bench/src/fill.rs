//! Has many pages made, so that they are in a cache.

use std::net::SocketAddr;

use crate::Result;
use crate::http1::Connection;

/// How many are asked for at once.
const CLIENTS: u32 = 16;

/// The path of a page of the mix.
pub(crate) fn path(set: &str, bytes: usize, number: u32) -> String {
    format!("/mix/{set}/{bytes}/{number}")
}

/// Asks for the first `pages` pages of a set, each once.
pub(crate) fn fill(address: SocketAddr, set: &str, bytes: usize, pages: u32) -> Result {
    let client = |first: u32| -> Result {
        let mut connection = Connection::open(address)?;
        for number in (first..pages).step_by(CLIENTS as usize) {
            let path = path(set, bytes, number);
            let head = connection.get(&path)?.head;
            if (head.status, head.content_length) != (200, bytes) {
                return Err(format!("{path}: status {}", head.status).into());
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
