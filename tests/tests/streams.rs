//! Long bodies, which pass through both processes without being buffered.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use headwater_tests::{Client, Cluster, Site, until};
use http::Request;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

/// The maximum increase of a process's memory by a long body that passes through it, in bytes.
const MOST: u64 = 16 << 20;

const MIB: usize = 1 << 20;

/// Returns the length of a long body in MiB: the variable `UPLOAD_MIB`, or 128.
fn mebibytes() -> usize {
    let asked = std::env::var("UPLOAD_MIB").ok();
    asked.map_or(128, |number| number.parse().expect("UPLOAD_MIB is a number"))
}

/// A body that is generated while it is sent.
struct Upload {
    left: usize,
    piece: Bytes,
}

impl Upload {
    fn of(mebibytes: usize) -> Upload {
        Upload { left: mebibytes * MIB, piece: vec![b'x'; 64 << 10].into() }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= self.piece.len();
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

/// The peak memory of both processes, compared with their memory before a long body.
struct Peaks<'c> {
    cluster: &'c Cluster,
    before: [u64; 2],
}

impl Peaks<'_> {
    async fn measure(cluster: &Cluster) -> Peaks<'_> {
        // A first upload makes the allocations that are needed only once.
        let visitor = patient(cluster);
        let warm = Request::post("/upload").body(Upload::of(8)).expect("a sound request");
        assert_eq!(visitor.send(warm).await.map(|response| response.status).ok(), Some(200));
        assert_eq!(visitor.page("/download/8").await.body.len(), 8 * MIB);
        let before = [&cluster.frontends[0], &cluster.backend].map(|node| {
            node.forget_peak_memory();
            node.peak_memory()
        });
        Peaks { cluster, before }
    }

    fn check(&self) {
        let nodes = [&self.cluster.frontends[0], &self.cluster.backend];
        for (node, before) in nodes.into_iter().zip(self.before) {
            let more = node.peak_memory().saturating_sub(before);
            assert!(more < MOST, "{} took {} KiB more", node.name(), more >> 10);
        }
    }
}

fn patient(cluster: &Cluster) -> Client {
    cluster.visitor(0).timeout(Duration::from_secs(600))
}

fn site() -> Site {
    // The lease must not run out while the machine is busy with the body.
    Site::test_site(PROGRAM).project("[link]\nlease = \"2s\"\n")
}

#[tokio::test]
async fn a_long_upload_reaches_the_controller_piece_by_piece() {
    let cluster = Cluster::start(site(), 1).await;
    let peaks = Peaks::measure(&cluster).await;
    let request = Request::post("/upload").body(Upload::of(mebibytes())).unwrap();
    let response = patient(&cluster).send(request).await.unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let length = response.text().split(' ').next().unwrap();
    assert_eq!(length, (mebibytes() * MIB).to_string());
    peaks.check();
}

#[tokio::test]
async fn a_long_answer_reaches_the_visitor_piece_by_piece() {
    let cluster = Cluster::start(site(), 1).await;
    let peaks = Peaks::measure(&cluster).await;
    let request = Request::get(format!("/download/{}", mebibytes()));
    let request = request.body(Upload::of(0)).unwrap();
    let mut body = patient(&cluster).open(request).await.unwrap().into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame.unwrap().into_data().map_or(0, |data| data.len());
    }
    assert_eq!(length, mebibytes() * MIB);
    peaks.check();
}

#[tokio::test]
async fn an_answer_that_the_visitor_does_not_read_is_not_buffered() {
    let cluster = Cluster::start(site(), 1).await;
    let peaks = Peaks::measure(&cluster).await;
    let request = Request::get("/download/4096").body(Upload::of(0)).unwrap();
    let response = patient(&cluster).open(request).await.unwrap();
    // Other requests are answered meanwhile, which gives the buffers time to fill.
    for _ in 0..200 {
        assert_eq!(cluster.visitor(0).page("/uncached/1").await.status, 200);
    }
    peaks.check();
    drop(response);
    until("the back end no longer sends", async || {
        let status = cluster.frontends[0].status().await;
        (status["backends"][0]["calls_in_flight"] == 0).then_some(())
    })
    .await;
    peaks.check();
}

#[tokio::test]
async fn an_incomplete_upload_ends_and_affects_nothing_else() {
    let cluster = Cluster::start(site(), 1).await;
    let slow = http_body_util::StreamBody::new(futures_util::stream::unfold(0, async |sent| {
        if sent == 4 {
            return Some((Err(std::io::Error::other("the visitor goes away")), 5));
        }
        let piece = Frame::data(Bytes::from_static(b"a piece"));
        Some((Ok::<_, std::io::Error>(piece), sent + 1))
    }));
    let request = Request::post("/upload").body(BodyExt::boxed_unsync(slow)).unwrap();
    assert!(patient(&cluster).send(request).await.is_err());
    until("the call has ended", async || {
        let status = cluster.frontends[0].status().await;
        (status["backends"][0]["calls_in_flight"] == 0).then_some(())
    })
    .await;
    assert_eq!(cluster.visitor(0).form("/page/1", "").await.text(), "1");
}
