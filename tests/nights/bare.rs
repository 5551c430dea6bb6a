//! The bare limits: the least code that does one part of the work and nothing else.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use futures_util::future::join_all;
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, ExchangeDeleteOptions,
    QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Connection, ConnectionProperties, ExchangeKind};
use quick_xml::Reader;
use quick_xml::events::Event;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

/// A household as bare code would hold it: every text with the element it stands in.
#[derive(Default)]
pub struct Foyer {
    pub texts: Vec<(String, String)>,
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
    let mut count = 0;
    each(file, |foyer| count += u64::from(!foyer.texts.is_empty()));
    count
}

/// Reads a file household by household.
pub fn each(file: &Path, mut take: impl FnMut(Foyer)) {
    let mut reader =
        Reader::from_reader(BufReader::with_capacity(256 << 10, Utf8::of(File::open(file).expect("a file"))));
    let (mut buffer, mut name, mut foyer) = (Vec::new(), String::new(), Foyer::default());
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
                take(std::mem::take(&mut foyer));
            }
            Event::Eof => return,
            _ => {}
        }
        buffer.clear();
    }
}

/// Reads every row of a CSV file into texts; returns how many there are.
pub fn read_csv(file: &Path) -> u64 {
    let bytes = std::fs::read(file).expect("a file");
    let mut reader = csv_core::ReaderBuilder::new().delimiter(b';').build();
    let (mut input, mut output, mut ends) = (bytes.as_slice(), vec![0; 64 << 10], vec![0; 256]);
    let mut rows = 0;
    loop {
        let (result, read, written, cells) = reader.read_record(input, &mut output, &mut ends);
        input = input.get(read..).unwrap_or_default();
        match result {
            csv_core::ReadRecordResult::Record => {
                let text = std::str::from_utf8(&output[..written]).expect("UTF-8");
                let mut from = 0;
                let row: Vec<String> = ends[..cells]
                    .iter()
                    .map(|end| text[std::mem::replace(&mut from, *end)..*end].to_owned())
                    .collect();
                rows += u64::from(!row.is_empty());
            }
            csv_core::ReadRecordResult::End => return rows - 1,
            _ => {}
        }
    }
}

/// Households of one transaction of the bare pipeline.
const BATCH: usize = 2_000;

/// The bare pipeline: stream, hash, and keep what is new, household by household and person by person, in indexed tables. No
/// mapping, no identity, no provenance, no sealing, no events.
pub async fn pipeline(server: &str, file: &Path) {
    let mut connection = PgConnection::connect(server).await.expect("PostgreSQL");
    for table in [
        "create table if not exists bare_foyer (number bigint primary key, hash bigint not null, payload text not null)",
        "create index if not exists bare_foyer_hash on bare_foyer (hash)",
        "create table if not exists bare_personne (number bigint, rank bigint, payload text, primary key (number, rank))",
    ] {
        connection.execute(table).await.expect("a table");
    }
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let file = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let (mut batch, mut number) = (Vec::with_capacity(BATCH), 0);
        each(&file, |foyer| {
            number += 1;
            batch.push((number, foyer));
            if batch.len() == BATCH {
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                sender.blocking_send(full).expect("the writer stays");
            }
        });
        sender.blocking_send(batch).expect("the writer stays");
    });
    while let Some(batch) = receiver.recv().await {
        keep(&mut connection, &batch).await;
    }
    reading.await.expect("read");
}

/// Writes the households whose hash is not known, and their persons.
async fn keep(connection: &mut PgConnection, batch: &[(i64, Foyer)]) {
    let payloads: Vec<String> = batch.iter().map(|(_, foyer)| payload(&foyer.texts)).collect();
    let hashes: Vec<i64> = payloads.iter().map(|text| hash(text)).collect();
    let new: std::collections::HashSet<i64> = sqlx::query_scalar(
        "select new.hash from unnest($1::bigint[]) as new (hash) left join bare_foyer on bare_foyer.hash = new.hash
         where bare_foyer.hash is null",
    )
    .bind(&hashes)
    .fetch_all(&mut *connection)
    .await
    .expect("a diff")
    .into_iter()
    .collect();
    let (mut numbers, mut kept, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut of, mut ranks, mut members) = (Vec::new(), Vec::new(), Vec::new());
    for (((number, foyer), hash), text) in batch.iter().zip(hashes).zip(payloads) {
        if !new.contains(&hash) {
            continue;
        }
        numbers.push(*number);
        kept.push(hash);
        texts.push(text);
        for (rank, person) in (0..).zip(persons(foyer)) {
            of.push(*number);
            ranks.push(rank);
            members.push(person);
        }
    }
    let mut tx = connection.begin().await.expect("a transaction");
    sqlx::query(
        "insert into bare_foyer select * from unnest($1::bigint[], $2::bigint[], $3::text[])
         on conflict (number) do update set hash = excluded.hash, payload = excluded.payload",
    )
    .bind(numbers)
    .bind(kept)
    .bind(texts)
    .execute(&mut *tx)
    .await
    .expect("households");
    sqlx::query(
        "insert into bare_personne select * from unnest($1::bigint[], $2::bigint[], $3::text[])
         on conflict (number, rank) do update set payload = excluded.payload",
    )
    .bind(of)
    .bind(ranks)
    .bind(members)
    .execute(&mut *tx)
    .await
    .expect("persons");
    tx.commit().await.expect("committed");
}

/// What each person of a household would be kept as.
pub fn persons(foyer: &Foyer) -> impl Iterator<Item = String> + '_ {
    let starts = foyer.texts.iter().enumerate().filter(|(_, (name, _))| name == "NOMNAI");
    starts.map(|(start, _)| payload(&foyer.texts[start..(start + 20).min(foyer.texts.len())]))
}

/// What tells one household's text from another.
pub fn hash(text: &str) -> i64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes()).cast_signed()
}

/// A household's texts in one.
pub fn payload(texts: &[(String, String)]) -> String {
    let mut payload = String::new();
    for (name, text) in texts {
        let _ = write!(payload, "{name}={text};");
    }
    payload
}

/// Leaves the database as it was made.
pub async fn forget(server: &str) {
    let mut connection = PgConnection::connect(server).await.expect("PostgreSQL");
    for statement in ["drop schema public cascade", "create schema public"] {
        connection.execute(statement).await.expect("an empty database");
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

/// How a bare message is addressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Addressed {
    /// To the queue itself, with nothing that tells one message from another.
    Queue,
    /// As an event has to be: to a topic exchange, mandatory, with its identifier and its content type.
    Topic,
}

/// Bare lapin: messages of 3 KB with confirms, 1,000 in flight, to a quorum queue.
pub async fn publish(broker: &str, messages: u64, addressed: Addressed) {
    let connection = Connection::connect(broker, ConnectionProperties::default()).await.expect("RabbitMQ");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from("quorum")));
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare("bare".into(), durable, arguments).await.expect("a queue");
    let body = vec![b'x'; 3_000];
    let mut properties = BasicProperties::default().with_delivery_mode(2);
    let (exchange, key, mandatory) = match addressed {
        Addressed::Queue => ("", "bare", false),
        Addressed::Topic => ("bare", "personne.creee.52", true),
    };
    if addressed == Addressed::Topic {
        let (topic, all) = (ExchangeKind::Topic, FieldTable::default());
        channel
            .exchange_declare("bare".into(), topic, ExchangeDeclareOptions::default(), all)
            .await
            .expect("an exchange");
        let all = FieldTable::default();
        channel
            .queue_bind("bare".into(), "bare".into(), "#".into(), QueueBindOptions::default(), all)
            .await
            .expect("bound");
        properties =
            properties.with_content_type("application/cloudevents+json".into()).with_app_id("dlnuf".into());
    }
    for _ in 0..messages.div_ceil(1_000) {
        let (channel, body, properties) = (&channel, &body, &properties);
        let wave = (0..1_000).map(|number| async move {
            let options = BasicPublishOptions { mandatory, ..Default::default() };
            let id = (addressed == Addressed::Topic).then(|| Uuid::from_u128(number).to_string());
            let own = match id {
                Some(id) => properties.clone().with_message_id(id.into()),
                None => properties.clone(),
            };
            let sent = channel.basic_publish(exchange.into(), key.into(), options, body, own).await;
            sent.expect("sent").await.expect("confirmed")
        });
        join_all(wave).await;
    }
    channel.queue_delete("bare".into(), QueueDeleteOptions::default()).await.expect("deleted");
    if addressed == Addressed::Topic {
        channel.exchange_delete("bare".into(), ExchangeDeleteOptions::default()).await.expect("deleted");
    }
}
