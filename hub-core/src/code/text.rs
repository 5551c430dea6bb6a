//! Codes as text: `DLN0412`, in output, files and JSON alike.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Code;

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DLN{:04}", *self as u16)
    }
}

impl FromStr for Code {
    type Err = UnknownDiagnostic;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.trim().to_ascii_uppercase();
        let digits = wanted.strip_prefix("DLN").unwrap_or(&wanted);
        let number: u16 = digits.parse().map_err(|_| UnknownDiagnostic)?;
        Self::ALL.iter().copied().find(|code| *code as u16 == number).ok_or(UnknownDiagnostic)
    }
}

/// No such diagnostic code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such code; codes look like `DLN0412`")]
pub struct UnknownDiagnostic;

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
