//! Prints what a subscription tells: persons and names of fields, values only with `--values`.
//!
//!     DLNUF_AMQP_URL=amqp://… DLNUF_QUEUE=dlnuf.abonne.mon-outil cargo run --example print -- [--values]

use dlnuf_client::{Change, Consumer, Failure, Fields, FileStore, Gap, Settings, Tool};
use std::env;
use std::error::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

struct Printer {
    values: bool,
}

impl Tool for Printer {
    async fn on_change(&mut self, change: &Change<'_>) -> Result<(), Failure> {
        let name = change.event["type"].as_str().unwrap_or_default().trim_start_matches("fr.dlnuf.");
        match change.state {
            None => println!("{name} {} erased", change.person),
            Some(state) => println!("{name} {} {}", change.person, self.shown(change.changed, state)),
        }
        Ok(())
    }

    async fn on_gap(&mut self, gap: &Gap) -> Result<(), Failure> {
        match gap {
            // Here: ask the hub to repair this person.
            Gap::Person { person, last, sequence } => {
                println!("gap {person} {} {sequence}", last.unwrap_or_default());
            }
            // Here: ask the hub for another snapshot.
            Gap::Snapshot { snapshot, read, persons } => println!("gap snapshot {snapshot} {read} {persons}"),
        }
        Ok(())
    }
}

impl Printer {
    fn shown(&self, changed: &[String], state: &Fields) -> String {
        let null = serde_json::Value::Null;
        let value = |field: &String| format!("{field}={}", state.get(field).unwrap_or(&null));
        let fields = changed.iter().map(|field| if self.values { value(field) } else { field.clone() });
        fields.collect::<Vec<_>>().join(" ")
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (Ok(url), Ok(queue)) = (env::var("DLNUF_AMQP_URL"), env::var("DLNUF_QUEUE")) else {
        return Err("set DLNUF_AMQP_URL and DLNUF_QUEUE".into());
    };
    let path = env::var("DLNUF_TOOL_STORE").unwrap_or_else(|_| "dlnuf.jsonl".into());
    let tool = Printer { values: env::args().any(|argument| argument == "--values") };
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(Consumer::new(Settings::new(&url, &queue)?, FileStore::open(path)?, tool, stopped).run());
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    stop.send(true)?;
    stop.closed().await;
    Ok(())
}
