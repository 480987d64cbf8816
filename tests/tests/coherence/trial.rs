use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use headwater_tests::Cluster;

use crate::calm::Calm;
use crate::metronome::Metronome;
use crate::pages::Pages;
use crate::verdict::Verdict;

/// The state that all visitors and the script share.
pub(crate) struct Trial {
    pub(crate) pages: Pages,
    pub(crate) calm: Calm,
    pub(crate) metronome: Metronome,
    pub(crate) verdict: Verdict,
    /// The port of each front end, which changes with a restart.
    entrances: Vec<AtomicU16>,
    over: AtomicBool,
}

impl Trial {
    pub(crate) fn new(cluster: &Cluster) -> Trial {
        let entrances = cluster.frontends.iter().map(|node| AtomicU16::new(node.http().port()));
        Trial {
            pages: Pages::new(),
            calm: Calm::new(cluster.frontends.len()),
            metronome: Metronome::start(),
            verdict: Verdict::new(),
            entrances: entrances.collect(),
            over: AtomicBool::new(false),
        }
    }

    pub(crate) fn frontends(&self) -> usize {
        self.entrances.len()
    }

    pub(crate) fn entrance(&self, frontend: usize) -> SocketAddr {
        let port = self.entrances[frontend].load(Ordering::SeqCst);
        (Ipv4Addr::LOCALHOST, port).into()
    }

    pub(crate) fn set_entrance(&self, frontend: usize, address: SocketAddr) {
        self.entrances[frontend].store(address.port(), Ordering::SeqCst);
    }

    pub(crate) fn stop(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}
