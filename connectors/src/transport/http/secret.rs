//! Secrets: configuration names where one is kept, an environment variable or a file; what is read is never shown.

use std::fmt;
use std::path::PathBuf;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use reqwest::header::HeaderValue;
use serde::Deserialize;

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// In an environment variable of this name.
    Env(String),
    /// In a file, of which line ends at the end do not count.
    File(PathBuf),
}

impl Secret {
    /// Reads it.
    ///
    /// # Errors
    /// [`Code::BadConfig`] when it is not there or empty; the variable or the file is named.
    pub(super) fn read(&self) -> Result<Hidden, TransportError> {
        let (found, place) = match self {
            Self::Env(name) => (std::env::var(name).ok(), format!("the environment variable `{name}`")),
            Self::File(path) => {
                (std::fs::read_to_string(path).ok(), format!("the file `{}`", path.display()))
            }
        };
        let text = found.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
        text.filter(|text| !text.is_empty()).map(Hidden).ok_or_else(|| {
            TransportError::new(Code::BadConfig, format!("expected a secret in {place}, found none"))
        })
    }
}

/// A secret that was read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hidden(String);

impl Hidden {
    /// The secret itself, to be sent and for nothing else.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// The secret as the value of a header, after a prefix.
    pub(super) fn header(&self, prefix: &str) -> Result<HeaderValue, TransportError> {
        let mut value = HeaderValue::try_from(format!("{prefix}{}", self.0)).map_err(|_| {
            TransportError::new(Code::BadConfig, "expected a secret of printable ASCII, found something else")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_a_file_without_its_line_end_and_is_not_shown() {
        let file = std::env::temp_dir().join(format!("dlnuf-secret-{}", std::process::id()));
        std::fs::write(&file, "s3same\r\n").expect("written");
        let read = Secret::File(file.clone()).read();
        std::fs::remove_file(&file).expect("removed");
        let hidden = read.expect("a secret");
        assert_eq!(hidden.reveal(), "s3same");
        assert_eq!(format!("{hidden:?}"), "Hidden(…)");
        let header = hidden.header("Bearer ").expect("printable");
        assert!(!format!("{header:?}").contains("s3same"));
    }

    #[test]
    fn a_secret_that_is_not_there_names_where_it_was_looked_for() {
        let error = Secret::Env("DLNUF_NO_SUCH_SECRET".to_owned()).read().expect_err("nothing there");
        assert_eq!(error.code, Code::BadConfig);
        assert!(error.detail.contains("DLNUF_NO_SUCH_SECRET"), "{error}");
    }
}
