//! A file of 4 GiB for many concurrent clients: the memory of the front end, the speed, and the CPU
//! time. First the clients read as fast as they can, then each stops reading after a while, so that
//! all buffers are full.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::arguments::Arguments;
use crate::contestant::headwater::Cluster;
use crate::cpu;
use crate::http1::get;
use crate::memory;
use crate::site::{FILES, LARGE};
use crate::{Result, site};

/// The length of the file, in bytes. It has no content, so it takes no space on the disk.
const LENGTH: u64 = 4 << 30;

/// The number of bytes that a client reads before it stops.
const TAKEN: u64 = 16 << 20;

/// The time for which clients that have stopped reading are observed.
const WATCHED: Duration = Duration::from_secs(2);

/// The size of a client's reads, in bytes.
const PIECE: usize = 256 * 1024;

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Large {
    pub(crate) file_bytes: u64,
    pub(crate) clients: u16,
    pub(crate) seconds: u64,
    /// The front end's peak memory before the first request for the file.
    pub(crate) memory_before_bytes: u64,
    /// The growth of its peak memory while the clients were reading.
    pub(crate) growth_bytes: u64,
    /// The growth after they had stopped.
    pub(crate) growth_stopped_bytes: u64,
    /// Mebibytes per second that all clients together received.
    pub(crate) mebibytes_per_second: f64,
    /// Milliseconds of CPU time of the front end per gibibyte, with the kernel's.
    pub(crate) cpu_ms_per_gibibyte: f64,
}

/// Starts a front end with the file and runs the clients.
pub(crate) fn run(arguments: &Arguments) -> Result<Large> {
    let cluster = Cluster::start(1, &std::env::temp_dir())?;
    let headwater = cluster.frontend()?;
    File::create(site::docroot(cluster.folder()).join(LARGE))?.set_len(LENGTH)?;
    // A first request makes the allocations that are needed only once.
    Client::open(headwater.entrance)?.take(PIECE as u64)?;

    memory::forget_peak(headwater.pid())?;
    let before = memory::peak(headwater.pid())?;
    let (used, start) = (cpu::used(&[headwater.pid()])?, Instant::now());
    let deadline = start + arguments.duration();
    let taken = all(arguments.clients, || {
        let mut taken = 0;
        while Instant::now() < deadline {
            taken += Client::open(headwater.entrance)?.take_until(deadline)?;
        }
        Ok(taken)
    })?;
    let (elapsed, used) = (start.elapsed(), cpu::used(&[headwater.pid()])?.since(used).total());
    let growth = memory::peak(headwater.pid())?.saturating_sub(before);

    memory::forget_peak(headwater.pid())?;
    let together = Barrier::new(arguments.clients.into());
    all(arguments.clients, || {
        let client = Client::open(headwater.entrance).and_then(|mut client| {
            client.take(TAKEN)?;
            Ok(client)
        });
        together.wait();
        std::thread::sleep(WATCHED);
        client.map(|_| 0)
    })?;
    let growth_stopped = memory::peak(headwater.pid())?.saturating_sub(before);
    Ok(Large {
        file_bytes: LENGTH,
        clients: arguments.clients,
        seconds: arguments.duration().as_secs(),
        memory_before_bytes: before,
        growth_bytes: growth,
        growth_stopped_bytes: growth_stopped,
        mebibytes_per_second: taken as f64 / (1 << 20) as f64 / elapsed.as_secs_f64(),
        cpu_ms_per_gibibyte: used.as_secs_f64() * 1000.0 / (taken as f64 / (1 << 30) as f64),
    })
}

/// Runs this many clients concurrently and adds up their results.
fn all(clients: u16, client: impl Fn() -> Result<u64> + Sync) -> Result<u64> {
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(&client)).collect();
        let taken =
            clients.into_iter().map(|client| client.join().map_err(|_| "a client has panicked")?);
        taken.sum()
    })
}

/// A client that has requested the file.
struct Client {
    stream: TcpStream,
    piece: Vec<u8>,
}

impl Client {
    fn open(address: SocketAddr) -> Result<Client> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(get(&format!("/{FILES}/{LARGE}"), "").as_bytes())?;
        let mut client = Client { stream, piece: vec![0; PIECE] };
        let read = client.read()?;
        let head = String::from_utf8_lossy(&client.piece[..read.min(1000)]);
        let expected = format!("content-length: {LENGTH}\r\n");
        match head.starts_with("HTTP/1.1 200 ") && head.contains(&expected) {
            true => Ok(client),
            false => Err(format!("the request for the file was answered with: {head}").into()),
        }
    }

    fn read(&mut self) -> Result<usize> {
        Ok(self.stream.read(&mut self.piece)?)
    }

    /// Reads about this many bytes.
    fn take(&mut self, bytes: u64) -> Result {
        let mut taken = 0;
        while taken < bytes {
            match self.read()? {
                0 => return Err("the file has broken off".into()),
                read => taken += read as u64,
            }
        }
        Ok(())
    }

    /// Reads until the deadline and returns the number of bytes.
    fn take_until(&mut self, deadline: Instant) -> Result<u64> {
        let mut taken = 0;
        while taken < LENGTH && Instant::now() < deadline {
            match self.read()? {
                0 => return Err("the file has broken off".into()),
                read => taken += read as u64,
            }
        }
        Ok(taken)
    }
}

impl fmt::Display for Large {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes as f64 / (1 << 20) as f64;
        writeln!(
            f,
            "a file of {:.0} MiB, {} concurrent clients, {} s",
            mebibytes(self.file_bytes),
            self.clients,
            self.seconds
        )?;
        let mut row = |name, figure: f64, unit| writeln!(f, "  {name:42}{figure:>10.1} {unit}");
        row("memory of the front end before", mebibytes(self.memory_before_bytes), "MiB")?;
        row("  growth, clients are reading", mebibytes(self.growth_bytes), "MiB")?;
        row("  growth, clients have stopped", mebibytes(self.growth_stopped_bytes), "MiB")?;
        row("sent to all of them", self.mebibytes_per_second, "MiB/s")?;
        row("server CPU", self.cpu_ms_per_gibibyte, "ms/GiB")
    }
}
