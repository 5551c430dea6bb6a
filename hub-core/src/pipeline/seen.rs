//! Which claims a delivery has stated: one bit a claim, so that a million of them take 125 KB.

/// A growing set of small positive numbers.
#[derive(Debug, Default)]
pub(super) struct Seen {
    words: Vec<u64>,
}

impl Seen {
    pub fn insert(&mut self, claim: i64) {
        let Some((word, bit)) = place(claim) else {
            return;
        };
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << bit;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub fn contains(&self, claim: i64) -> bool {
        place(claim).is_some_and(|(word, bit)| self.words.get(word).is_some_and(|bits| bits >> bit & 1 == 1))
    }
}

fn place(claim: i64) -> Option<(usize, u32)> {
    let claim = usize::try_from(claim).ok()?;
    Some((claim / 64, u32::try_from(claim % 64).ok()?))
}
