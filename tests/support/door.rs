//! The hub's HTTP door, open while a test looks through it.

use std::sync::Arc;

use connectors::transport::http;
use hub_core::store::Store;
use reqwest::{Client, RequestBuilder, Url};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::store_conformance::canon;

/// An open door; shut when dropped.
pub struct Door {
    base: Url,
    client: Client,
    server: JoinHandle<std::io::Result<()>>,
}

impl Door {
    pub async fn open(store: Arc<dyn Store>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("an address");
        let rooms = hub::api::Rooms { store, canon: canon() };
        let server = tokio::spawn(hub::api::serve(
            listener,
            rooms,
            hub::api::Inner::default(),
            std::future::pending(),
        ));
        let base = Url::parse(&format!("http://{address}")).expect("a URL");
        Self { base, client: http::builder().no_proxy().build().expect("a client"), server }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.base.join(path).expect("a URL"))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.abort();
    }
}
