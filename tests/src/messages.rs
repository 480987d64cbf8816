use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of bytes of a process's messages that are kept.
const KEPT: usize = 256 << 10;

/// The last messages of a process.
#[derive(Debug, Clone, Default)]
pub struct Messages(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<String>,
    bytes: usize,
    dropped: u64,
}

impl Messages {
    /// Returns whether a message that is still kept contains `text`.
    pub fn contain(&self, text: &str) -> bool {
        self.lock().kept.iter().any(|line| line.contains(text))
    }

    pub(crate) fn add(&self, line: String) {
        let mut lines = self.lock();
        lines.bytes += line.len();
        lines.kept.push_back(line);
        while lines.bytes > KEPT {
            let Some(oldest) = lines.kept.pop_front() else { break };
            lines.bytes -= oldest.len();
            lines.dropped += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lock();
        if lines.dropped > 0 {
            writeln!(f, "({} earlier lines)", lines.dropped)?;
        }
        lines.kept.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_messages_are_kept() {
        let messages = Messages::default();
        messages.add("first".to_owned());
        for _ in 0..KEPT / 1024 {
            messages.add("x".repeat(1024));
        }
        messages.add("last".to_owned());
        assert!(messages.contain("last") && !messages.contain("first"));
        assert!(messages.to_string().starts_with("(2 earlier lines)"));
    }
}
