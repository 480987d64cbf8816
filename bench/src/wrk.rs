//! The load generator `wrk`, for those who would rather believe that one.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::figures::Times;
use crate::load::{Expected, Measured};

/// Asks with one thread, as the load generator that is built in does.
pub(crate) fn run(
    address: SocketAddr,
    expected: Expected<'_>,
    connections: u16,
    duration: Duration,
) -> Result<Measured> {
    let headers = expected.headers.lines().flat_map(|line| ["-H", line]);
    let output = Command::new("wrk")
        .args(headers)
        .args(["-t1", "--latency", &format!("-c{connections}")])
        .arg(format!("-d{}s", duration.as_secs()))
        .arg(format!("http://{address}{}", expected.path))
        .output()
        .map_err(|error| format!("wrk cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("wrk has failed: {text}{errors}").into()
    })
}

/// What wrk has printed, unless it saw errors.
fn read(text: &str) -> Option<Measured> {
    let mut measured = None;
    let (mut median, mut p99) = (None, None);
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [requests, "requests", "in", elapsed, ..] => {
                measured = Some((requests.parse().ok()?, time(elapsed.strip_suffix(',')?)?));
            }
            ["50%", latency] => median = time(latency),
            ["99%", latency] => p99 = time(latency),
            ["Non-2xx", ..] | ["Socket", "errors:", ..] => return None,
            _ => {}
        }
    }
    let (requests, elapsed) = measured?;
    let micros = crate::figures::micros;
    let times = Times { median_us: micros(median?), p99_us: micros(p99?) };
    Some(Measured { requests, elapsed, times, cpu: None })
}

/// A duration as wrk writes it: `85.00us`, `1.20ms`, `5.10s`, `1.02m`.
fn time(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Running 1s test @ http://127.0.0.1:8000/page
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.01ms    1.92ms  32.02ms   95.66%
    Req/Sec    99.33k     8.06k  109.60k    70.00%
  Latency Distribution
     50%  561.00us
     75%  791.00us
     90%    1.50ms
     99%   10.45ms
  98820 requests in 1.00s, 0.85GB read
Requests/sec:  98611.55
Transfer/sec:    866.12MB
";

    #[test]
    fn what_wrk_prints_is_read() {
        let measured = read(PRINTED).unwrap();
        assert_eq!((measured.requests, measured.elapsed), (98820, Duration::from_secs(1)));
        assert!((measured.times.median_us - 561.0).abs() < 1e-6);
        assert!((measured.times.p99_us - 10450.0).abs() < 1e-6);
    }

    #[test]
    fn errors_that_wrk_saw_are_not_passed_over() {
        assert!(read(&format!("{PRINTED}  Non-2xx or 3xx responses: 7\n")).is_none());
        assert!(read("").is_none());
    }
}
