//! What it costs to tell many: every person changes, four profiles are told, ten queues receive, beside a bare confirmed publish of the same
//! bytes to the same exchanges.
//!
//! Timed from the end of the load, while nothing is told yet, to the last confirm. Each queue is then read: every person's events are in
//! order, or the run ends.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use hub::broker::{exchange_of, queue_of};
use hub::service::apart;
use hub::settings::Settings;
use hub::{clock, installation};
use hub_core::store::Store;
use hub_core::subscription::ToldEvent;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use crate::Figure;
use crate::program::measured;

/// Profiles, and who subscribes to each.
const PROFILES: [(&str, &[&str]); 4] = [
    ("un", &["un-a", "un-b", "un-c"]),
    ("deux", &["deux-a", "deux-b", "deux-c"]),
    ("trois", &["trois-a", "trois-b"]),
    ("quatre", &["quatre-a", "quatre-b"]),
];
/// Messages on their way at once.
const IN_FLIGHT: usize = 1_000;

/// Persons of whom every one changes, told to ten.
pub async fn figures(folder: &Path, store: Option<&str>, broker: &str, persons: u64) {
    let home = folder.join(if store.is_some() { "fan-out-postgres" } else { "fan-out-sqlite" });
    let settings = Settings {
        store: store.map(str::to_owned),
        broker: Some(broker.to_owned()),
        ..Settings::at(home.clone())
    };
    load(&home, store, (persons, 0));
    declare(&home);
    let tellers = Tellers::open(&settings).await;
    tellers.tell_and_publish().await;
    let (_connection, channel) = channel(broker).await;
    purge(&channel).await;
    load(&home, store, (persons, 1));
    let behind = tellers.end().await;
    let start = Instant::now();
    let told_after = tellers.tell_and_publish().await;
    let seconds = start.elapsed().as_secs_f64();
    let events = tellers.told_behind(&behind).await;
    let received = read_in_order(&channel).await;
    let (bare, ()) = bare(&channel, &events).await;
    purge(&channel).await;
    let kind = if store.is_some() { "PostgreSQL" } else { "SQLite" };
    Figure::new("bare lapin, the same bytes to the same exchanges", bare, events.len() as u64, "events")
        .print();
    Figure::new(format!("told to 4 profiles, 10 queues, {kind}"), seconds, events.len() as u64, "events")
        .against(
            bare,
            format!("bare lapin (limit 1.43); told after {told_after:.1} s; {received} received in order"),
        )
        .print();
}

/// A list of a département on which everybody lives elsewhere than the night before.
fn load(home: &Path, store: Option<&str>, (persons, night): (u64, u64)) {
    let mut text =
        "Adresse;CP Ville;Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;ID IODAS\n".to_owned();
    for number in 0..persons {
        let letters = |mut at: u64| {
            let mut name = String::from("N");
            while at > 0 {
                name.push(char::from(b'A' + u8::try_from(at % 26).expect("a letter")));
                at /= 26;
            }
            name
        };
        let (day, month, year) = (1 + number % 28, 1 + number / 28 % 12, 1950 + number / 336 % 55);
        let _ = writeln!(
            text,
            "{} rue Haute;51100 Reims;{};PAUL;{day:02}/{month:02}/{year};F-{number}",
            number * 2 + night,
            letters(number * 7 + 11)
        );
    }
    let file = home.with_extension(format!("{night}.csv"));
    std::fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a path");
    let deliver = ["deliver", "departement", file];
    let first = if night == 0 { &["--first-load"][..] } else { &[] };
    let named = store.map(|store| ["--store", store]);
    let arguments = [named.as_ref().map_or(&[][..], |named| &named[..]), &deliver, first].concat();
    let (seconds, _) = measured(home, &arguments);
    eprintln!("  {persons} persons taken in, night {}: {seconds:.1} s", night + 1);
}

fn declare(home: &Path) {
    let folder = home.join("abonnements");
    std::fs::create_dir_all(folder.join("profils")).expect("a folder");
    for (profile, subscribers) in PROFILES {
        let text = format!("profil: {profile}\ntitre: Essai\nchamps: [identite, adresse]\n");
        std::fs::write(folder.join(format!("profils/{profile}.yaml")), text).expect("a file");
        for name in subscribers {
            let text = format!(
                "abonne: {name}\ntitre: Essai\nprofil: {profile}\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\n\
                 expire: 2099-12-31\nterritoire: tous\ncanal: file\n"
            );
            std::fs::write(folder.join(format!("{name}.yaml")), text).expect("a file");
        }
    }
}

/// Those who tell, and those who publish what is told, as `serve` runs them.
struct Tellers {
    settings: Settings,
    heralds: hub::heralds::Heralds,
    store: Arc<dyn Store>,
}

impl Tellers {
    async fn open(settings: &Settings) -> Self {
        let pipeline = installation::pipeline(settings).await.expect("a pipeline");
        let heralds = installation::heralds(settings, &pipeline).expect("heralds");
        Self { settings: settings.clone(), heralds, store: Arc::clone(&pipeline.store) }
    }

    /// Tells all there is while it is published; seconds until all was told.
    async fn tell_and_publish(&self) -> f64 {
        let on = (clock::today(), &std::collections::BTreeSet::new());
        let declared = self.heralds.declarations.current();
        let publisher = installation::profile_publisher(&self.settings, &self.store, (&declared, &[]), on);
        let publisher = publisher.await.expect("a broker").expect("subscribers with queues");
        let start = Instant::now();
        let told = async {
            self.heralds.tell_all().await.expect("told");
            let told = start.elapsed().as_secs_f64();
            while !self.store.told_outbox(0, 1).await.expect("read").is_empty() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            told
        };
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let publishing = apart(Arc::new(publisher), async { receiver.await.unwrap_or_default() });
        let telling = async {
            let told = told.await;
            let _ = sender.send(());
            told
        };
        tokio::join!(telling, publishing).0
    }

    /// Where what each profile was told ends.
    async fn end(&self) -> HashMap<&'static str, u64> {
        let mut ends = HashMap::new();
        for (profile, _) in PROFILES {
            ends.insert(profile, self.store.told_end(profile).await.expect("an end"));
        }
        ends
    }

    /// What profiles were told behind these places.
    async fn told_behind(&self, behind: &HashMap<&'static str, u64>) -> Vec<ToldEvent> {
        let mut events = Vec::new();
        for (profile, after) in behind {
            let mut after = *after;
            loop {
                let page = self.store.told(profile, after, 5_000).await.expect("told");
                let Some(last) = page.last() else { break };
                after = last.position;
                events.extend(page);
            }
        }
        events.sort_by_key(|event| event.position);
        events
    }
}

async fn channel(broker: &str) -> (Connection, Channel) {
    let connection = Connection::connect(broker, ConnectionProperties::default()).await.expect("RabbitMQ");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    (connection, channel)
}

fn queues() -> impl Iterator<Item = String> {
    PROFILES.iter().flat_map(|(_, subscribers)| subscribers.iter().map(|name| queue_of(name)))
}

async fn purge(channel: &Channel) {
    for queue in queues() {
        channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await.expect("purged");
    }
}

/// Publishes the same bytes with the same addresses, 1,000 on their way.
async fn bare(channel: &Channel, events: &[ToldEvent]) -> (f64, ()) {
    let start = Instant::now();
    for wave in events.chunks(IN_FLIGHT) {
        let sent = wave.iter().map(|event| async move {
            let properties = BasicProperties::default()
                .with_message_id(event.id.to_string().into())
                .with_content_type("application/cloudevents+json".into())
                .with_delivery_mode(2)
                .with_app_id("dlnuf".into());
            let (exchange, key) = (exchange_of(&event.profile), event.routing_key.as_str());
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let sent = channel.basic_publish(
                exchange.into(),
                key.into(),
                options,
                event.json.as_bytes(),
                properties,
            );
            sent.await.expect("sent").await.expect("confirmed")
        });
        join_all(sent).await;
    }
    (start.elapsed().as_secs_f64(), ())
}

/// Reads all queues to their end; how many messages came. Each person's have to come in order.
async fn read_in_order(channel: &Channel) -> u64 {
    channel.basic_qos(2_000, BasicQosOptions::default()).await.expect("a window");
    let mut received = 0;
    for queue in queues() {
        let mut ranks: HashMap<String, u64> = HashMap::new();
        let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
        let tag = format!("reads-{queue}");
        let mut consumer = channel
            .basic_consume(queue.as_str().into(), tag.as_str().into(), options, table)
            .await
            .expect("consumes");
        while let Ok(Some(message)) = tokio::time::timeout(Duration::from_secs(2), consumer.next()).await {
            let message = message.expect("a message");
            let event: serde_json::Value = serde_json::from_slice(&message.data).expect("JSON");
            let rank: u64 = event["sequence"].as_str().and_then(|rank| rank.parse().ok()).expect("a rank");
            let subject = event["subject"].as_str().expect("a person").to_owned();
            let last = ranks.insert(subject, rank);
            assert!(last.is_none_or(|last| last < rank), "out of order, or twice");
            received += 1;
            message.ack(BasicAckOptions::default()).await.expect("acknowledged");
        }
        channel
            .basic_cancel(tag.as_str().into(), lapin::options::BasicCancelOptions::default())
            .await
            .expect("ends");
    }
    received
}
