//! A listener that plays the hub: it keeps what it is asked and answers what a test says.
//!
//! One request a connection, one after the other. Nothing of HTTP that the tests do not need.

use dlnuf_client::Hub;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub const TOKEN: &str = "TOKEN-0123";

/// A request as it came.
#[derive(Debug, Default)]
pub struct Asked {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// A hub of the test's own: each answer is a status and a body.
pub struct Played {
    pub url: String,
    asked: UnboundedReceiver<Asked>,
}

impl Played {
    pub async fn answering(answer: impl Fn(&Asked) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (told, asked) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let request = read(&mut stream).await;
                let (status, body) = answer(&request);
                let _ = told.send(request); // before the answer: who has it may look
                let head = format!("HTTP/1.1 {status} Said\r\nlocation: /elsewhere\r\nconnection: close\r\n");
                let rest = format!("content-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all((head + &rest).as_bytes()).await;
            }
        });
        Self { url, asked }
    }

    pub fn hub(&self) -> Hub {
        Hub::new(&self.url, TOKEN).expect("an address and a token")
    }

    pub fn asked(&mut self) -> Vec<Asked> {
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }

    pub fn lines(&mut self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Asked {
    let mut asked = Asked::default();
    stream.read_line(&mut asked.line).await.expect("a line");
    asked.line = asked.line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.expect("a header");
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        asked.headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = asked.headers.get("content-length").map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    asked.body = String::from_utf8(body).expect("UTF-8");
    asked
}
