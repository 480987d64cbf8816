use std::fs;
use std::path::Path;

/// Copies the files of a folder, without its subfolders, to another folder.
///
/// # Panics
/// When a file cannot be copied.
pub fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("the folder can be read");
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a file can be copied");
        }
    }
}
