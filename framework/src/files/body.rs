//! A body that reads the content of a file while it is sent.
//!
//! A piece is read after the previous one was passed to the connection: over HTTP/1 as soon as the connection's buffer
//! has room, over HTTP/2 one piece before the client has opened a window. So a slow client occupies no thread, and no
//! more memory than the connection's buffer and one piece. Pieces return to the same few buffers when they have been
//! sent, so memory does not depend on the length of the file, and the buffers stay in the processor's cache.
//!
//! Data in the page cache are read immediately, on the connection's own task (`RWF_NOWAIT`), because passing them to a
//! thread and back costs more than copying them. Only reads that would block run on a thread for blocking work, one
//! piece at a time.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::{OpenFile, threads};
use crate::http::ranges::Segment;

/// The size of a piece, in bytes.
const PIECE: usize = 128 * 1024;

/// The maximum number of spare buffers.
const SPARE: usize = 2;

/// A buffer, and the number of bytes read into it.
type Read = (Vec<u8>, io::Result<usize>);

/// A response body with content of a file.
pub(crate) struct FileBody {
    file: Arc<OpenFile>,
    segments: VecDeque<Segment>,
    /// The number of bytes left in all segments.
    left: u64,
    spare: Arc<Spare>,
    reading: Option<Pin<Box<dyn Future<Output = io::Result<Read>> + Send>>>,
}

impl FileBody {
    /// Creates a body from ranges of a file and the frames between them.
    pub(super) fn new(file: OpenFile, segments: impl IntoIterator<Item = Segment>) -> FileBody {
        let segments: VecDeque<Segment> =
            segments.into_iter().filter(|segment| segment.length() > 0).collect();
        let left = segments.iter().map(Segment::length).sum();
        FileBody { file: Arc::new(file), segments, left, spare: Arc::default(), reading: None }
    }

    /// Creates a body with the whole file.
    pub(crate) fn whole(file: OpenFile, length: u64) -> FileBody {
        // Only advice, so its result does not matter. Apple's systems have no such call.
        #[cfg(target_os = "linux")]
        if length > 8 * PIECE as u64 {
            let _ = rustix::fs::fadvise(&*file, 0, None, rustix::fs::Advice::Sequential);
        }
        FileBody::new(file, [Segment::Content(0..length)])
    }

    /// Takes the content of `buffer` as the beginning of the first segment.
    fn take(&mut self, buffer: Vec<u8>, read: io::Result<usize>) -> io::Result<Frame<Bytes>> {
        let read = read?;
        if read == 0 {
            let message = "the file became shorter while it was sent";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        if let Some(Segment::Content(range)) = self.segments.front_mut() {
            range.start += read as u64;
            if range.is_empty() {
                self.segments.pop_front();
            }
        }
        self.left -= read as u64;
        let piece = Piece { buffer, length: read, home: Arc::clone(&self.spare) };
        Ok(Frame::data(Bytes::from_owner(piece)))
    }
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.reading.is_none() {
            let range = match self.segments.front() {
                None => return Poll::Ready(None),
                Some(Segment::Frame(_)) => {
                    let Some(Segment::Frame(bytes)) = self.segments.pop_front() else {
                        return Poll::Ready(None);
                    };
                    self.left -= bytes.len() as u64;
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Segment::Content(range)) => range.clone(),
            };
            let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(PIECE);
            let mut buffer = self.spare.buffer(length);
            match read_cached(&self.file, &mut buffer[..length], range.start) {
                Some(read) => return Poll::Ready(Some(self.take(buffer, read))),
                None => {
                    let file = Arc::clone(&self.file);
                    self.reading = Some(Box::pin(threads::run(move || {
                        let read = read_waiting(&file, &mut buffer[..length], range);
                        (buffer, read)
                    })));
                }
            }
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let read = ready!(reading.as_mut().poll(context));
        self.reading = None;
        Poll::Ready(Some(read.and_then(|(buffer, read)| self.take(buffer, read))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Reads data from the page cache. Returns `None` if the read would block, or the system does not support the flag.
#[cfg(target_os = "linux")]
fn read_cached(file: &File, buffer: &mut [u8], offset: u64) -> Option<io::Result<usize>> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    let buffer = &mut [io::IoSliceMut::new(buffer)];
    match preadv2(file, buffer, offset, ReadWriteFlags::NOWAIT) {
        Ok(read) => Some(Ok(read)),
        Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR | Errno::INVAL) => None,
        Err(error) => Some(Err(error.into())),
    }
}

#[cfg(not(target_os = "linux"))]
fn read_cached(_: &File, _: &mut [u8], _: u64) -> Option<io::Result<usize>> {
    None
}

/// Reads as much of `range` as fits into `buffer`.
fn read_waiting(file: &File, buffer: &mut [u8], range: Range<u64>) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], range.start + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Buffers for the next pieces.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    /// Returns a buffer of at least `length` bytes.
    fn buffer(&self, length: usize) -> Vec<u8> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match spare {
            Some(buffer) if buffer.len() >= length => buffer,
            _ => vec![0; length],
        }
    }

    fn put(&self, buffer: Vec<u8>) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE {
            spare.push(buffer);
        }
    }
}

/// A piece of content, whose buffer is returned to [`Spare`] on drop.
struct Piece {
    buffer: Vec<u8>,
    length: usize,
    home: Arc<Spare>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.home.put(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Write;

    fn file(length: usize) -> (tempfile::NamedTempFile, Vec<u8>) {
        let content: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&content).unwrap();
        (file, content)
    }

    fn open(file: &tempfile::NamedTempFile) -> OpenFile {
        OpenFile::new(file.reopen().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn the_segments_are_sent_one_after_the_other() {
        let (file, content) = file(3 * PIECE + 5);
        let last = content.len() as u64;
        let segments = [
            Segment::Frame(Bytes::from_static(b"<")),
            Segment::Content(last - 3..last),
            Segment::Frame(Bytes::from_static(b"|")),
            Segment::Content(1..2 * PIECE as u64),
        ];
        let body = FileBody::new(open(&file), segments);
        assert_eq!(body.size_hint().exact(), Some(2 * PIECE as u64 + 4));
        let sent = body.collect().await.unwrap().to_bytes();
        let expected = [b"<", &content[content.len() - 3..], b"|", &content[1..2 * PIECE]].concat();
        assert!(sent == expected);
    }

    #[tokio::test]
    async fn a_whole_file_is_sent_however_many_pieces_are_held() {
        for length in [0, 1, PIECE, PIECE + 1, 10 * PIECE] {
            let (file, content) = file(length);
            let body = FileBody::whole(open(&file), length as u64);
            // All pieces are held until the end, so no buffer is returned.
            let sent = body.collect().await.unwrap().to_bytes();
            assert!(sent == content, "{length}");
        }
    }

    #[tokio::test]
    async fn buffers_are_reused_after_they_were_sent() {
        let (file, content) = file(9 * PIECE);
        let mut body = FileBody::whole(open(&file), content.len() as u64);
        let (mut sent, mut places) = (Vec::new(), std::collections::BTreeSet::new());
        while let Some(frame) = body.frame().await {
            let piece = frame.unwrap().into_data().unwrap();
            sent.extend_from_slice(&piece);
            places.insert(piece.as_ptr());
        }
        assert!(sent == content);
        assert_eq!(places.len(), 1);
    }

    #[tokio::test]
    async fn a_read_that_would_block_runs_on_another_thread() {
        let (file, content) = file(2 * PIECE);
        let file = file.reopen().unwrap();
        let mut buffer = vec![0; PIECE + 5];
        let range = PIECE as u64 - 5..3 * PIECE as u64;
        let read = read_waiting(&file, &mut buffer, range).unwrap();
        assert_eq!((read, &buffer[..]), (PIECE + 5, &content[PIECE - 5..]));
    }

    #[tokio::test]
    async fn a_file_that_is_cut_while_it_is_sent_breaks_the_body() {
        let (file, _) = file(3 * PIECE);
        let mut body = FileBody::whole(open(&file), 3 * PIECE as u64);
        assert!(body.frame().await.unwrap().is_ok());
        file.as_file().set_len(PIECE as u64).unwrap();
        assert!(body.frame().await.unwrap().is_err());
    }
}
