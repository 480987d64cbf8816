//! Pictures that visitors upload with their stories.

use headwater::prelude::*;
use imagesize::{ImageSize, ImageType};
use serde::{Deserialize, Serialize};
use tokio::fs;

/// A picture in the docroot. With its size in the markup, the text below does not move when the picture is loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The path in the docroot.
    pub path: String,
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
}

impl Picture {
    /// Describes a picture with this content. The file is named after the content, so it never changes. Returns `None`
    /// for formats that not all browsers show.
    pub fn of(content: &[u8]) -> Option<Picture> {
        let extension = match imagesize::image_type(content).ok()? {
            ImageType::Png => "png",
            ImageType::Jpeg => "jpg",
            ImageType::Gif => "gif",
            ImageType::Webp => "webp",
            _ => return None,
        };
        let ImageSize { width, height } = imagesize::blob_size(content).ok()?;
        let hash = blake3::hash(content).to_hex();
        Some(Picture { path: format!("uploads/{}.{extension}", &hash[..32]), width, height })
    }

    /// Writes the picture to the docroot and synchronizes it to every front end.
    pub async fn publish(
        &self,
        content: &[u8],
        cluster: &Cluster,
        RequestId(request): RequestId,
    ) -> Result<()> {
        let file = cluster.docroot().join(&self.path);
        // The rename makes the file visible only when it is complete.
        let draft = file.with_file_name(format!(".{request}"));
        fs::create_dir_all(cluster.docroot().join("uploads")).await?;
        fs::write(&draft, content).await?;
        fs::rename(&draft, &file).await?;
        cluster.synchronize_docroot(&self.path).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_size_and_is_named_after_its_content_and_format() {
        let shown = |content: &[u8]| {
            let Picture { path, width, height } = Picture::of(content)?;
            Some((path.rsplit_once('.')?.1.to_owned(), width, height))
        };
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x04\xb0\0\0\x03\x20\x08\x02\0\0\0";
        let jpeg = b"\xff\xd8\xff\xc0\0\x11\x08\0\x02\0\x03\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
        let webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x02\xc0\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(shown(png), Some(("png".to_owned(), 1200, 800)));
        assert_eq!(shown(jpeg), Some(("jpg".to_owned(), 3, 2)));
        assert_eq!(shown(b"GIF89a\x03\0\x02\0\0\0\0;"), Some(("gif".to_owned(), 3, 2)));
        assert_eq!(shown(webp), Some(("webp".to_owned(), 3, 4)));
        let gif = b"GIF89a\x01\0\x01\0\0\0\0;";
        assert_eq!(Picture::of(gif), Picture::of(gif));
        assert_ne!(Picture::of(gif), Picture::of(b"GIF89a\x01\0\x01\0\0\0\0;;"));
    }

    #[test]
    fn other_files_are_refused() {
        let others: [&[u8]; 6] = [
            b"",
            b"GIF88a",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"%PDF-1.7",
            b"RIFF\0\0\0\0WAVE",
            b"\x89PNG\r\n\x1a\n",
        ];
        for content in others {
            assert_eq!(Picture::of(content), None);
        }
    }
}
