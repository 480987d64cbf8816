use std::path::{Component, Path};

/// The maximum length of a synchronized file's path, in bytes.
const LONGEST: usize = 1024;

/// Checks that `path` names a file that front ends would serve: plain names with `/` between them,
/// none of which begins with a dot (except `.well-known`, RFC 8615).
///
/// # Errors
/// Returns the reason.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("it is empty");
    }
    if path.len() > LONGEST {
        return Err("it is longer than 1024 bytes");
    }
    if path.starts_with('/') {
        return Err("it must start at the docroot, so without a `/`");
    }
    if path.ends_with('/') {
        return Err("it names a folder; name each file");
    }
    for part in path.split('/') {
        match part {
            "" => return Err("it has two `/` in a row"),
            "." | ".." => return Err("it has `.` or `..` in it"),
            _ if part.starts_with('.') && part != ".well-known" => {
                return Err("names that begin with a dot are never served");
            }
            _ if part.contains(|letter: char| letter == '\\' || letter.is_control()) => {
                return Err("it has a backslash or a control character in it");
            }
            _ => {}
        }
        let mut components = Path::new(part).components();
        if !matches!((components.next(), components.next()), (Some(Component::Normal(_)), None)) {
            return Err("it has a part that is not a plain name");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_paths_that_would_be_served_are_accepted() {
        for path in ["x.png", "uploads/x.png", "a/b/c d.é", ".well-known/security.txt", "a/..b"] {
            assert_eq!(check_path(path).is_ok(), path != "a/..b", "{path}");
        }
        let long = "x".repeat(LONGEST + 1);
        for path in [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a/./x",
            "./x",
            "a//x",
            "a/",
            ".env",
            "a/.git/x",
            "a\\x",
            "a\0x",
            "a\nx",
            &long,
        ] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leads_outside(path in "([./\\\\a\0:é~%]|\\.\\.|[^a]){0,12}") {
            if check_path(&path).is_ok() {
                let joined = Path::new("/root").join(&path);
                prop_assert!(joined.starts_with("/root"));
                prop_assert!(joined.components().all(|part| part != Component::ParentDir));
            }
        }
    }
}
