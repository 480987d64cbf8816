use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::sweep::GRACE;
use super::*;

/// Creates a docroot with these files, and a folder for a store beside it.
fn docroot(files: &[(&str, &[u8])]) -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (root, sync) = (folder.path().join("root"), folder.path().join("data/sync"));
    fs::create_dir(&root).unwrap();
    for (name, content) in files {
        fs::write(root.join(name), content).unwrap();
    }
    (folder, root, sync)
}

fn id(content: &[u8]) -> ContentId {
    ContentId { hash: *blake3::hash(content).as_bytes(), length: content.len() as u64 }
}

fn read(store: &Store, content: ContentId) -> Option<Vec<u8>> {
    let mut file = store.open_content(content).unwrap()?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    Some(bytes)
}

/// Opens a store. A process that another test is just starting may hold a copy of the lock of the store before, until it
/// runs its own program.
fn open(sync: &Path) -> Arc<Store> {
    for _ in 0..1000 {
        match Store::open(sync) {
            Err(StoreError::InUse { .. }) => std::thread::sleep(Duration::from_millis(5)),
            store => return store.unwrap(),
        }
    }
    panic!("{} stays locked", sync.display());
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_store_that_was_never_used_leaves_no_trace() {
    let (_folder, _, sync) = docroot(&[]);
    let store = open(&sync);
    assert!(!store.contains(id(b"x")));
    assert!(!sync.exists());
}

#[test]
fn imported_contents_survive_a_restart() {
    let (_folder, root, sync) = docroot(&[("a.txt", b"one"), ("b.txt", b"one"), ("c.txt", b"")]);
    let store = open(&sync);
    let contents =
        ["a.txt", "b.txt", "c.txt"].map(|name| store.import(&root, name).unwrap().content());
    assert_eq!(contents, [id(b"one"), id(b"one"), id(b"")]);
    drop(store);
    let store = open(&sync);
    assert_eq!(read(&store, id(b"one")).unwrap(), b"one");
    assert_eq!(read(&store, id(b"")).unwrap(), b"");
    assert_eq!(names(&sync), {
        let mut names = vec![id(b"one").hex(), id(b"").hex(), "lock".to_owned()];
        names.sort();
        names
    });
}

#[test]
fn only_regular_files_below_the_docroot_are_imported() {
    let (folder, root, sync) = docroot(&[("a.txt", b"one")]);
    fs::create_dir(root.join("sub")).unwrap();
    fs::write(folder.path().join("secret"), "secret").unwrap();
    let store = open(&sync);
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("../secret", root.join("outside")).unwrap();
        symlink("a.txt", root.join("inside")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(root.join("pipe")).status();
        assert!(pipe.unwrap().success());
        assert_eq!(store.import(&root, "inside").unwrap().content(), id(b"one"));
        for name in ["outside", "pipe"] {
            let error = store.import(&root, name).unwrap_err();
            assert!(matches!(error, StoreError::NotAFile), "{name}: {error}");
        }
        assert!(matches!(store.import(&root, "dangling"), Err(StoreError::Absent)));
    }
    assert!(matches!(store.import(&root, "sub"), Err(StoreError::NotAFile)));
    for absent in ["b.txt", "a.txt/b", "no/folder"] {
        assert!(matches!(store.import(&root, absent), Err(StoreError::Absent)), "{absent}");
    }
}

#[test]
fn two_processes_cannot_use_one_folder() {
    let (_folder, root, sync) = docroot(&[("a.txt", b"one")]);
    let early = open(&sync);
    let store = open(&sync);
    store.import(&root, "a.txt").unwrap();
    assert!(matches!(early.import(&root, "a.txt"), Err(StoreError::InUse { .. })));
    let error = Store::open(&sync).unwrap_err().to_string();
    assert!(error.contains("another process uses this folder"), "{error}");
    store.close();
    assert!(matches!(store.import(&root, "a.txt"), Err(StoreError::Closed)));
    open(&sync);
}

#[test]
fn an_interrupted_content_is_resumed_even_after_a_restart() {
    let (_folder, _, sync) = docroot(&[]);
    let content = vec![7; 300_000];
    let store = open(&sync);
    let mut partial = store.resume(id(&content)).unwrap();
    partial.append(&content[..100_000]).unwrap();
    drop(partial);
    assert!(!store.contains(id(&content)));
    drop(store);
    let store = open(&sync);
    assert!(!store.contains(id(&content)));
    let mut partial = store.resume(id(&content)).unwrap();
    assert_eq!((partial.length(), partial.is_whole()), (100_000, false));
    partial.append(&content[100_000..]).unwrap();
    assert!(partial.is_whole());
    partial.finish().unwrap();
    assert_eq!(read(&store, id(&content)).unwrap(), content);
    assert!(!names(&sync).iter().any(|name| name.ends_with(PART)));
}

#[test]
fn a_wrong_content_is_discarded() {
    let (_folder, _, sync) = docroot(&[]);
    let store = open(&sync);
    let (right, wrong) = (b"right".as_slice(), b"wrong".as_slice());
    let mut partial = store.resume(id(right)).unwrap();
    partial.append(wrong).unwrap();
    assert!(matches!(partial.finish(), Err(StoreError::Wrong { .. })));
    assert!(!store.contains(id(right)));
    let mut partial = store.resume(id(right)).unwrap();
    assert_eq!(partial.length(), 0, "nothing of it was kept");
    assert!(matches!(partial.append(b"right and more"), Err(StoreError::Wrong { .. })));
    // A part that is longer than the whole, which no process creates.
    fs::write(sync.join(id(right).hex() + PART), b"far too long").unwrap();
    let mut partial = store.resume(id(right)).unwrap();
    assert_eq!(partial.length(), 0);
    partial.append(right).unwrap();
    partial.finish().unwrap();
    assert_eq!(read(&store, id(right)).unwrap(), right);
}

#[test]
fn a_part_damaged_by_a_power_failure_is_detected_at_the_end() {
    let (_folder, _, sync) = docroot(&[]);
    let store = open(&sync);
    let mut partial = store.resume(id(b"0123456789")).unwrap();
    partial.append(b"01234").unwrap();
    drop(partial);
    fs::write(sync.join(id(b"0123456789").hex() + PART), [0; 5]).unwrap();
    let mut partial = store.resume(id(b"0123456789")).unwrap();
    partial.append(b"56789").unwrap();
    assert!(matches!(partial.finish(), Err(StoreError::Wrong { .. })));
    assert_eq!(store.resume(id(b"0123456789")).unwrap().length(), 0);
}

#[test]
fn leftovers_of_a_killed_process_are_removed_at_the_next_start() {
    let (_folder, _, sync) = docroot(&[]);
    fs::create_dir_all(&sync).unwrap();
    for name in ["new-0123", "gone-0123", "not ours.txt"] {
        fs::write(sync.join(name), "x").unwrap();
    }
    let _store = open(&sync);
    assert_eq!(names(&sync), ["lock", "not ours.txt"]);
}

#[test]
fn a_content_with_a_wrong_length_or_removed_by_others_is_missing() {
    let (_folder, root, sync) = docroot(&[("a.txt", b"one"), ("b.txt", b"two")]);
    let store = open(&sync);
    let contents = ["a.txt", "b.txt"].map(|name| store.import(&root, name).unwrap().content());
    fs::write(store.path(contents[0]), "longer").unwrap();
    fs::remove_file(store.path(contents[1])).unwrap();
    for content in contents {
        assert!(store.contains(content));
        assert_eq!(read(&store, content), None);
        assert!(!store.contains(content));
    }
    assert_eq!(store.import(&root, "a.txt").unwrap().content(), id(b"one"));
    assert_eq!(read(&store, id(b"one")).unwrap(), b"one");
}

#[test]
fn a_damaged_content_is_repaired_when_its_file_is_imported_again() {
    let (_folder, root, sync) = docroot(&[("a.txt", b"one")]);
    let store = open(&sync);
    let content = store.import(&root, "a.txt").unwrap().content();
    fs::write(store.path(content), "eno").unwrap();
    let mut reading = store.open_content(content).unwrap().unwrap();
    assert_eq!(store.import(&root, "a.txt").unwrap().content(), content);
    assert_eq!(read(&store, content).unwrap(), b"one");
    assert_eq!(io::read_to_string(&mut reading).unwrap(), "eno", "nothing is written to twice");
}

#[cfg(unix)]
#[test]
fn a_link_that_replaces_a_file_meanwhile_is_not_followed() {
    use std::os::unix::fs::symlink;
    let (folder, root, sync) = docroot(&[("a.txt", b"one")]);
    fs::write(folder.path().join("a.txt"), "secret").unwrap();
    fs::create_dir(root.join("sub")).unwrap();
    fs::write(root.join("sub/a.txt"), "one").unwrap();
    let store = open(&sync);
    store.import(&root, "a.txt").unwrap();
    for (name, place, target) in
        [("a.txt", "a.txt", "../a.txt"), ("sub/a.txt", "sub", folder.path().to_str().unwrap())]
    {
        let found = import::resolve(&root, name).unwrap();
        fs::rename(root.join(place), root.join("former")).unwrap();
        symlink(target, root.join(place)).unwrap();
        let error = store.copy(&found).unwrap_err();
        assert!(matches!(error, StoreError::Access { .. }), "{name}: {error}");
        fs::remove_file(root.join(place)).unwrap();
        fs::rename(root.join("former"), root.join(place)).unwrap();
    }
    assert!(!store.contains(id(b"secret")));
}

#[test]
fn a_part_with_a_writer_is_kept() {
    let (_folder, _, sync) = docroot(&[]);
    let store = open(&sync);
    let mut partial = store.resume(id(b"0123456789")).unwrap();
    partial.append(b"01234").unwrap();
    let later = clock::now().after(GRACE).after(GRACE);
    store.sweep(&HashSet::new(), later);
    partial.append(b"56789").unwrap();
    partial.finish().unwrap();
    assert_eq!(read(&store, id(b"0123456789")).unwrap(), b"0123456789");
}

#[test]
fn a_pinned_content_stays_when_it_is_received_again() {
    let (_folder, root, sync) = docroot(&[("a.txt", b"one")]);
    let store = open(&sync);
    let pin = store.import(&root, "a.txt").unwrap();
    let mut partial = store.resume(id(b"one")).unwrap();
    partial.append(b"one").unwrap();
    partial.finish().unwrap();
    let later = clock::now().after(GRACE).after(GRACE);
    assert_eq!(store.sweep(&HashSet::new(), later), 0);
    assert!(store.contains(pin.content()));
}

#[test]
fn contents_without_references_are_removed_after_the_grace_period() {
    let (_folder, root, sync) = docroot(&[("a", b"a"), ("b", b"b"), ("c", b"c")]);
    let store = open(&sync);
    let kept = store.import(&root, "a").unwrap().content();
    let pin = store.import(&root, "b").unwrap();
    let gone = store.import(&root, "c").unwrap().content();
    for unwanted in [b"old".as_slice(), b"wanted"] {
        store.resume(id(unwanted)).unwrap().append(&unwanted[..2]).unwrap();
    }
    let referred = HashSet::from([kept, id(b"wanted")]);
    let start = clock::now();
    assert_eq!(store.sweep(&referred, start), 0);
    let mut reading = store.open_content(gone).unwrap().unwrap();
    let later = start.after(GRACE).after(Duration::from_secs(1));
    assert_eq!(store.sweep(&referred, later), 1);
    assert!(store.contains(kept) && store.contains(pin.content()) && !store.contains(gone));
    let mut rest = String::new();
    io::Read::read_to_string(&mut reading, &mut rest).unwrap();
    assert_eq!(rest, "c", "an open reader reads it to the end");
    assert_eq!(names(&sync).iter().filter(|name| name.ends_with(PART)).count(), 1);
    assert_eq!(names(&sync).len(), 4, "{:?}", names(&sync));
    drop(pin);
    let last = later.after(GRACE).after(GRACE);
    assert_eq!(store.sweep(&HashSet::new(), last), 2);
    assert_eq!(names(&sync), ["lock"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_content_is_received_whole_in_any_pieces_and_attempts(
        content in proptest::collection::vec(any::<u8>(), 0..5000),
        cuts in proptest::collection::vec((0_usize..1000, any::<bool>()), 0..20),
    ) {
        let (_folder, _, sync) = docroot(&[]);
        let store = open(&sync);
        let mut partial = store.resume(id(&content)).unwrap();
        for (length, again) in cuts {
            let from = partial.length() as usize;
            let to = (from + length).min(content.len());
            partial.append(&content[from..to]).unwrap();
            if again {
                partial = store.resume(id(&content)).unwrap();
                prop_assert_eq!(partial.length() as usize, to);
            }
        }
        let from = partial.length() as usize;
        partial.append(&content[from..]).unwrap();
        partial.finish().unwrap();
        prop_assert_eq!(read(&store, id(&content)).unwrap(), content);
    }
}
