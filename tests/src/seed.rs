use std::fmt;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// The seed of a test's random choices. It is printed, so that they can be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// Returns the number in the environment variable `variable`, otherwise a random one.
    ///
    /// # Panics
    /// When the variable is not a number.
    pub fn take(variable: &str) -> Seed {
        let seed = match std::env::var(variable) {
            Ok(text) => Seed(text.parse().expect("the seed is a whole number")),
            Err(_) => Seed(rand::random::<u32>().into()),
        };
        println!("{variable}={seed}");
        seed
    }

    /// Returns the random choices for one of the test's tasks.
    pub fn choices(self, task: u64) -> StdRng {
        StdRng::seed_from_u64(self.0 ^ task.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
