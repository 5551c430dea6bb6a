//! Where things are: store, archive, key, mappings. From options and environment, with a local folder as default.

use std::path::PathBuf;

use clap::Args;

/// Options every command shares.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Folder for the archive, the protection key and the embedded store
    #[arg(long, env = "DLNUF_HOME", default_value = ".dlnuf", global = true)]
    pub home: PathBuf,
    /// Store: `sqlite:PATH` or `postgres://…` [default: SQLite in the home folder]
    #[arg(long, env = "DLNUF_STORE", global = true, hide_env_values = true)]
    pub store: Option<String>,
    /// Broker: `amqp://user:password@host:5672/%2f` [default: none, events are read from the journal]
    #[arg(long, env = "DLNUF_BROKER", global = true, hide_env_values = true)]
    pub broker: Option<String>,
    /// Folder of mappings to use instead of those built in
    #[arg(long, env = "DLNUF_MAPPINGS", global = true)]
    pub mappings: Option<PathBuf>,
}

impl Settings {
    /// The store's URL.
    pub fn store_url(&self) -> String {
        self.store.clone().unwrap_or_else(|| format!("sqlite:{}", self.home.join("dlnuf.db").display()))
    }
}
