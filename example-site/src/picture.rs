//! Pictures that visitors send with their stories.

use headwater::prelude::*;
use tokio::fs;

/// A picture, known by how it begins: what the visitor's machine calls it does not matter.
pub struct Picture {
    content: Bytes,
    extension: &'static str,
}

impl Picture {
    /// The picture with this content, if it is one that all browsers show.
    pub fn new(content: Bytes) -> Option<Picture> {
        let extension = match &*content {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "png",
            [0xff, 0xd8, 0xff, ..] => "jpg",
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "gif",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "webp",
            _ => return None,
        };
        Some(Picture { content, extension })
    }

    /// Where the picture is in the docroot: named after its content, so it never changes.
    fn path(&self) -> String {
        let hash = blake3::hash(&self.content).to_hex();
        format!("uploads/{}.{}", &hash[..32], self.extension)
    }

    /// Brings the picture to every front end, and returns its path in their docroots.
    pub async fn publish(self, cluster: &Cluster, RequestId(request): RequestId) -> Result<String> {
        let path = self.path();
        let file = cluster.docroot().join(&path);
        // Nothing reads the file before it is whole.
        let draft = file.with_file_name(format!(".{request}"));
        fs::create_dir_all(cluster.docroot().join("uploads")).await?;
        fs::write(&draft, &self.content).await?;
        fs::rename(&draft, &file).await?;
        cluster.synchronize_docroot(&path).await?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(content: &'static [u8]) -> Option<String> {
        Picture::new(Bytes::from_static(content)).map(|picture| picture.path())
    }

    #[test]
    fn a_picture_is_named_after_its_content_and_kind() {
        let extension = |content| path(content)?.rsplit('.').next().map(str::to_owned);
        assert_eq!(extension(b"\x89PNG\r\n\x1a\n.").as_deref(), Some("png"));
        assert_eq!(extension(b"\xff\xd8\xff\xe0").as_deref(), Some("jpg"));
        assert_eq!(extension(b"GIF89a").as_deref(), Some("gif"));
        assert_eq!(extension(b"RIFF\0\0\0\0WEBPVP8 ").as_deref(), Some("webp"));
        assert_eq!(path(b"GIF89a"), path(b"GIF89a"));
        assert_ne!(path(b"GIF89a"), path(b"GIF89a."));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let others: [&[u8]; 5] = [
            b"",
            b"GIF88a",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"%PDF-1.7",
            b"RIFF\0\0\0\0WAVE",
        ];
        for content in others {
            assert_eq!(path(content), None);
        }
    }
}
