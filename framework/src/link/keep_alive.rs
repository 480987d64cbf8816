use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Interval, MissedTickBehavior};

/// The number of beats without a sign of life after which a connection fails.
const BEATS: u32 = 4;
/// The number of bytes sent in one beat that count as a sign of life. Less fits into buffers on the
/// way: requests to a back end that has stopped would keep the connection alive for ever.
const BULK: usize = 64 * 1024;
/// The shortest time after which a connection fails: a busy machine must not lose it.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(1);

/// A connection that fails when its peer has been silent for about as long as a lease.
///
/// Both ends send pings, so a live peer is never silent. The time until a ping is answered proves
/// little, because the answer is queued behind everything in flight, and that may be much: a peer
/// counts as silent when nothing is read from it and little can be written to it. Silence is
/// measured in this process's own ticks, so that a process that was stopped reads the data that
/// arrived in the meantime before it judges.
#[derive(Debug)]
pub(super) struct KeepAlive<S> {
    stream: S,
    beats: Interval,
    read: usize,
    written: usize,
    silent: u32,
}

/// Returns the interval between pings.
pub(super) fn ping_interval(lease: Duration) -> Duration {
    lease.max(SHORTEST_PATIENCE) / BEATS
}

/// The time after which hyper gives up a connection because a ping was not answered: far later than
/// `KeepAlive`.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(60);

impl<S> KeepAlive<S> {
    /// Watches a connection with leases of this length.
    pub(super) fn new(stream: S, lease: Duration) -> KeepAlive<S> {
        let mut beats = tokio::time::interval(lease.max(SHORTEST_PATIENCE) / BEATS);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        KeepAlive { stream, beats, read: 0, written: 0, silent: 0 }
    }

    /// Returns an error if the peer has been silent for too long; otherwise the task is woken at
    /// the next beat.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.beats.poll_tick(context));
            let alive = self.read > 0 || self.written >= BULK;
            (self.read, self.written) = (0, 0);
            self.silent = if alive { 0 } else { self.silent + 1 };
            if self.silent > BEATS {
                let error = io::Error::new(io::ErrorKind::TimedOut, "the other end is silent");
                return Poll::Ready(error);
            }
        }
    }

    /// Returns the result of an operation, or an error if the operation must wait and the peer is
    /// silent.
    fn or_silence<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        match polled {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.poll_silence(context).map(Err),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for KeepAlive<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.read += buffer.filled().len() - before;
        self.or_silence(polled, context)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for KeepAlive<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.written += written;
        }
        self.or_silence(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        if let Poll::Ready(Ok(written)) = polled {
            self.written += written;
        }
        self.or_silence(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.or_silence(polled, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.or_silence(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;

    const LEASE: Duration = Duration::from_secs(2);

    fn pair() -> (KeepAlive<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(1 << 20);
        (KeepAlive::new(ours, LEASE), theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_is_noticed_after_a_lease() {
        let (mut stream, _peer) = pair();
        let begin = Instant::now();
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() >= LEASE && begin.elapsed() <= LEASE + LEASE / 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_sends_now_and_then_is_alive() {
        let (mut stream, mut peer) = pair();
        let sending = async {
            for _ in 0..10 {
                tokio::time::sleep(LEASE * 3 / 4).await;
                peer.write_u8(1).await.unwrap();
            }
        };
        let reading = async {
            for _ in 0..10 {
                stream.read_u8().await.unwrap();
            }
        };
        tokio::join!(sending, reading);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_much_is_alive_though_it_sends_nothing() {
        let (stream, mut peer) = pair();
        let (mut read, mut write) = tokio::io::split(stream);
        let writing = async {
            for _ in 0..20 {
                write.write_all(&[0; BULK]).await.unwrap();
                tokio::time::sleep(LEASE / 4).await;
                let mut taken = vec![0; BULK];
                peer.read_exact(&mut taken).await.unwrap();
            }
        };
        tokio::select! {
            biased;
            _ = read.read_u8() => panic!("it was taken for dead"),
            () = writing => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn small_requests_do_not_keep_a_dead_peer_alive() {
        let (stream, _peer) = pair();
        let (mut read, mut write) = tokio::io::split(stream);
        let writing = async {
            loop {
                write.write_all(b"another call").await.unwrap();
                tokio::time::sleep(LEASE / 8).await;
            }
        };
        tokio::select! {
            biased;
            read = read.read_u8() => assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut),
            () = writing => {}
        }
    }
}
