//! Accepts connections.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::{self, Rules};
use super::handler::{Handler, Peer};
use super::limits::Limits;
use super::refusal::Refusal;

/// A listening socket and the limits of its connections.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    limits: Limits,
}

/// The outcome of a server's stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// The number of connections that were cut because their requests took longer than the drain
    /// time.
    pub cut: usize,
}

impl Server {
    /// Listens on `address`; port 0 selects a free port.
    ///
    /// # Errors
    /// Fails if the address is not one of this machine or is in use.
    pub async fn bind(address: impl ToSocketAddrs, limits: Limits) -> io::Result<Server> {
        Ok(Server { listener: TcpListener::bind(address).await?, limits })
    }

    /// Listens on a socket that is already open.
    ///
    /// # Errors
    /// Fails if the socket cannot accept connections.
    pub fn on(listener: std::net::TcpListener, limits: Limits) -> io::Result<Server> {
        listener.set_nonblocking(true)?;
        Ok(Server { listener: TcpListener::from_std(listener)?, limits })
    }

    /// Returns the actual address.
    ///
    /// # Errors
    /// Fails if the system does not return it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves HTTP/1 and HTTP/2 until `stop` is cancelled. Then it stops listening, closes
    /// connections without a request, and returns when the responses of all others are complete, or
    /// their connections were cut after the drain time.
    pub async fn run<H: Handler>(self, handler: Arc<H>, stop: CancellationToken) -> Drained {
        let Server { listener, limits } = self;
        let rules = Arc::new(Rules::new(limits));
        let permits = Arc::clone(&rules.permits);
        let refusals = rules.limits.refusals.min(Semaphore::MAX_PERMITS);
        let refusals = Arc::new(Semaphore::new(refusals));
        let mut tasks = JoinSet::new();
        let mut stopped = pin!(stop.cancelled());
        let mut pause = Pause::default();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stopped.as_mut() => break,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
                accepted = pause.then_accept(&listener) => accepted,
            };
            let (stream, addr) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause.after(&error, Instant::now());
                    continue;
                }
            };
            pause = Pause::default();
            if let Ok(permit) = permits.clone().try_acquire_owned() {
                let (rules, handler) = (rules.clone(), handler.clone());
                tasks.spawn(async move {
                    // It only affects latency, and the socket may already be closed.
                    let _ = stream.set_nodelay(true);
                    connection::serve(stream, Peer { addr }, &rules, handler).await;
                    drop(permit);
                });
            } else if let Ok(permit) = refusals.clone().try_acquire_owned() {
                tasks.spawn(async move {
                    refuse(stream).await;
                    drop(permit);
                });
            }
        }
        drop(listener);
        rules.stop.stop();
        let drained =
            timeout(rules.limits.drain, async { while tasks.join_next().await.is_some() {} });
        // The remaining connections are counted below.
        let _ = drained.await;
        let cut = tasks.len();
        tasks.shutdown().await;
        Drained { cut }
    }
}

/// Answers a connection beyond the limit. The client has a second to read the response.
async fn refuse(mut stream: TcpStream) {
    let refused = timeout(Duration::from_secs(1), async {
        let mut unread = [0; 4096];
        // Clients treat a connection as broken if the response precedes their request.
        if stream.read(&mut unread).await? == 0 {
            return Ok(());
        }
        stream.write_all(&Refusal::TooManyConnections.written()).await?;
        stream.shutdown().await?;
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    });
    // If the client is gone, no response is needed.
    let _ = refused.await;
}

/// The pause after a failed attempt to accept, and its end. The end is a point in time, because
/// connections that close meanwhile must not restart the pause.
#[derive(Default)]
struct Pause(Option<(Duration, Instant)>);

impl Pause {
    async fn then_accept(&self, listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        if let Some((_, until)) = self.0 {
            tokio::time::sleep_until(until).await;
        }
        listener.accept().await
    }

    /// Pauses longer after each failure, unless only the client has disconnected. Other failures
    /// concern the machine (no file descriptors, no memory), and an immediate retry would waste
    /// time.
    fn after(&mut self, error: &io::Error, now: Instant) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
            return;
        }
        let before = self.0.map_or(Duration::ZERO, |(pause, _)| pause);
        let pause = (before * 2).clamp(Duration::from_millis(10), Duration::from_secs(1));
        self.0 = Some((pause, now + pause));
        tracing::warn!(%error, ?pause, "no connection can be accepted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn connections_that_close_do_not_prolong_a_pause() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut pause = Pause::default();
        let begun = Instant::now();
        (0..10).for_each(|_| pause.after(&rustix::io::Errno::MFILE.into(), begun));
        // As the accept loop does whenever a connection ends.
        loop {
            let other = tokio::time::sleep(Duration::from_millis(100));
            tokio::select! {
                accepted = pause.then_accept(&listener) => break drop(accepted.unwrap()),
                () = other => {}
            }
            assert!(begun.elapsed() <= Duration::from_secs(1), "it is never accepted");
        }
    }

    #[test]
    fn the_pause_grows_with_each_failure_to_accept() {
        let (mut pause, now) = (Pause::default(), Instant::now());
        pause.after(&io::ErrorKind::ConnectionAborted.into(), now);
        assert_eq!(pause.0, None);
        let no_descriptors = rustix::io::Errno::MFILE.into();
        let ends_after = |pause: &Pause| pause.0.map(|(_, until)| until - now);
        pause.after(&no_descriptors, now);
        assert_eq!(ends_after(&pause), Some(Duration::from_millis(10)));
        (0..10).for_each(|_| pause.after(&no_descriptors, now));
        assert_eq!(ends_after(&pause), Some(Duration::from_secs(1)));
    }
}
