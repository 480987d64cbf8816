//! The built-in load generator: one thread, many connections, one request at a time on each.
//!
//! It shares the cores with the measured server, so it does as little as possible: it reads an
//! answer into an existing buffer, finds the end of the head, the status and the length, and reads
//! the clock once. Its own CPU time is measured too.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::figures::Times;
use crate::http1::{self, Head};
use crate::{Result, cpu, processes};

/// The longest answer that is accepted, in bytes.
const BUFFER: usize = 80 * 1024;

/// Open connections, each with one checked answer.
#[derive(Debug)]
pub(crate) struct Load {
    runtime: Runtime,
    connections: Vec<Connection>,
}

/// The clients of our own load generator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clients {
    pub(crate) connections: u16,
    pub(crate) threads: u16,
}

/// The measurements of the clients.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    pub(crate) times: Times,
    /// The CPU time of the load generator, if it is known.
    pub(crate) cpu: Option<Duration>,
}

/// A request, with the required status and length of its answers.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// Further lines of its head, each with its line end.
    pub(crate) headers: String,
    pub(crate) status: u16,
    pub(crate) body_bytes: usize,
}

impl Request {
    /// Returns a GET request for a page of this many bytes.
    pub(crate) fn of_page(path: impl Into<String>, body_bytes: usize) -> Request {
        Request { path: path.into(), headers: String::new(), status: 200, body_bytes }
    }
}

impl Load {
    /// Opens connections and checks one answer on each.
    pub(crate) fn open(address: SocketAddr, count: u16, request: &Request) -> Result<Load> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connections = runtime.block_on(open_all(address, count, request))?;
        Ok(Load { runtime, connections })
    }

    /// Sends requests on all connections for `duration`.
    pub(crate) fn run(self, duration: Duration) -> Result<Measured> {
        let Load { runtime, connections } = self;
        let cpu_before = own_cpu()?;
        let start = Instant::now();
        let times = runtime.block_on(ask_all(connections, start + duration))?;
        let elapsed = start.elapsed();
        let cpu = own_cpu()?.saturating_sub(cpu_before);
        Ok(Measured {
            requests: times.len() as u64,
            elapsed,
            times: Times::of(times).ok_or("there was no answer at all")?,
            cpu: Some(cpu),
        })
    }
}

/// Returns the CPU time of this process without its children.
fn own_cpu() -> Result<Duration> {
    let stat = processes::stat(std::process::id())?;
    Ok(cpu::time(stat.user + stat.system))
}

async fn open_all(address: SocketAddr, count: u16, request: &Request) -> Result<Vec<Connection>> {
    let mut connections = Vec::new();
    for _ in 0..count {
        connections.push(Connection::open(address, request).await?);
    }
    Ok(connections)
}

async fn ask_all(connections: Vec<Connection>, end: Instant) -> Result<Vec<Duration>> {
    let mut asking: JoinSet<_> =
        connections.into_iter().map(|connection| connection.ask_until(end)).collect();
    let mut times = Vec::new();
    while let Some(asked) = asking.join_next().await {
        times.append(&mut asked??);
    }
    Ok(times)
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    request: String,
    buffer: Box<[u8]>,
    status: u16,
    body_bytes: usize,
}

impl Connection {
    async fn open(address: SocketAddr, request: &Request) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut connection = Connection {
            stream,
            request: http1::get(&request.path, &request.headers),
            buffer: vec![0; BUFFER].into(),
            status: request.status,
            body_bytes: request.body_bytes,
        };
        connection.ask().await?;
        Ok(connection)
    }

    /// Returns the duration of each answer, up to the first one after `end`.
    async fn ask_until(mut self, end: Instant) -> Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(1 << 16);
        let mut asked = Instant::now();
        while asked < end {
            self.ask().await?;
            let answered = Instant::now();
            times.push(answered - asked);
            asked = answered;
        }
        Ok(times)
    }

    async fn ask(&mut self) -> Result<Head> {
        self.stream.write_all(self.request.as_bytes()).await?;
        let mut filled = 0;
        let mut head = None;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            filled += read;
            if head.is_none() {
                head = Head::parse(&self.buffer[..filled])?;
            }
            match head {
                Some(head) if filled >= head.total() => return self.check(head, filled),
                _ if read == 0 => return Err("an answer has broken off, or is too long".into()),
                _ => {}
            }
        }
    }

    fn check(&self, head: Head, filled: usize) -> Result<Head> {
        let is_whole = head.content_length == self.body_bytes && filled == head.total();
        if head.status != self.status || !is_whole {
            let Head { status, content_length, .. } = head;
            let message = format!("an answer with status {status} and {content_length} bytes");
            return Err(message.into());
        }
        Ok(head)
    }
}
