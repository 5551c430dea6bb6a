//! One record pushed to an idle hub, until its event is confirmed and in the hands of a tool: what a person waits for.
//!
//! A serving hub, a client that pushes one household after the other, and a consumer; half of the pushes took no longer than the
//! figure, and 99 in 100 no longer than the one told beside it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use lapin::options::{BasicConsumeOptions, QueuePurgeOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties, Consumer};

use crate::Figure;
use crate::program::PROGRAM;

/// Pushes that are timed, and those before that are not.
const PUSHES: usize = 200;
const WARMING: usize = 20;
/// Between two pushes, so that each finds the hub idle.
const PAUSE: Duration = Duration::from_millis(30);

/// A hub at work, killed when dropped.
struct Serving {
    child: Child,
    address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Measures on a store: `sqlite` when `server` is left out.
pub async fn latency(home: &Path, server: Option<&str>, broker: &str) {
    let token = token(home);
    let serving = serve(home, server, broker);
    let mut events = consumer(broker).await;
    let client = connectors::transport::http::builder().no_proxy().build().expect("a client");
    let mut seconds = Vec::new();
    for number in 0..WARMING + PUSHES {
        let start = Instant::now();
        let push = client.post(&serving.address).bearer_auth(&token).body(household(number)).send();
        assert_eq!(push.await.expect("an answer").status(), 201);
        events.next().await.expect("an event").expect("an event");
        seconds.push(start.elapsed().as_secs_f64());
        tokio::time::sleep(PAUSE).await;
    }
    let mut timed = seconds.split_off(WARMING);
    timed.sort_by(f64::total_cmp);
    let at = |share: usize| timed.get(PUSHES * share / 100).copied().unwrap_or_default();
    let name =
        format!("one record, pushed to event, {}", if server.is_some() { "PostgreSQL" } else { "SQLite" });
    let limit = format!("5 ms (limit 1; 99 in 100 within {:.1} ms, limit 25)", at(99) * 1_000.0);
    Figure::new(name, at(50), 1, "record").against(0.005, limit).print();
}

/// A token of the source, which the sources file knows.
fn token(home: &Path) -> String {
    let mut made = Command::new(PROGRAM);
    made.args(["--output", "json", "--home"]).arg(home).args(["sources", "token", "caf"]);
    let made = made.output().expect("the program runs").stdout;
    let made: serde_json::Value = serde_json::from_slice(&made).expect("a token");
    let text = |name: &str| made.get(name).and_then(serde_json::Value::as_str).expect("a text").to_owned();
    std::fs::create_dir_all(home).expect("a folder");
    let sources = format!("sources: {{caf: {{tokens: [{{name: caf, hash: \"{}\"}}]}}}}", text("hash"));
    std::fs::write(home.join("sources.yaml"), sources).expect("a file");
    text("token")
}

fn serve(home: &Path, server: Option<&str>, broker: &str) -> Serving {
    let mut serve = Command::new(PROGRAM);
    serve.arg("--home").arg(home).args(["--broker", broker]);
    serve.args(server.iter().flat_map(|server| ["--store", server]));
    serve.args(["serve", "--listen", "127.0.0.1:0"]);
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let mut said = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut said).expect("a line");
    let door = said.split(' ').find(|word| word.starts_with("http")).expect("an address");
    let base = door.split("/v1/").next().unwrap_or_default();
    Serving { child, address: format!("{base}/v1/deliveries") }
}

/// Of the hub's own queue, emptied first.
async fn consumer(broker: &str) -> Consumer {
    // Opening a session declares it.
    drop(hub::broker::at(broker).expect("a URL").open().await.expect("the broker"));
    let connection = Connection::connect(broker, ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("a channel");
    let queue = hub::broker::QUEUE;
    channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await.expect("purged");
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    channel
        .basic_consume(queue.into(), "bench".into(), options, FieldTable::default())
        .await
        .expect("consumes")
}

/// A household of one person nobody has met. Births are spread as in life: of one given name and day, sixty would be compared.
fn household(number: usize) -> String {
    let letter = |digit: char| char::from(b'A' + u8::try_from(digit.to_digit(10).unwrap_or(0)).unwrap_or(0));
    let name: String = format!("{number:05}").chars().map(letter).collect();
    format!(
        "<Racine><IdentificationFlux><APPLIEME>CRI</APPLIEME><TYPEFLUX>I</TYPEFLUX><NATFLUX>D</NATFLUX>\
<DTCREAFLUX>2026-03-01</DTCREAFLUX><HEUCREAFLUX>01:00:00</HEUCREAFLUX><DTREF>2026-02-28</DTREF></IdentificationFlux>\
<InfosFoyerRSA><IdentificationRSA><Organisme><FONORG>CAF</FONORG><NUMORG>{:03}</NUMORG>\
<MATRICULE>1{number:06}00000000</MATRICULE></Organisme><DemandeRSA><NUMDEMRSA>01{number:06}052</NUMDEMRSA></DemandeRSA>\
</IdentificationRSA><Personne><Identification><NOM>{name}</NOM><NOMNAI>{name}</NOMNAI><PRENOM>PAUL</PRENOM>\
<DTNAI>{}-{:02}-{:02}</DTNAI><RGNAI>1</RGNAI><TYPEDTNAI>N</TYPEDTNAI></Identification><Prestations><NATPREST>RSA</NATPREST>\
<ROLEPERS>DEM</ROLEPERS><TOPCHAPERS>1</TOPCHAPERS></Prestations></Personne><PrestationRSA><SituationDossierRSA>\
<EtatDossierRSA><ETATDOSRSA>2</ETATDOSRSA></EtatDossierRSA></SituationDossierRSA></PrestationRSA></InfosFoyerRSA>\
<TransmissionFlux><NBTOTDOSRSATRANSM>00000001</NBTOTDOSRSATRANSM></TransmissionFlux></Racine>",
        number % 1_000,
        1950 + number % 50,
        1 + number % 12,
        1 + number % 28
    )
}
