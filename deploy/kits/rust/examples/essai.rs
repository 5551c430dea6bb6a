//! A consumer made to fail, for `../../test.sh`: `ESSAI_KILL` and `ESSAI_FAIL` each name an event, as PERSON:SEQUENCE.
//!
//! KILL: kill -9 of this process between the write and the acknowledgement. FAIL: the tool fails three times, so the
//! queue gets it back once.

use dlnuf_client::{
    Change, Consumer, Decision, Failure, FileStore, Gap, Marks, Person, Settings, Store, Tool,
};
use std::env;
use std::error::Error;
use std::io;
use std::process::Command;
use std::time::Duration;
use tokio::sync::watch;

struct Killing {
    file: FileStore,
    at: String,
}

impl Store for Killing {
    fn person(&self, person: &str) -> io::Result<Option<Person>> {
        self.file.person(person)
    }
    fn snapshot(&self, snapshot: &str) -> io::Result<Option<Marks>> {
        self.file.snapshot(snapshot)
    }
    fn unseen(&self, snapshot: &str) -> io::Result<Vec<String>> {
        self.file.unseen(snapshot)
    }
    fn write(&mut self, decision: &Decision, gone: &[String]) -> io::Result<()> {
        self.file.write(decision, gone)?;
        let written = decision.write.as_ref().map(|write| format!("{}:{}", decision.person, write.last));
        if written.as_ref() == Some(&self.at) {
            // The shell waits for no answer of ours: nothing is acknowledged after this.
            Command::new("kill").args(["-9", &std::process::id().to_string()]).status()?;
        }
        Ok(())
    }
}

struct Failing {
    at: String,
    failures: u8,
}

impl Tool for Failing {
    async fn on_change(&mut self, change: &Change<'_>) -> Result<(), Failure> {
        let sequence = change.event.get("sequence").and_then(|rank| rank.as_str()?.parse::<u64>().ok());
        if self.failures > 0 && self.at == format!("{}:{}", change.person, sequence.unwrap_or_default()) {
            self.failures -= 1;
            return Err(Failure::Again("invented".into()));
        }
        let name = change.event["type"].as_str().unwrap_or_default().trim_start_matches("fr.dlnuf.");
        let told = if change.state.is_some() { change.changed.join(" ") } else { "erased".into() };
        println!("{name} {} {told}", change.person);
        Ok(())
    }

    async fn on_gap(&mut self, gap: &Gap) -> Result<(), Failure> {
        if let Gap::Person { person, last, sequence } = gap {
            println!("gap {person} {} {sequence}", last.unwrap_or_default());
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut settings = Settings::new(&env::var("DLNUF_AMQP_URL")?, &env::var("DLNUF_QUEUE")?)?;
    settings.patience = Duration::from_secs(2);
    let store =
        Killing { file: FileStore::open(env::var("DLNUF_TOOL_STORE")?)?, at: env::var("ESSAI_KILL")? };
    let tool = Failing { at: env::var("ESSAI_FAIL")?, failures: 3 };
    let (_stop, stopped) = watch::channel(false);
    Consumer::new(settings, store, tool, stopped).run().await;
    Ok(())
}
