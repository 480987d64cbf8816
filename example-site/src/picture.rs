//! Pictures that visitors send with their stories.

use headwater::prelude::*;
use imagesize::{ImageSize, ImageType};
use serde::Serialize;
use tokio::fs;

/// A picture, known by how it begins: what the visitor's machine calls it does not matter.
pub struct Picture {
    content: Bytes,
    extension: &'static str,
    size: ImageSize,
}

/// A picture of the docroot, as templates show it. With its size in the markup, the text below it
/// stays in place when it arrives.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    path: String,
    /// Width and height in pixels, where they are known.
    size: Option<(usize, usize)>,
}

impl Shown {
    /// The picture at this path. Names of uploads say how large they are; the site's own pictures
    /// are all alike.
    pub fn at(path: &str) -> Shown {
        let size = match path.starts_with("assets/pictures/") {
            true => Some((1200, 800)),
            false => size_in(path),
        };
        Shown { path: path.to_owned(), size }
    }
}

/// The size in a name like `5d0c-1200x800.png`.
fn size_in(path: &str) -> Option<(usize, usize)> {
    let (name, _) = path.rsplit_once('.')?;
    let (_, size) = name.rsplit_once('-')?;
    let (width, height) = size.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

impl Picture {
    /// The largest that is taken, in bytes.
    pub const LARGEST: usize = 4_000_000;

    /// The picture with this content, if it is one that all browsers show.
    ///
    /// # Errors
    /// What is wrong with it, as the key of a label.
    pub fn new(content: Bytes) -> Result<Picture, &'static str> {
        if content.len() > Picture::LARGEST {
            return Err("picture-large");
        }
        let extension = match imagesize::image_type(&content) {
            Ok(ImageType::Png) => "png",
            Ok(ImageType::Jpeg) => "jpg",
            Ok(ImageType::Gif) => "gif",
            Ok(ImageType::Webp) => "webp",
            _ => return Err("picture-strange"),
        };
        let size = imagesize::blob_size(&content).map_err(|_| "picture-strange")?;
        Ok(Picture { content, extension, size })
    }

    /// Where the picture is in the docroot: named after its content, so it never changes, and its
    /// size.
    fn path(&self) -> String {
        let Picture { extension, size: ImageSize { width, height }, .. } = self;
        let hash = blake3::hash(&self.content).to_hex();
        format!("uploads/{}-{width}x{height}.{extension}", &hash[..32])
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

    fn path(content: &'static [u8]) -> Result<String, &'static str> {
        Picture::new(Bytes::from_static(content)).map(|picture| picture.path())
    }

    #[test]
    fn a_picture_is_named_after_its_content_size_and_kind() {
        let end = |content| path(content).map(|path| path[path.rfind('-').unwrap()..].to_owned());
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x04\xb0\0\0\x03\x20\x08\x02\0\0\0";
        let jpeg = b"\xff\xd8\xff\xc0\0\x11\x08\0\x02\0\x03\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
        let webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x02\xc0\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(end(png).as_deref(), Ok("-1200x800.png"));
        assert_eq!(end(jpeg).as_deref(), Ok("-3x2.jpg"));
        assert_eq!(end(b"GIF89a\x03\0\x02\0\0\0\0;").as_deref(), Ok("-3x2.gif"));
        assert_eq!(end(webp).as_deref(), Ok("-3x4.webp"));
        let gif = b"GIF89a\x01\0\x01\0\0\0\0;";
        assert_eq!(path(gif), path(gif));
        assert_ne!(path(gif), path(b"GIF89a\x01\0\x01\0\0\0\0;;"));
    }

    #[test]
    fn a_page_knows_how_large_its_pictures_are() {
        let size = |path| Shown::at(path).size;
        assert_eq!(size("uploads/5d0c-640x480.png"), Some((640, 480)));
        assert_eq!(size("uploads/5d0c.png"), None, "of an earlier version of the site");
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/docroot/assets/pictures");
        for file in std::fs::read_dir(own).unwrap() {
            let path = file.unwrap().path();
            let svg = std::fs::read_to_string(&path).unwrap();
            assert!(svg.contains("viewBox=\"0 0 1200 800\""), "{}", path.display());
            let path = format!("assets/pictures/{}", path.file_name().unwrap().display());
            assert_eq!(Shown::at(&path).size, Some((1200, 800)));
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let others: [&[u8]; 6] = [
            b"",
            b"GIF88a",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"%PDF-1.7",
            b"RIFF\0\0\0\0WAVE",
            b"\x89PNG\r\n\x1a\n",
        ];
        for content in others {
            assert_eq!(path(content), Err("picture-strange"));
        }
        assert_eq!(path(&[0xff; Picture::LARGEST + 1]), Err("picture-large"));
    }
}
