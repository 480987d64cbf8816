use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// The treatment of connections through a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// They are forwarded.
    Carry,
    /// They are closed, and new ones are closed at once.
    Cut,
    /// They stay open, and no bytes pass.
    Swallow,
}

/// A relay to a back end, which can interrupt connections.
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    mode: watch::Sender<Mode>,
    connections: Arc<AtomicUsize>,
    _task: AbortOnDropHandle<()>,
}

impl Relay {
    pub(super) async fn to(target: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mode = watch::Sender::new(Mode::Carry);
        let connections = Arc::<AtomicUsize>::default();
        let task = tokio::spawn(relay(listener, target, mode.subscribe(), connections.clone()));
        Relay { address, mode, connections, _task: AbortOnDropHandle::new(task) }
    }

    /// Returns the number of connections so far.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn relay(
    listener: TcpListener,
    target: SocketAddr,
    mode: watch::Receiver<Mode>,
    count: Arc<AtomicUsize>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (front, _) = listener.accept().await.unwrap();
        count.fetch_add(1, Ordering::Relaxed);
        connections.spawn(carry(front, target, mode.clone()));
    }
}

/// A connection that was interrupted does not recover.
async fn carry(mut front: TcpStream, target: SocketAddr, mut mode: watch::Receiver<Mode>) {
    front.set_nodelay(true).unwrap();
    if *mode.borrow_and_update() == Mode::Carry {
        let Ok(mut back) = TcpStream::connect(target).await else { return };
        back.set_nodelay(true).unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut front, &mut back) => return,
            _ = mode.wait_for(|mode| *mode != Mode::Carry) => {}
        }
        if *mode.borrow() == Mode::Swallow {
            std::future::pending::<()>().await;
        }
    } else if *mode.borrow() == Mode::Swallow {
        std::future::pending::<()>().await;
    }
}
