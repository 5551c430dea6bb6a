//! The bare limits: the least code that does one part of the work and nothing else.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use futures_util::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use quick_xml::Reader;
use quick_xml::events::Event;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A household as bare code would hold it: every text with the element it stands in.
#[derive(Default)]
struct Foyer {
    texts: Vec<(String, String)>,
}

/// windows-1252 in, UTF-8 out.
struct Utf8 {
    file: File,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    end: usize,
}

impl Utf8 {
    fn of(file: File) -> Self {
        let decoder = encoding_rs::WINDOWS_1252.new_decoder();
        Self { file, decoder, raw: vec![0; 64 << 10], text: vec![0; 256 << 10], at: 0, end: 0 }
    }
}

impl Read for Utf8 {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.end {
            let read = self.file.read(&mut self.raw)?;
            let (_, _, written, _) =
                self.decoder.decode_to_utf8(&self.raw[..read], &mut self.text, read == 0);
            (self.at, self.end) = (0, written);
        }
        let count = into.len().min(self.end - self.at);
        into[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Reads every household into a struct, decoding windows-1252; returns how many there are.
pub fn read(file: &Path) -> u64 {
    let mut reader =
        Reader::from_reader(BufReader::with_capacity(256 << 10, Utf8::of(File::open(file).expect("a file"))));
    let (mut buffer, mut name, mut foyer, mut count) = (Vec::new(), String::new(), Foyer::default(), 0);
    loop {
        match reader.read_event_into(&mut buffer).expect("XML") {
            Event::Start(start) => {
                name.clear();
                name.push_str(start.name().as_ref());
            }
            Event::Text(text) if !text.trim_ascii().is_empty() => {
                foyer.texts.push((name.clone(), text.to_string()));
            }
            Event::End(end) if end.name().as_ref() == "InfosFoyerRSA" => {
                count += u64::from(!std::mem::take(&mut foyer).texts.is_empty());
            }
            Event::Eof => return count,
            _ => {}
        }
        buffer.clear();
    }
}

/// Bare COPY of as many rows, of the size of a claim's, into a table without an index.
pub async fn copy(server: &str, rows: u64) {
    let mut connection = PgConnection::connect(server).await.expect("PostgreSQL");
    connection
        .execute("create table bare_copy (id bigint, hash bigint, payload text)")
        .await
        .expect("a table");
    let mut into = connection.copy_in_raw("copy bare_copy from stdin").await.expect("copy");
    let payload = "x".repeat(2_000);
    for chunk in 0..rows.div_ceil(1_000) {
        let mut text = String::new();
        for row in chunk * 1_000..rows.min((chunk + 1) * 1_000) {
            let _ = writeln!(text, "{row}\t{}\t{payload}", row.wrapping_mul(7_919));
        }
        into.send(text.as_bytes()).await.expect("rows");
    }
    into.finish().await.expect("copied");
    connection.execute(AssertSqlSafe("drop table bare_copy".to_owned())).await.expect("dropped");
}

/// Bare lapin: messages of 3 KB with confirms, 1,000 in flight, to a quorum queue.
pub async fn publish(broker: &str, messages: u64) {
    let connection = Connection::connect(broker, ConnectionProperties::default()).await.expect("RabbitMQ");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from("quorum")));
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare("bare".into(), durable, arguments).await.expect("a queue");
    let body = vec![b'x'; 3_000];
    let properties = BasicProperties::default().with_delivery_mode(2);
    for _ in 0..messages / 1_000 {
        let wave = (0..1_000).map(|_| async {
            let options = BasicPublishOptions::default();
            let sent =
                channel.basic_publish("".into(), "bare".into(), options, &body, properties.clone()).await;
            sent.expect("sent").await.expect("confirmed")
        });
        join_all(wave).await;
    }
    channel.queue_delete("bare".into(), QueueDeleteOptions::default()).await.expect("deleted");
}
