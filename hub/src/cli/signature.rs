//! Who gives a word that is kept: a ruling, a decision about a delivery.

use std::os::unix::fs::MetadataExt;

use clap::Args;

/// Who says so.
#[derive(Debug, Args)]
pub(super) struct Signature {
    /// Who says so; your account on this machine when left out
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Signature {
    /// The name given, else that of the account, else its number: a scheduler or a container may name none.
    pub(super) fn name(self) -> String {
        let said = |name: &String| !name.trim().is_empty();
        let account =
            || ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok()).find(said);
        self.by.filter(said).or_else(account).unwrap_or_else(number)
    }
}

fn number() -> String {
    // This process's own entry belongs to whom it runs as.
    let owner = std::fs::metadata("/proc/self").map(|process| process.uid());
    owner.map_or_else(|_| "?".to_owned(), |owner| format!("uid {owner}"))
}
