//! Machine tokens: random, given once, kept only as their hash.
//!
//! A token is 32 random bytes; nobody can try them all, so a plain fast hash (BLAKE3, 256 bits) is enough. Hashes are compared in
//! constant time.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// What tokens begin with, so that one that leaked is recognised by scanners.
const PREFIX: &str = "dlnuf_";

/// A token as the sources file keeps it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What it is called in the log.
    pub name: String,
    /// Hash of the secret.
    pub hash: Hash,
    /// First day on which it is refused, `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "day")]
    pub expires: Option<String>,
}

/// Hash of a token, 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(blake3::Hash);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(hidden)")
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hash = blake3::Hash::from_hex(&text);
        hash.map(Self).map_err(|_| {
            serde::de::Error::custom("`hash` must be the 64 hexadecimal digits `dlnuf sources token` prints")
        })
    }
}

fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = text.parse::<jiff::civil::Date>().ok().filter(|day| day.to_string() == text);
    day.map(|_| Some(text)).ok_or_else(|| serde::de::Error::custom("`expires` is a day such as 2027-01-01"))
}

/// The hash of a secret.
pub fn hash(secret: &str) -> Hash {
    Hash(blake3::hash(secret.as_bytes()))
}

/// A fresh secret.
pub fn mint() -> String {
    let bytes: [u8; 32] = rand::random();
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

impl Token {
    /// Whether it is the one with this hash; takes as long either way.
    pub fn is(&self, hash: Hash) -> bool {
        self.hash == hash
    }

    /// Whether it is refused from this day on or before; days are `YYYY-MM-DD`.
    pub fn expired(&self, today: &str) -> bool {
        self.expires.as_deref().is_some_and(|day| day <= today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_another_and_says_what_it_is() {
        let (one, other) = (mint(), mint());
        assert_ne!(one, other);
        assert!(one.starts_with(PREFIX) && one.len() == PREFIX.len() + 43);
        assert_eq!(format!("{:?}", hash(&one)), "Hash(hidden)");
    }
}
