//! Profiles and subscriptions as they are written.
//!
//! The YAML of a file enters, its keys leave, or what cannot be read with the bytes it stands at.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::code::Code;
use crate::mapping::Diagnostic;

/// A profile, `profils/NAME.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub profil: String,
    pub titre: String,
    /// Fields, or sections: all their fields but the sensitive ones and the NIR.
    pub champs: Vec<String>,
    /// Sensitive fields, the NIR among them, each with the text that allows it.
    #[serde(default)]
    pub reserves: BTreeMap<String, String>,
}

/// A subscription, `NAME.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    pub abonne: String,
    pub titre: String,
    pub profil: String,
    pub finalite: String,
    pub base_legale: String,
    pub expire: String,
    pub territoire: Codes,
    #[serde(default)]
    pub evenements: Option<Vec<String>>,
    pub canal: Channel,
    #[serde(default)]
    pub consultations_par_jour: u32,
}

/// `tous`, or codes. YAML reads 52 as a number, and 01 as one too.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected `tous`, or codes of départements in quotes: [\"52\", \"2A\"]")]
pub(super) enum Codes {
    One(String),
    Several(Vec<String>),
}

/// `file`, `http`, or an address to post to.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected `file`, `http` or `{webhook: https://…}`, with `desactive_apres` at most"
)]
pub(super) enum Channel {
    Plain(String),
    Webhook(Webhook),
}

/// An address, and how often it may fail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhook {
    pub webhook: String,
    pub desactive_apres: Option<u32>,
}

impl Codes {
    pub fn all(self) -> Vec<String> {
        match self {
            Self::One(code) => vec![code],
            Self::Several(codes) => codes,
        }
    }
}

/// Reads a file.
pub(super) fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Diagnostic> {
    serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(0, |at| at.line().saturating_sub(1));
        let line = usize::try_from(line).unwrap_or(0);
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let found = text.lines().nth(line).unwrap_or_default();
        Diagnostic::new(
            Code::SubscriptionSyntax,
            start..start + found.len(),
            error.without_snippet().to_string(),
        )
    })
}
