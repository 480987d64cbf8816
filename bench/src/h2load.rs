//! The load generator `h2load`, for HTTP/2 without TLS: many connections with several concurrent requests each.

use std::process::Command;
use std::time::Duration;

use crate::contestant::Contestant;
use crate::figures::Times;
use crate::load::{Clients, Measured, Request};
use crate::{Result, tools};

/// The number of concurrent requests on each connection.
pub(crate) const STREAMS: u16 = 8;

/// Requests one page.
pub(crate) fn run(
    contestant: &Contestant,
    request: &Request,
    clients: Clients,
    duration: Duration,
) -> Result<Measured> {
    let program = tools::H2LOAD.path().ok_or("h2load is not installed")?;
    let address = contestant.http2.ok_or("it does not take HTTP/2")?;
    // h2load reports no percentiles, but its log has a line for each request.
    let log = tempfile::NamedTempFile::new_in(crate::contestant::memory())?;
    let mut command = Command::new(program);
    command.args(request.headers.lines().flat_map(|line| ["-H", line]));
    command.args([format!("-t{}", clients.threads), format!("-c{}", clients.connections)]);
    command.arg(format!("-m{STREAMS}"));
    command.arg(format!("-D{}", duration.as_secs()));
    command.arg("--log-file").arg(log.path()).arg(format!("http://{address}{}", request.path));
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let times = read_log(&std::fs::read_to_string(log.path())?)?;
    let requests = read(&text).map_err(|error| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("h2load has failed: {error}: {text}{errors}")
    })?;
    let times = Times::of(times).ok_or("there was no answer at all")?;
    Ok(Measured { requests, elapsed: duration, times, cpu: None })
}

/// Parses the number of answered requests. Fails if there were errors.
fn read(text: &str) -> Result<u64> {
    let counts = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let counts = line.ok_or(format!("no line \"{name}\""))?.split(", ").map(|count| {
            let (number, what) = count.trim().split_once(' ').ok_or("a count has no name")?;
            Ok((what, number.parse::<u64>()?))
        });
        counts.collect::<Result<Vec<_>>>()
    };
    let wrong = |(what, count): &(&str, u64)| {
        matches!(*what, "failed" | "errored" | "timeout" | "4xx" | "5xx") && *count > 0
    };
    let requests = counts("requests:")?;
    if requests.iter().chain(&counts("status codes:")?).any(wrong) {
        return Err("there were errors".into());
    }
    let succeeded = requests.iter().find(|(what, _)| *what == "succeeded");
    Ok(succeeded.ok_or("no requests are counted")?.1)
}

/// Parses the duration of each request: the third number of each line, in microseconds.
fn read_log(log: &str) -> Result<Vec<Duration>> {
    let times = log.lines().map(|line| {
        let micros = line.split('\t').nth(2).ok_or("a line of h2load's log is too short")?;
        Ok(Duration::from_micros(micros.trim().parse()?))
    });
    times.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "starting benchmark...
spawning thread #0: 64 total client(s). Timing-based test with 0s of warm-up time and 1s of main duration for measurements.
Warm-up started for thread #0.
finished in 1.00s, 76543.00 req/s, 612.34MB/s
requests: 76543 total, 77055 started, 76543 done, 76543 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 76543 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 612.34MB (642084864) total, 1.02MB (1071602) headers (space savings 93.33%), 600.00MB (629145600) data
";

    #[test]
    fn the_output_of_h2load_is_parsed() {
        assert_eq!(read(PRINTED).unwrap(), 76543);
    }

    #[test]
    fn errors_reported_by_h2load_are_not_ignored() {
        assert!(read(&PRINTED.replace("0 errored", "3 errored")).is_err());
        assert!(read(&PRINTED.replace("0 5xx", "3 5xx")).is_err());
        assert!(read("").is_err());
    }

    #[test]
    fn its_log_contains_the_duration_of_each_request() {
        let log = "1700000000000001\t200\t812\n1700000000000002\t200\t1200\n";
        assert_eq!(read_log(log).unwrap(), [812, 1200].map(Duration::from_micros));
        assert!(read_log("1700000000000001\t200\n").is_err());
    }
}
