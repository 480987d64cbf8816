use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// The number of bytes that may be in flight, each way, in a connection within the process.
const MEMORY_BUFFER: usize = 256 * 1024;
/// The number of connections within the process that may wait to be accepted.
const MEMORY_BACKLOG: usize = 16;

/// The first bytes of a connection for a feed over TCP. HTTP/2 follows, whose own preface begins
/// with another byte.
pub(super) const FEED_PREFACE: &[u8; 16] = b"HEADWATER FEED\r\n";

/// The purpose of a connection, which decides in which runtime it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Calls and everything else but feeds.
    Calls,
    /// A feed.
    Feed,
}

/// The address of a back end.
#[derive(Debug, Clone)]
pub(crate) struct Connector(Transport);

#[derive(Debug, Clone)]
enum Transport {
    Tcp(String),
    Memory(mpsc::Sender<(DuplexStream, Purpose)>),
}

impl Connector {
    /// Connects over TCP, to `address`: `host:port`.
    pub(crate) fn tcp(address: impl Into<String>) -> Connector {
        Connector(Transport::Tcp(address.into()))
    }

    pub(super) async fn connect(&self, purpose: Purpose) -> io::Result<Stream> {
        match &self.0 {
            Transport::Tcp(address) => {
                let mut stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                if purpose == Purpose::Feed {
                    stream.write_all(FEED_PREFACE).await?;
                }
                Ok(Stream::Tcp(stream))
            }
            Transport::Memory(backend) => {
                let (ours, theirs) = tokio::io::duplex(MEMORY_BUFFER);
                let gone = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
                backend.send((theirs, purpose)).await.map_err(gone)?;
                Ok(Stream::Memory(ours))
            }
        }
    }
}

impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Transport::Tcp(address) => f.write_str(address),
            Transport::Memory(_) => f.write_str("in this process"),
        }
    }
}

/// The source of a back end's connections.
#[derive(Debug)]
pub(crate) struct Incoming(Source);

#[derive(Debug)]
enum Source {
    Tcp(TcpListener),
    Memory(mpsc::Receiver<(DuplexStream, Purpose)>),
}

/// Creates a connector and a listener within the process.
pub(crate) fn in_memory() -> (Connector, Incoming) {
    let (sender, receiver) = mpsc::channel(MEMORY_BACKLOG);
    (Connector(Transport::Memory(sender)), Incoming(Source::Memory(receiver)))
}

impl Incoming {
    /// Accepts the connections of a TCP listener.
    pub(crate) fn tcp(listener: TcpListener) -> Incoming {
        Incoming(Source::Tcp(listener))
    }

    /// Returns the address of the listener, if it is reachable from beyond this machine.
    pub(super) fn exposed(&self) -> io::Result<Option<std::net::SocketAddr>> {
        match &self.0 {
            Source::Tcp(listener) => {
                let address = listener.local_addr()?;
                Ok(Some(address).filter(|address| !address.ip().to_canonical().is_loopback()))
            }
            Source::Memory(_) => Ok(None),
        }
    }

    /// Returns the next connection. Cancel-safe.
    pub(super) async fn accept(&mut self) -> io::Result<Accepted> {
        match &mut self.0 {
            Source::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream))
            }
            Source::Memory(receiver) => match receiver.recv().await {
                Some((stream, purpose)) => Ok(Accepted::Memory(stream, purpose)),
                None => std::future::pending().await,
            },
        }
    }
}

/// A connection that was accepted.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream),
    Memory(DuplexStream, Purpose),
}

impl Accepted {
    /// Reads the preface, if there is one, and returns the connection with its purpose.
    ///
    /// # Errors
    /// If the connection ends, or begins with an invalid preface.
    pub(super) async fn introduced(self) -> io::Result<(Stream, Purpose)> {
        let mut stream = match self {
            Accepted::Tcp(stream) => stream,
            Accepted::Memory(stream, purpose) => return Ok((Stream::Memory(stream), purpose)),
        };
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if first[0] != FEED_PREFACE[0] {
            return Ok((Stream::Tcp(stream), Purpose::Calls));
        }
        let mut preface = [0; FEED_PREFACE.len()];
        stream.read_exact(&mut preface).await?;
        match preface == *FEED_PREFACE {
            true => Ok((Stream::Tcp(stream), Purpose::Feed)),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// A connection of either kind.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Memory(DuplexStream),
}

impl Stream {
    /// Registers the connection with the I/O driver of another runtime.
    ///
    /// # Errors
    /// If the system does not register it there.
    pub(super) fn moved_to(self, runtime: &Handle) -> io::Result<Stream> {
        match self {
            Stream::Tcp(stream) => {
                let stream = stream.into_std()?;
                let _entered = runtime.enter();
                Ok(Stream::Tcp(TcpStream::from_std(stream)?))
            }
            Stream::Memory(stream) => Ok(Stream::Memory(stream)),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Memory(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Memory(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Memory(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Tcp(stream) => stream.is_write_vectored(),
            Stream::Memory(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Stream::Memory(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Memory(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
