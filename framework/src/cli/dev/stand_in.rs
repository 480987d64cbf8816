use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::problem;
use crate::problem::Problems;

/// The time limit for a request.
const PATIENCE: Duration = Duration::from_secs(5);

/// The size limit of a request's head.
const LONGEST: usize = 64 << 10;

/// The limit on concurrent requests.
const MOST: usize = 64;

/// Answers every request with a text until it is stopped or dropped.
#[derive(Debug)]
pub(super) struct StandIn(JoinHandle<()>);

impl StandIn {
    pub(super) fn start(listener: &TcpListener, said: String) -> Result<StandIn, Problems> {
        let listener = listener.try_clone().and_then(|listener| {
            listener.set_nonblocking(true)?;
            tokio::net::TcpListener::from_std(listener)
        });
        let listener = listener.map_err(|error| problem("share the socket", &error))?;
        let answer: Arc<[u8]> = page(&said).into();
        Ok(StandIn(tokio::spawn(async move {
            let mut answering = JoinSet::new();
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let answer = Arc::clone(&answer);
                        answering.spawn(timeout(PATIENCE, async move {
                            // The client may be gone.
                            let _ = respond(stream, &answer).await;
                        }));
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
                while answering.try_join_next().is_some() {}
                if answering.len() >= MOST {
                    answering.join_next().await;
                }
            }
        })))
    }

    pub(super) fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn respond(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < LONGEST {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    // A client may still be sending; closing the socket before it has finished would lose the answer.
    while stream.read_buf(&mut head).await? > 0 {
        head.clear();
    }
    Ok(())
}

fn page(said: &str) -> Vec<u8> {
    let said = said.replace('&', "&amp;").replace('<', "&lt;");
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"2\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>The site is not running</title>\n<h1>The site is \
         not running</h1>\n<pre>{said}</pre>\n"
    );
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nretry-after: 2\r\nconnection: close\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_request_is_answered_until_it_is_stopped() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stand_in = StandIn::start(&listener, "a <b> & c".to_owned()).unwrap();
        let ask = async || {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        for _ in 0..2 * MOST {
            let answer = ask().await;
            assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
            assert!(answer.contains("a &lt;b> &amp; c"), "{answer}");
        }
        stand_in.stop();
        let waiting = timeout(Duration::from_millis(200), ask()).await;
        assert!(waiting.is_err(), "a request waits for the next program");
    }
}
