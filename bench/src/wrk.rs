//! The load generator `wrk`: many connections, one request at a time on each.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::contestant::Contestant;
use crate::figures::Times;
use crate::load::{Clients, Measured, Request};
use crate::{Result, tools};

/// Prints the measurements in a form that can be parsed; it runs after the measurement.
const DONE: &str = r#"
function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format("measured %d %d %d %d %d %d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"#;

/// Requests one path after the other. All requests are built before the measurement.
const MIX: &str = r#"
local requests, made, count, next_one = {}, {}, 0, 0
function init(args)
  for path in io.lines(args[1]) do
    made[path] = made[path] or wrk.format("GET", path)
    count = count + 1
    requests[count] = made[path]
  end
end
function request()
  next_one = next_one % count + 1
  return requests[next_one]
end
"#;

/// Requests one page.
pub(crate) fn one(
    contestant: &Contestant,
    request: &Request,
    clients: Clients,
    duration: Duration,
) -> Result<Measured> {
    run(contestant, &request.path, &request.headers, None, clients, duration)
}

/// Requests the pages listed in a file.
pub(crate) fn mix(
    contestant: &Contestant,
    paths: &std::path::Path,
    clients: Clients,
    duration: Duration,
) -> Result<Measured> {
    run(contestant, "/", "", Some(paths), clients, duration)
}

/// Writes the paths to a file for [`mix`].
pub(crate) fn file_of_paths(paths: impl Iterator<Item = String>) -> Result<NamedTempFile> {
    let mut text = String::new();
    for path in paths {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{path}");
    }
    let mut file = NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

fn run(
    contestant: &Contestant,
    path: &str,
    headers: &str,
    paths: Option<&std::path::Path>,
    clients: Clients,
    duration: Duration,
) -> Result<Measured> {
    let mut script = tempfile::Builder::new().suffix(".lua").tempfile()?;
    script.write_all(DONE.as_bytes())?;
    if paths.is_some() {
        script.write_all(MIX.as_bytes())?;
    }
    let program = tools::WRK.path().ok_or("wrk is not installed")?;
    let mut command = Command::new(program);
    command.args(headers.lines().flat_map(|line| ["-H", line]));
    command.args([format!("-t{}", clients.threads), format!("-c{}", clients.connections)]);
    command.arg(format!("-d{}s", duration.as_secs()));
    command.arg("-s").arg(script.path()).arg(format!("http://{}{path}", contestant.http1));
    if let Some(paths) = paths {
        command.arg("--").arg(paths);
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text).map_err(|error| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("wrk has failed: {error}: {text}{errors}").into()
    })
}

/// Parses the output of the script. Fails if there were errors.
fn read(text: &str) -> Result<Measured> {
    let line = text.lines().find_map(|line| line.strip_prefix("measured "));
    let numbers = line.ok_or("nothing was measured")?.split(' ').map(str::parse);
    let numbers = numbers.collect::<Result<Vec<u64>, _>>()?;
    let [requests, micros, median, p99, p999, errors] = numbers[..] else {
        return Err("too few figures".into());
    };
    match (requests, errors) {
        (0, _) => Err("there was no answer at all".into()),
        (_, 0) => Ok(Measured {
            requests,
            elapsed: Duration::from_micros(micros),
            times: Times { median_us: median as f64, p99_us: p99 as f64, p999_us: p999 as f64 },
            cpu: None,
        }),
        _ => Err(format!("{errors} errors").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Running 1s test @ http://127.0.0.1:8000/page
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.01ms    1.92ms  32.02ms   95.66%
    Req/Sec    99.33k     8.06k  109.60k    70.00%
  98820 requests in 1.00s, 0.85GB read
Requests/sec:  98611.55
Transfer/sec:    866.12MB
measured 98820 1002115 561 10450 20100 0
";

    #[test]
    fn the_output_of_the_script_is_parsed() {
        let measured = read(PRINTED).unwrap();
        assert_eq!(measured.requests, 98820);
        assert_eq!(measured.elapsed, Duration::from_micros(1_002_115));
        let times = Times { median_us: 561.0, p99_us: 10450.0, p999_us: 20100.0 };
        assert_eq!(measured.times, times);
    }

    #[test]
    fn errors_reported_by_wrk_are_not_ignored() {
        assert!(read(&PRINTED.replace("20100 0", "20100 7")).is_err());
        assert!(read("measured 0 1 0 0 0 0").is_err());
        assert!(read("measured 1 1\n").is_err());
        assert!(read("unable to connect").is_err());
    }
}
