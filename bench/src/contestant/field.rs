use super::axum::Axum;
use super::bare::Bare;
use super::headwater::Cluster;
use super::nginx::Nginx;
use super::varnish::Varnish;
use super::{Contestant, Kind, Runs};
use crate::Result;
use crate::arguments::Arguments;
use crate::cpu;
use crate::http1::Connection;
use crate::tools::{self, Tool};

/// The contestants of a scene.
#[derive(Debug, Default)]
pub(crate) struct Field {
    running: Vec<Box<dyn Runs>>,
    /// The reasons why contestants do not take part, a sentence each.
    pub(crate) left_out: Vec<String>,
}

impl Field {
    /// Starts headwater, and those of the others that the arguments allow and whose programs are
    /// installed. [`Kind::Bare`] needs a model: see [`Field::add_bare`].
    pub(crate) fn start(arguments: &Arguments, others: &[Kind]) -> Result<Field> {
        Field::with(arguments, others, || Cluster::start(1, &super::memory()))
    }

    /// Starts the same with a headwater that stores no content codings, like the others when no
    /// client accepts any.
    pub(crate) fn without_codings(arguments: &Arguments, others: &[Kind]) -> Result<Field> {
        Field::with(arguments, others, || Cluster::without_codings(&super::memory()))
    }

    /// Starts headwater alone, with sessions.
    pub(crate) fn with_sessions(arguments: &Arguments) -> Result<Field> {
        Field::with(arguments, &[], || Cluster::with_sessions(&super::memory()))
    }

    fn with(
        arguments: &Arguments,
        others: &[Kind],
        ours: impl FnOnce() -> Result<Cluster>,
    ) -> Result<Field> {
        pin_servers(arguments)?;
        let mut field = Field::default();
        field.running.push(Box::new(ours()?));
        for kind in others.iter().copied().filter(|kind| arguments.takes_part(*kind)) {
            field.add(kind).map_err(|error| format!("{}: {error}", kind.name()))?;
        }
        Ok(field)
    }

    fn add(&mut self, kind: Kind) -> Result {
        let tool = match kind {
            Kind::NginxFile | Kind::NginxCache | Kind::NginxAxum => Some(&tools::NGINX),
            Kind::Varnish => Some(&tools::VARNISH),
            Kind::Headwater | Kind::Bare | Kind::Axum => None,
        };
        if let Some(missing) = tool.and_then(Tool::missing) {
            self.left_out.push(format!("{} is left out: {missing}", kind.name()));
            return Ok(());
        }
        let runs: Box<dyn Runs> = match kind {
            // These are started already, or later.
            Kind::Headwater | Kind::Bare => return Ok(()),
            Kind::NginxFile => Box::new(Nginx::of_files()?),
            Kind::NginxCache => Box::new(Nginx::with_cache()?),
            Kind::NginxAxum => Box::new(Nginx::before(Axum::start()?)?),
            Kind::Varnish => Box::new(Varnish::start()?),
            Kind::Axum => Box::new(Axum::start()?),
        };
        self.running.push(runs);
        Ok(())
    }

    /// Starts a bare hyper that answers all requests with headwater's answer to this one.
    pub(crate) fn add_bare(
        &mut self,
        arguments: &Arguments,
        path: &str,
        headers: &str,
    ) -> Result<Option<Contestant>> {
        if !arguments.takes_part(Kind::Bare) {
            return Ok(None);
        }
        pin_servers(arguments)?;
        let mut connection = Connection::open(self.headwater()?.http1)?;
        // The first request makes the page.
        connection.get_with(path, headers)?;
        let model = connection.get_with(path, headers)?;
        let bare = Bare::start(&model)?;
        let contestant = bare.contestant();
        self.running.push(Box::new(bare));
        Ok(Some(contestant))
    }

    /// Returns the front end that all others are compared with.
    pub(crate) fn headwater(&self) -> Result<Contestant> {
        let first = self.running.first().ok_or("there is no contestant")?;
        Ok(first.contestant())
    }

    /// Returns all contestants except bare hypers; headwater is the first.
    pub(crate) fn contestants(&self) -> impl Iterator<Item = Contestant> {
        let contestants = self.running.iter().map(|running| running.contestant());
        contestants.filter(|contestant| contestant.kind != Kind::Bare)
    }
}

/// Pins the processes that are started from now on to the servers' core, if `--pin` is given.
pub(crate) fn pin_servers(arguments: &Arguments) -> Result {
    if arguments.pin {
        cpu::pin(cpu::Cores::two()?.server)?;
    }
    Ok(())
}
