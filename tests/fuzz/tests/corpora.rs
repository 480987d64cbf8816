//! Runs every input of the committed corpora, so that the findings of the fuzzer remain tested.

use std::fs;
use std::path::Path;

fn run_all(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut inputs = 0;
    for file in
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = file.expect("the folder can be read").path();
        let input = fs::read(&path).expect("an input can be read");
        println!("{}", path.display());
        run(&input);
        inputs += 1;
    }
    assert!(inputs > 0, "{} is empty", folder.display());
}

macro_rules! corpora {
    ($($target:ident),* $(,)?) => {$(
        mod $target {
            #[test]
            fn holds_for_every_committed_input() {
                super::run_all(stringify!($target), headwater_fuzz_targets::$target::run);
            }
        }
    )*};
}

corpora!(
    calls,
    canonical,
    conditions,
    cookies,
    form,
    frames,
    fragments,
    host,
    http1,
    multipart,
    multiplexed,
    negotiation,
    packed,
    patterns,
    proxies,
    scanner,
    spelling,
);
