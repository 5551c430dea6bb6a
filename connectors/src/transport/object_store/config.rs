//! What people write of a bucket. Keys are named by the environment variables that hold them, and never written here.

use serde::Deserialize;

use crate::transport::names::one_or_more;

/// A bucket, or a folder, and what is done there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `s3://bucket/prefix` or `file:///folder`.
    pub url: String,
    /// Where the S3-type server answers, when it is not Amazon's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The bucket's region.
    #[serde(default)]
    pub region: Option<String>,
    /// The environment variable that holds the access key.
    #[serde(default)]
    pub access_key_env: Option<String>,
    /// The environment variable that holds the secret key.
    #[serde(default)]
    pub secret_key_env: Option<String>,
    /// Whether an endpoint without TLS may be spoken to: on this machine, for tests.
    #[serde(default)]
    pub allow_http: bool,
    /// Which names are wanted, as globs on the last segment of a key; none means all.
    #[serde(default, deserialize_with = "one_or_more")]
    pub pattern: Vec<String>,
    /// What becomes of an object that was taken in.
    #[serde(default)]
    pub after: After,
    /// The prefix receipts are left under, from the top of the bucket.
    #[serde(default)]
    pub receipts: Option<String>,
    /// Longest wait for a connection to say something.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
}

/// What becomes of an object that was taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It stays.
    #[default]
    Keep,
    /// It is deleted.
    Delete,
    /// It is moved under this prefix, from the top of the bucket; an object of the same name there is replaced.
    Move(String),
}

const fn timeout_seconds() -> u64 {
    super::PATIENCE.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_enough_and_an_unknown_key_is_refused() {
        let config: Config = serde_json::from_str(r#"{"url": "file:///extraits"}"#).expect("a configuration");
        assert_eq!((config.after, config.timeout_seconds, config.allow_http), (After::Keep, 60, false));
        assert!(serde_json::from_str::<Config>(r#"{"url": "file:///x", "secret_key": "x"}"#).is_err());
    }

    #[test]
    fn what_comes_after_is_a_word_or_a_move() {
        let after = |text| serde_json::from_str::<After>(text).expect("an `after`");
        assert_eq!(after(r#""delete""#), After::Delete);
        assert_eq!(after(r#"{"move": "pris"}"#), After::Move("pris".to_owned()));
    }
}
