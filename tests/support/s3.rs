//! A private S3-type server that checks signatures, and a line to it that breaks or is slow. Both end when dropped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connectors::transport::object_store::{After, Bucket, Config, bounded};
use hub_core::transport::TransportError;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The bucket the server has.
pub const BUCKET: &str = "extraits";
/// Its region.
pub const REGION: &str = "eu-west-3";

/// A server.
pub struct S3 {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    told: Json,
}

impl S3 {
    /// Starts one, and waits until it answers.
    pub fn start() -> Self {
        let python = std::env::var("DLNUF_TEST_S3_PYTHON")
            .expect("DLNUF_TEST_S3_PYTHON is not set: run `make test`, which installs the S3-type server");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/s3.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python starts");
        let input = process.stdin.take().expect("its input");
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let told = serde_json::from_str(&line(&mut output)).expect("the server tells where it is");
        Self { process, input, output, told }
    }

    /// Makes an object; its key may be one that no path can be.
    pub fn make(&mut self, key: &str, body: &str) {
        writeln!(self.input, "{key}\t{body}").expect("the server listens");
        assert_eq!(line(&mut self.output).trim(), "made");
    }

    /// What the server told of itself.
    pub fn told(&self, name: &str) -> String {
        self.told[name].as_str().expect("a text").to_owned()
    }

    pub fn port(&self) -> u16 {
        self.told["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port")
    }

    pub fn url(&self) -> String {
        at(self.port())
    }

    /// A client with all rights, reaching the server by a port: its own, or a line's.
    pub fn client(&self, port: u16) -> Arc<AmazonS3> {
        let builder = AmazonS3Builder::new()
            .with_bucket_name(BUCKET)
            .with_region(REGION)
            .with_endpoint(at(port))
            .with_allow_http(true)
            .with_access_key_id(self.told("access"))
            .with_secret_access_key(self.told("secret"));
        Arc::new(bounded(builder, Duration::from_secs(20)).expect("a client"))
    }

    /// A configuration for what stands under a prefix.
    pub fn config(&self, prefix: &str) -> Config {
        Config {
            url: format!("s3://{BUCKET}/{prefix}"),
            endpoint: Some(self.url()),
            region: Some(REGION.to_owned()),
            access_key_env: Some("access".to_owned()),
            secret_key_env: Some("secret".to_owned()),
            allow_http: true,
            pattern: vec!["*.xml".to_owned()],
            after: After::Keep,
            receipts: None,
            timeout_seconds: 20,
        }
    }

    /// Opens a bucket whose variables are what the server told.
    pub fn open(&self, config: &Config) -> Result<Bucket, TransportError> {
        Bucket::open_with(config, &|name| Some(self.told(name)))
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn at(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn line(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    output.read_line(&mut line).expect("the server answers");
    assert!(!line.is_empty(), "the server ended");
    line
}

/// A line to a server, which may break: once so much went up in all, and each time so much came down a connection.
pub struct Line {
    pub port: u16,
    breaks: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Line {
    /// One that breaks.
    pub async fn breaking(server: u16, up_in_all: u64, down_each: u64) -> Self {
        Self::open(server, (up_in_all, down_each), Duration::ZERO).await
    }

    /// One on which everything takes its time, each way.
    pub async fn slow(server: u16, delay: Duration) -> Self {
        Self::open(server, (u64::MAX, u64::MAX), delay).await
    }

    async fn open(server: u16, (up_in_all, down_each): (u64, u64), delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("an address").port();
        let (up, breaks) = (Arc::new(AtomicU64::new(up_in_all)), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&breaks);
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", server)).await else { return };
                let ((read, write), (back, on)) = (near.into_split(), far.into_split());
                let (up, down, breaks) = (Arc::clone(&up), AtomicU64::new(down_each), Arc::clone(&counted));
                tokio::spawn(async move {
                    let broke = tokio::select! {
                        broke = pass((read, on), &up, delay) => broke,
                        broke = pass((back, write), &down, delay) => broke,
                    };
                    breaks.fetch_add(u64::from(broke), Ordering::Relaxed);
                });
            }
        });
        Self { port, breaks, task }
    }

    /// How often it broke.
    pub fn breaks(&self) -> u64 {
        self.breaks.load(Ordering::Relaxed)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes bytes on until either end closes or the allowance is used up, which it tells.
async fn pass(
    (mut from, mut to): (OwnedReadHalf, OwnedWriteHalf),
    left: &AtomicU64,
    delay: Duration,
) -> bool {
    let mut chunk = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let took = |left: u64| left.checked_sub(count as u64);
        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, took).is_err() {
            return true;
        }
        tokio::time::sleep(delay).await;
        if to.write_all(&chunk[..count]).await.is_err() {
            return false;
        }
    }
    false
}
