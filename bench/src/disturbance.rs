//! Requests at a steady rate while a server is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Result;
use crate::http1::Connection;

/// The number of connections for the requests.
const CONNECTIONS: u32 = 4;

/// Requests at a steady rate.
#[derive(Debug)]
pub(crate) struct Disturbance {
    pub(crate) address: SocketAddr,
    /// Complete requests, which are sent in turn repeatedly.
    pub(crate) requests: Arc<[String]>,
    pub(crate) per_second: u32,
}

/// A running disturbance.
#[derive(Debug)]
pub(crate) struct Disturbing {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<Result<u32>>>,
    begun: Instant,
}

impl Disturbance {
    pub(crate) fn start(&self) -> Result<Disturbing> {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = Instant::now();
        let mut senders = Vec::new();
        for first in 0..CONNECTIONS {
            let connection = Connection::open(self.address)?;
            let (requests, stop) = (Arc::clone(&self.requests), Arc::clone(&stop));
            let pause = Duration::from_secs(1) / self.per_second;
            senders.push(std::thread::spawn(move || {
                send(connection, &requests, first, begun, pause, &stop)
            }));
        }
        Ok(Disturbing { stop, senders, begun })
    }
}

impl Disturbing {
    /// Ends the disturbance and returns the number of answered requests per second.
    pub(crate) fn stop(mut self) -> Result<f64> {
        self.stop.store(true, Ordering::Relaxed);
        let mut sent = 0;
        for sender in self.senders.drain(..) {
            sent += sender.join().map_err(|_| "a disturbance has panicked")??;
        }
        Ok(f64::from(sent) / self.begun.elapsed().as_secs_f64())
    }
}

impl Drop for Disturbing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Sends every fourth request when it is due, or as soon as the previous one is answered.
fn send(
    mut connection: Connection,
    requests: &[String],
    first: u32,
    begun: Instant,
    pause: Duration,
    stop: &AtomicBool,
) -> Result<u32> {
    let (mut number, mut sent) = (first, 0);
    while !stop.load(Ordering::Relaxed) {
        let due = begun + pause * number;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let answer = connection.ask(&requests[number as usize % requests.len()])?;
        if answer.head.status != 200 {
            let shown = String::from_utf8_lossy(answer.body()).into_owned();
            return Err(
                format!("a disturbance was answered with {}: {shown}", answer.head.status).into()
            );
        }
        sent += 1;
        number += CONNECTIONS;
    }
    Ok(sent)
}
