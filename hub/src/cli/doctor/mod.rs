//! `dlnuf doctor`: tries each part a night needs, as a night would, and says what to do about what fails.
//!
//! Settings enter, one finding per part leaves; nothing of a person is read.

mod sources;

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hub_core::archive::Archive;
use hub_core::canonical::Canon;
use hub_core::delivery::{Delivery, Status};
use hub_core::store::{Run, Store, StoreError};
use serde_json::json;

use super::{Exit, Output, show};
use crate::archive::private_folder;
use crate::settings::Settings;
use crate::{broker, installation};

/// Longest wait for one part.
const PATIENCE: Duration = Duration::from_secs(10);
/// Runs looked at for one that was interrupted.
const RUNS: u32 = 100;

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    /// Works, but somebody should look.
    Look,
    Bad,
}

/// What was found of one part.
struct Finding {
    part: String,
    health: Health,
    found: String,
    remedy: String,
}

/// Runs the command.
///
/// # Errors
/// When the built-in schema is broken; everything else is a finding.
pub async fn run(settings: &Settings, output: Output) -> anyhow::Result<Exit> {
    let canon = installation::canon()?;
    let mut findings = vec![home(&settings.home), key(settings), mappings(settings, &canon)];
    let mut opened = None;
    if settings.embedded_store().is_some_and(|path| !path.exists()) {
        findings.push(good("store", "none yet: the first `dlnuf deliver` makes it".to_owned()));
    } else {
        match within(Box::pin(installation::open_store(settings, &canon))).await {
            Ok(store) => {
                findings.extend(stored(settings, &store).await);
                opened = Some(store);
            }
            Err(error) => findings.push(bad("store", &error, remedy(settings, &error))),
        }
    }
    findings.push(connected(settings).await);
    findings.extend(sources::tried(settings, &canon, opened).await);
    tell(&findings, output);
    let ill = findings.iter().any(|finding| finding.health == Health::Bad);
    Ok(if ill { Exit::Failed } else { Exit::Done })
}

/// What to do about a store that does not open.
fn remedy(settings: &Settings, error: &anyhow::Error) -> &'static str {
    let unreadable =
        error.chain().any(|cause| matches!(cause.downcast_ref(), Some(StoreError::Unreadable { .. })));
    if unreadable || !settings.key().exists() {
        "put the key the store was written with beside it; without it nothing can be read"
    } else if settings.embedded_store().is_some() {
        "make the file and its folder readable and writable by the hub's own user"
    } else {
        "start the server, or correct --store / DLNUF_STORE"
    }
}

async fn within<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .map_err(|_| anyhow::anyhow!("no answer within {PATIENCE:?}"))?
}

fn good(part: impl Into<String>, found: String) -> Finding {
    Finding { part: part.into(), health: Health::Good, found, remedy: String::new() }
}

fn look(part: impl Into<String>, found: String, remedy: &str) -> Finding {
    Finding { part: part.into(), health: Health::Look, found, remedy: remedy.to_owned() }
}

fn bad(part: impl Into<String>, error: &anyhow::Error, remedy: &str) -> Finding {
    let found = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Finding { part: part.into(), health: Health::Bad, found, remedy: remedy.to_owned() }
}

fn home(home: &Path) -> Finding {
    let written = private_folder(home).and_then(|()| tempfile::tempfile_in(home));
    let open = std::fs::metadata(home).is_ok_and(|folder| readable_by_others(&folder));
    match written {
        Ok(_) if open => look(
            "home",
            format!(
                "`{}` can be looked into by other users, and the archive holds extracts in clear",
                home.display()
            ),
            "chmod 700",
        ),
        Ok(_) => good("home", format!("`{}` can be written", home.display())),
        Err(error) => bad("home", &error.into(), "make the folder writable, or choose another with --home"),
    }
}

fn key(settings: &Settings) -> Finding {
    let path = settings.key();
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            good("key", "none yet: made together with a store".to_owned())
        }
        Err(error) => bad("key", &error.into(), "make the key readable by the hub's own user"),
        Ok(metadata) if readable_by_others(&metadata) => look(
            "key",
            format!("`{}` can be read by other users", path.display()),
            "chmod 600, and consider it known: data sealed with it is not protected any more",
        ),
        Ok(_) => good("key", format!("`{}` is private; keep a copy apart from the backups", path.display())),
    }
}

#[cfg(unix)]
fn readable_by_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_: &std::fs::Metadata) -> bool {
    false
}

fn mappings(settings: &Settings, canon: &Arc<Canon>) -> Finding {
    let compiled = installation::mapping_files(settings).and_then(|files| Ok(files.compile(canon)?));
    match compiled {
        Ok(catalogue) if catalogue.iter().next().is_none() => {
            let error = anyhow::anyhow!("there is no mapping");
            bad("mappings", &error, "name a folder of mappings, or leave `--mappings` out for those built in")
        }
        Ok(catalogue) => {
            let sources = catalogue.sources().join(", ");
            good("mappings", format!("{} for {sources}", catalogue.iter().count()))
        }
        Err(error) => bad("mappings", &error, "dlnuf mapping lint shows each mistake where it stands"),
    }
}

async fn stored(settings: &Settings, store: &Arc<dyn Store>) -> Vec<Finding> {
    match within(async { Ok((store.sizes().await?, store.waiting().await?, store.runs(RUNS).await?)) }).await
    {
        Err(error) => vec![bad("store", &error, "start the server, or correct --store / DLNUF_STORE")],
        Ok(((persons, claims, events), waiting, runs)) => {
            let found = format!("{persons} persons, {claims} claims, {events} events in the journal");
            let taken = |run: &Run| matches!(run.status, Status::Done | Status::DoneWithRejects);
            let taken: HashSet<_> = runs.iter().filter(|run| taken(run)).map(|run| run.delivery).collect();
            let open = |run: &Run| matches!(run.status, Status::Running | Status::Halted);
            let stopped = runs.iter().filter(|run| open(run) && !taken.contains(&run.delivery));
            let mut findings = vec![good("store", found), outbox(settings, waiting)];
            let stopped: Vec<String> = stopped.map(|run| run.delivery.to_string()).collect();
            if let Some(delivery) = stopped.first() {
                let found = format!("{} not ended: running, or interrupted", stopped.len());
                findings.push(look(
                    "runs",
                    found,
                    &format!("if none is at work: dlnuf replay delivery {delivery}"),
                ));
            }
            findings.push(archived(settings, store.as_ref()).await);
            findings
        }
    }
}

fn outbox(settings: &Settings, waiting: u64) -> Finding {
    let found = format!("{waiting} events wait for the broker");
    match (waiting, &settings.broker) {
        (0, _) => good("outbox", found),
        (_, None) => good("outbox", format!("{found}, and none is set: readers use the journal")),
        _ => look("outbox", found, "dlnuf serve publishes them"),
    }
}

/// Reads the latest delivery's bytes back and compares their digest.
async fn archived(settings: &Settings, store: &dyn Store) -> Finding {
    let latest = match store.deliveries(1).await {
        Ok(mut deliveries) => deliveries.pop(),
        Err(error) => return bad("archive", &error.into(), "see the store"),
    };
    let Some(delivery) = latest else { return good("archive", "empty".to_owned()) };
    let archive = match installation::open_archive(settings) {
        Ok(archive) => archive,
        Err(error) => return bad("archive", &error, "correct --archive / DLNUF_ARCHIVE"),
    };
    let id = delivery.id;
    let read = tokio::task::spawn_blocking(move || unchanged(archive.as_ref(), &delivery)).await;
    match read {
        Ok(Ok(true)) => good("archive", format!("the latest delivery, `{id}`, reads back unchanged")),
        Ok(Ok(false)) => {
            let error = anyhow::anyhow!("the bytes of delivery `{id}` are not those that arrived");
            bad(
                "archive",
                &error,
                "restore the archive from a backup; ask the institution for the extract again",
            )
        }
        Ok(Err(error)) => {
            bad("archive", &error.into(), "correct --archive / DLNUF_ARCHIVE, or restore it from a backup")
        }
        Err(error) => bad("archive", &error.into(), "try again"),
    }
}

fn unchanged(archive: &dyn Archive, delivery: &Delivery) -> io::Result<bool> {
    let bytes = archive.open(delivery.digest)?;
    let digest = blake3::Hasher::new().update_reader(bytes)?.finalize();
    Ok(*digest.as_bytes() == delivery.digest.0)
}

async fn connected(settings: &Settings) -> Finding {
    let Some(url) = &settings.broker else {
        return good("broker", "none: events are read from the journal or over HTTP".to_owned());
    };
    let remedy = "start the broker, or correct --broker / DLNUF_BROKER";
    let opened = async { Ok(broker::at(url)?.open().await?) };
    match within(opened).await {
        Ok(_) => good("broker", "answers; exchange and queues are declared".to_owned()),
        Err(error) => bad("broker", &error, remedy),
    }
}

fn tell(findings: &[Finding], output: Output) {
    let word = |health| match health {
        Health::Good => "ok",
        Health::Look => "look",
        Health::Bad => "FAILS",
    };
    if output == Output::Json {
        for finding in findings {
            let state = word(finding.health).to_lowercase();
            show::json_line(&json!({
                "part": finding.part, "state": state, "found": finding.found, "remedy": finding.remedy,
            }));
        }
        return;
    }
    let rows = findings
        .iter()
        .map(|f| vec![f.part.clone(), word(f.health).to_owned(), f.found.clone(), f.remedy.clone()]);
    show::table(&["part", "", "found", "what to do"], rows.collect());
}
