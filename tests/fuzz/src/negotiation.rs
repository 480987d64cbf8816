//! `Accept-Encoding` and `Accept-Language`.

use std::cmp::Reverse;
use std::sync::LazyLock;

use headwater::Languages;
use headwater::internals::http::{Coding, acceptable};

static LANGUAGES: LazyLock<Languages> =
    LazyLock::new(|| Languages::new(["en", "de-CH", "de", "pt-BR", "zh-Hant-TW"]));

/// `data` is lines of headers.
pub fn run(data: &[u8]) {
    let headers = super::headers(super::lines(data));
    let liked = acceptable(&headers);
    let lengths = [100, 30, 20, 20];
    for offered in 0..1_u8 << Coding::ALL.len() {
        let offers = || {
            let all = Coding::ALL.into_iter().zip(lengths).enumerate();
            all.filter(|(index, _)| offered & 1 << index != 0).map(|(_, offer)| offer)
        };
        match liked.best(offers()) {
            Some(best) => {
                assert!(liked.takes(best), "an acceptable one is chosen");
                let rank = |coding: Coding, length: u64| (liked.quality(coding), Reverse(length));
                let (_, length) =
                    offers().find(|(coding, _)| *coding == best).expect("one that was offered");
                assert!(offers().all(|(coding, other)| rank(coding, other) <= rank(best, length)));
            }
            None => assert!(offers().all(|(coding, _)| !liked.takes(coding))),
        }
    }
    if !headers.contains_key("accept-encoding") {
        assert_eq!(liked.best([(Coding::Identity, 1), (Coding::Gzip, 0)]), Some(Coding::Identity));
    }
    if let Some(language) = LANGUAGES.preferred(&headers) {
        assert!(LANGUAGES.iter().any(|known| known == language));
    }
}
