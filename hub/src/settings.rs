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
    /// Archive: a folder, or `s3://bucket/prefix` reached by the usual AWS_… variables [default: in the home folder]
    #[arg(long, env = "DLNUF_ARCHIVE", global = true)]
    pub archive: Option<String>,
    /// Broker: `amqp://user:password@host:5672/%2f` [default: none, events are read from the journal]
    #[arg(long, env = "DLNUF_BROKER", global = true, hide_env_values = true)]
    pub broker: Option<String>,
    /// The broker's management API, to make queues and users of subscribers: `http://user:password@host:15672`
    #[arg(long, env = "DLNUF_BROKER_API", global = true, hide_env_values = true)]
    pub broker_api: Option<String>,
    /// Folder of mappings to use instead of those built in
    #[arg(long, env = "DLNUF_MAPPINGS", global = true)]
    pub mappings: Option<PathBuf>,
    /// The sources file: who may push, what is fetched, when [default: `sources.yaml` in the home folder]
    #[arg(long, env = "DLNUF_SOURCES", global = true)]
    pub sources: Option<PathBuf>,
    /// Folder of subscriptions: who is told what of whom [default: `abonnements` in the home folder]
    #[arg(long, env = "DLNUF_SUBSCRIPTIONS", global = true)]
    pub subscriptions: Option<PathBuf>,
    /// Networks of the house webhooks may lead into, `10.1.0.0/16`; without them only the Internet, over https
    #[arg(long, env = "DLNUF_WEBHOOK_NETWORKS", global = true, value_delimiter = ',')]
    pub webhook_networks: Vec<String>,
}

impl Settings {
    /// All that is usual, in this folder.
    pub fn at(home: PathBuf) -> Self {
        Self {
            home,
            store: None,
            archive: None,
            broker: None,
            broker_api: None,
            mappings: None,
            sources: None,
            subscriptions: None,
            webhook_networks: Vec::new(),
        }
    }

    /// The sources file.
    pub fn sources_file(&self) -> PathBuf {
        self.sources.clone().unwrap_or_else(|| self.home.join("sources.yaml"))
    }

    /// The folder of subscriptions.
    pub fn subscriptions_folder(&self) -> PathBuf {
        self.subscriptions.clone().unwrap_or_else(|| self.home.join("abonnements"))
    }

    /// The protection key's file.
    pub fn key(&self) -> PathBuf {
        self.home.join("protection.key")
    }

    /// Where deliveries are archived: a folder's path, or a bucket's URL.
    pub fn archive_place(&self) -> String {
        self.archive.clone().unwrap_or_else(|| self.home.join("archive").display().to_string())
    }

    /// The file of an embedded store; `None` when the store is a server.
    pub fn embedded_store(&self) -> Option<PathBuf> {
        let path = self.store_url().strip_prefix("sqlite:")?.to_owned();
        Some(PathBuf::from(path.strip_prefix("//").unwrap_or(&path)))
    }

    /// Whether there is an embedded store that was written.
    pub fn embedded_store_exists(&self) -> bool {
        let size = self.embedded_store().and_then(|path| path.metadata().ok());
        size.is_some_and(|file| file.len() > 0)
    }

    /// The store as people call it: a server's URL may hold a password.
    pub fn store_name(&self) -> String {
        let file = self.embedded_store();
        file.map_or_else(|| "the store".to_owned(), |path| format!("the store `{}`", path.display()))
    }

    /// The store's URL.
    pub fn store_url(&self) -> String {
        self.store.clone().unwrap_or_else(|| format!("sqlite:{}", self.home.join("dlnuf.db").display()))
    }
}
