use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// A network path between a front end and its back end. It listens on a fixed address and forwards connections to a
/// target that may change. It can be cut, slowed and delayed.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    network: watch::Sender<Network>,
    listener: AbortHandle,
}

/// The kind of a cut, as its ends see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Open connections are reset, and new ones immediately after they are accepted.
    Reset,
    /// Connections stay open and new ones are accepted, but nothing passes, neither bytes nor the end of a connection.
    /// When the cut is healed, everything that was sent meanwhile arrives.
    Silence,
}

/// The direction of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To the target.
    Up,
    /// From the target.
    Down,
}

#[derive(Debug, Clone, Copy)]
struct Network {
    target: SocketAddr,
    cut: Option<Cut>,
    /// The number of cuts that reset connections.
    resets: u64,
    /// The number of bytes per second that pass from the target, over each connection.
    rate: Option<u32>,
    /// The delay of each byte, in each direction.
    delay: Duration,
}

/// The maximum number of pieces that are in transit in one direction.
const UNDER_WAY: usize = 1024;

impl Relay {
    /// Starts a relay to `target`.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(target: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("the listener is bound");
        let (network, receiver) = watch::channel(Network {
            target,
            cut: None,
            resets: 0,
            rate: None,
            delay: Duration::ZERO,
        });
        let listener = tokio::spawn(accept(listener, receiver)).abort_handle();
        Relay { address, network, listener }
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards new connections to `target`.
    pub fn set_target(&self, target: SocketAddr) {
        self.network.send_modify(|network| network.target = target);
    }

    /// Cuts the relay.
    pub fn cut(&self, cut: Cut) {
        self.network.send_modify(|network| {
            network.cut = Some(cut);
            network.resets += u64::from(cut == Cut::Reset);
        });
    }

    /// Limits each connection to `rate` bytes per second from the target; `None` removes the limit.
    pub fn slow(&self, rate: Option<u32>) {
        self.network.send_modify(|network| network.rate = rate);
    }

    /// Delays all bytes received from now on by `delay`, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.network.send_modify(|network| network.delay = delay);
    }

    /// Undoes the cut.
    pub fn heal(&self) {
        self.network.send_modify(|network| network.cut = None);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(listener: TcpListener, network: watch::Receiver<Network>) {
    loop {
        let Ok((near, _)) = listener.accept().await else { continue };
        tokio::spawn(connection(near, network.clone()));
    }
}

async fn connection(mut near: TcpStream, mut network: watch::Receiver<Network>) {
    let _ = near.set_zero_linger();
    let now = *network.borrow();
    if now.cut == Some(Cut::Reset) {
        return;
    }
    let reset = network.clone();
    let pass = async {
        let Ok(target) = open(&mut network).await else { return };
        let Ok(mut far) = TcpStream::connect(target).await else { return };
        let _ = (near.set_nodelay(true), far.set_nodelay(true), far.set_zero_linger());
        let (near_in, near_out) = near.split();
        let (far_in, far_out) = far.split();
        let _ = tokio::try_join!(
            pump(near_in, far_out, network.clone(), Way::Up),
            pump(far_in, near_out, network.clone(), Way::Down),
        );
    };
    tokio::select! {
        () = pass => {}
        () = was_reset(reset, now.resets) => {}
    }
}

/// Forwards bytes from `from` to `to` until the end.
async fn pump(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    network: watch::Receiver<Network>,
    way: Way,
) -> io::Result<()> {
    let (sender, pieces) = mpsc::channel(UNDER_WAY);
    tokio::try_join!(take(from, sender, network, way), give(pieces, to))?;
    Ok(())
}

/// Reads pieces from `from` and sends each with the time when it is due.
async fn take(
    mut from: impl AsyncRead + Unpin,
    pieces: mpsc::Sender<(Instant, Vec<u8>)>,
    mut network: watch::Receiver<Network>,
    way: Way,
) -> io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    loop {
        open(&mut network).await?;
        let rate = network.borrow().rate.filter(|_| way == Way::Down);
        let most = rate.map_or(piece.len(), |rate| piece.len().min(rate as usize / 20).max(1));
        let read = from.read(&mut piece[..most]).await;
        // Bytes that arrived while the relay was cut are held back until it is healed.
        open(&mut network).await?;
        match read? {
            0 => return Ok(()),
            length => {
                let delay = network.borrow().delay;
                let due = (Instant::now() + delay, piece[..length].to_vec());
                pieces.send(due).await.map_err(io::Error::other)?;
                if delay.is_zero() {
                    // Without a delay, wait until all pieces are written, so that an end that does not read blocks the
                    // other.
                    drop(pieces.reserve_many(UNDER_WAY).await.map_err(io::Error::other)?);
                }
                pause(&mut network, rate, length).await;
            }
        }
    }
}

/// Writes each piece when it is due.
async fn give(
    mut pieces: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    while let Some((due, piece)) = pieces.recv().await {
        tokio::time::sleep_until(due).await;
        to.write_all(&piece).await?;
    }
    to.shutdown().await
}

/// Waits for as long as `length` bytes take at this rate, or until the rate changes.
async fn pause(network: &mut watch::Receiver<Network>, rate: Option<u32>, length: usize) {
    let Some(bytes) = rate else { return };
    let pause = Duration::from_secs_f64(length as f64 / f64::from(bytes));
    let _ = tokio::time::timeout(pause, network.wait_for(|network| network.rate != rate)).await;
}

/// Waits until the relay is not cut, and returns the target. Returns an error when the relay has been dropped.
async fn open(network: &mut watch::Receiver<Network>) -> io::Result<SocketAddr> {
    let network = network.wait_for(|network| network.cut.is_none()).await;
    network.map(|network| network.target).map_err(io::Error::other)
}

/// Waits until the connections of `before` are reset, or the relay has been dropped.
async fn was_reset(mut network: watch::Receiver<Network>, before: u64) {
    let _ = network.wait_for(|network| network.resets != before).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    async fn echoed(stream: &mut TcpStream, byte: u8) -> io::Result<u8> {
        stream.write_all(&[byte]).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn a_reset_ends_connections_and_refuses_new_ones() {
        let relay = Relay::start(echo().await).await;
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(echoed(&mut stream, 7).await.unwrap(), 7);
        relay.cut(Cut::Reset);
        assert!(stream.read_u8().await.is_err());
        let mut refused = TcpStream::connect(relay.address()).await.unwrap();
        assert!(echoed(&mut refused, 7).await.is_err());
        relay.heal();
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(echoed(&mut stream, 8).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn bytes_sent_during_silence_arrive_when_it_ends() {
        let relay = Relay::start(echo().await).await;
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(echoed(&mut stream, 7).await.unwrap(), 7);
        relay.cut(Cut::Silence);
        let answer = tokio::time::timeout(Duration::from_millis(50), echoed(&mut stream, 8));
        assert!(answer.await.is_err(), "nothing passes");
        relay.heal();
        assert_eq!(stream.read_u8().await.unwrap(), 8);
    }

    #[tokio::test]
    async fn bytes_from_the_target_can_be_slowed() {
        let relay = Relay::start(echo().await).await;
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        relay.slow(Some(1000));
        let start = std::time::Instant::now();
        stream.write_all(&[7; 200]).await.unwrap();
        stream.read_exact(&mut [0; 200]).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
        relay.slow(None);
        assert_eq!(echoed(&mut stream, 8).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn bytes_are_delayed_in_each_direction() {
        let relay = Relay::start(echo().await).await;
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(echoed(&mut stream, 7).await.unwrap(), 7);
        relay.delay(Duration::from_millis(60));
        let start = Instant::now();
        assert_eq!(echoed(&mut stream, 8).await.unwrap(), 8);
        assert!(start.elapsed() >= Duration::from_millis(120), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn new_connections_go_to_the_new_target() {
        let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let relay = Relay::start(nowhere).await;
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        assert!(echoed(&mut stream, 7).await.is_err());
        relay.set_target(echo().await);
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(echoed(&mut stream, 8).await.unwrap(), 8);
    }
}
