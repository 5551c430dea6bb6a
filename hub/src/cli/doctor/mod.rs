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

use super::language::{counted, either};
use super::{Exit, Output, show};
use crate::archive::private_folder;
use crate::measuring::count;
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
        let none = either(
            "aucune encore : le premier `dlnuf deliver` la crée",
            "none yet: the first `dlnuf deliver` makes it",
        );
        findings.push(good("store", none));
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

fn start_the_store() -> &'static str {
    either(
        "démarrez le serveur, ou corrigez --store / DLNUF_STORE",
        "start the server, or correct --store / DLNUF_STORE",
    )
}

/// What to do about a store that does not open.
fn remedy(settings: &Settings, error: &anyhow::Error) -> &'static str {
    let unreadable =
        error.chain().any(|cause| matches!(cause.downcast_ref(), Some(StoreError::Unreadable { .. })));
    if unreadable || !settings.key().exists() {
        either(
            "remettez à côté de la base la clé avec laquelle elle a été écrite ; sans elle rien ne se lit",
            "put the key the store was written with beside it; without it nothing can be read",
        )
    } else if settings.embedded_store().is_some() {
        either(
            "rendez le fichier et son dossier lisibles et modifiables par l'utilisateur du hub",
            "make the file and its folder readable and writable by the hub's own user",
        )
    } else {
        start_the_store()
    }
}

async fn within<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .map_err(|_| anyhow::anyhow!("{} {PATIENCE:?}", either("pas de réponse en", "no answer within")))?
}

fn good(part: impl Into<String>, found: impl Into<String>) -> Finding {
    Finding { part: part.into(), health: Health::Good, found: found.into(), remedy: String::new() }
}

fn look(part: impl Into<String>, found: impl Into<String>, remedy: &str) -> Finding {
    Finding { part: part.into(), health: Health::Look, found: found.into(), remedy: remedy.to_owned() }
}

fn bad(part: impl Into<String>, error: &anyhow::Error, remedy: &str) -> Finding {
    let found = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Finding { part: part.into(), health: Health::Bad, found, remedy: remedy.to_owned() }
}

fn home(home: &Path) -> Finding {
    let written = private_folder(home).and_then(|()| tempfile::tempfile_in(home));
    let open = std::fs::metadata(home).is_ok_and(|folder| readable_by_others(&folder));
    let place = home.display();
    match written {
        Ok(_) if open => {
            let found = either(
                format!(
                    "d'autres utilisateurs peuvent voir dans `{place}`, et l'archive tient les extraits en clair"
                ),
                format!(
                    "`{place}` can be looked into by other users, and the archive holds extracts in clear"
                ),
            );
            look("home", found, "chmod 700")
        }
        Ok(_) => {
            good("home", either(format!("`{place}` peut être écrit"), format!("`{place}` can be written")))
        }
        Err(error) => {
            let remedy = either(
                "rendez le dossier modifiable, ou choisissez-en un autre par --home",
                "make the folder writable, or choose another with --home",
            );
            bad("home", &error.into(), remedy)
        }
    }
}

fn key(settings: &Settings) -> Finding {
    let path = settings.key();
    let place = path.display();
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => good(
            "key",
            either("aucune encore : elle est créée avec une base", "none yet: made together with a store"),
        ),
        Err(error) => {
            let remedy = either(
                "rendez la clé lisible par l'utilisateur du hub",
                "make the key readable by the hub's own user",
            );
            bad("key", &error.into(), remedy)
        }
        Ok(metadata) if readable_by_others(&metadata) => look(
            "key",
            either(
                format!("`{place}` peut être lu par d'autres utilisateurs"),
                format!("`{place}` can be read by other users"),
            ),
            either(
                "chmod 600, et tenez-la pour connue : ce qu'elle protège ne l'est plus",
                "chmod 600, and consider it known: data sealed with it is not protected any more",
            ),
        ),
        Ok(_) => good(
            "key",
            either(
                format!("`{place}` est privé ; gardez-en une copie à part des sauvegardes"),
                format!("`{place}` is private; keep a copy apart from the backups"),
            ),
        ),
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
            let error = anyhow::anyhow!(either("il n'y a pas de correspondance", "there is no mapping"));
            let remedy = either(
                "nommez un dossier de correspondances, ou omettez `--mappings` pour celles du programme",
                "name a folder of mappings, or leave `--mappings` out for those built in",
            );
            bad("mappings", &error, remedy)
        }
        Ok(catalogue) => {
            let sources = catalogue.sources().join(", ");
            let count = catalogue.iter().count();
            good("mappings", format!("{count} {} {sources}", either("pour", "for")))
        }
        Err(error) => {
            let remedy = either(
                "dlnuf mapping lint montre chaque faute à sa place",
                "dlnuf mapping lint shows each mistake where it stands",
            );
            bad("mappings", &error, remedy)
        }
    }
}

async fn stored(settings: &Settings, store: &Arc<dyn Store>) -> Vec<Finding> {
    match within(async { Ok((store.sizes().await?, store.waiting().await?, store.runs(RUNS).await?)) }).await
    {
        Err(error) => vec![bad("store", &error, start_the_store())],
        Ok(((persons, claims, events), waiting, runs)) => {
            let found = either(
                format!("{persons} personnes, {claims} déclarations, {events} événements au journal"),
                format!("{persons} persons, {claims} claims, {events} events in the journal"),
            );
            let taken = |run: &Run| matches!(run.status, Status::Done | Status::DoneWithRejects);
            let taken: HashSet<_> = runs.iter().filter(|run| taken(run)).map(|run| run.delivery).collect();
            let open = |run: &Run| matches!(run.status, Status::Running | Status::Halted);
            let stopped = runs.iter().filter(|run| open(run) && !taken.contains(&run.delivery));
            let mut findings = vec![good("store", found), outbox(settings, waiting)];
            let stopped: Vec<String> = stopped.map(|run| run.delivery.to_string()).collect();
            if let Some(delivery) = stopped.first() {
                let count = stopped.len();
                findings.push(look(
                    "runs",
                    either(
                        format!("{count} sans fin : en cours, ou interrompus"),
                        format!("{count} not ended: running, or interrupted"),
                    ),
                    &either(
                        format!("si aucun n'est au travail : dlnuf replay delivery {delivery}"),
                        format!("if none is at work: dlnuf replay delivery {delivery}"),
                    ),
                ));
            }
            findings.extend(outgrown(settings, persons));
            findings.push(archived(settings, store.as_ref()).await);
            findings
        }
    }
}

/// The store has outgrown the population who is who is decided for: namesakes would be taken for one person.
fn outgrown(settings: &Settings, persons: u64) -> Option<Finding> {
    let declared = installation::mapping_files(settings).ok()?.declaration().ok()?.population;
    let found = either(
        format!("`population` vaut {declared} dans `identite.yaml`, et la base tient {persons} personnes"),
        format!("`population` is {declared} in `identite.yaml`, and the store holds {persons} persons"),
    );
    let remedy = either(
        "dlnuf identity train --write DOSSIER/identite.yaml, puis --mappings DOSSIER (fait par mapping export)",
        "dlnuf identity train --write DIR/identite.yaml, then --mappings DIR (made by mapping export)",
    );
    (count(persons) > 2.0 * declared).then(|| look("identity", found, remedy))
}

fn outbox(settings: &Settings, waiting: u64) -> Finding {
    let waits =
        counted(waiting, ["événement attend", "événements attendent"], ["event waits", "events wait"]);
    let found = format!("{waits} {}", either("le courtier", "for the broker"));
    match (waiting, &settings.broker) {
        (0, _) => good("outbox", found),
        (_, None) => {
            let none = either(
                ", et aucun n'est réglé : on lit le journal",
                ", and none is set: readers use the journal",
            );
            good("outbox", found + none)
        }
        _ => look("outbox", found, either("dlnuf serve les publie", "dlnuf serve publishes them")),
    }
}

/// Reads the latest delivery's bytes back and compares their digest.
async fn archived(settings: &Settings, store: &dyn Store) -> Finding {
    let latest = match store.deliveries(1).await {
        Ok(mut deliveries) => deliveries.pop(),
        Err(error) => return bad("archive", &error.into(), either("voyez la base", "see the store")),
    };
    let Some(delivery) = latest else { return good("archive", either("vide", "empty")) };
    let archive = match installation::open_archive(settings) {
        Ok(archive) => archive,
        Err(error) => {
            return bad(
                "archive",
                &error,
                either("corrigez --archive / DLNUF_ARCHIVE", "correct --archive / DLNUF_ARCHIVE"),
            );
        }
    };
    let id = delivery.id;
    let read = tokio::task::spawn_blocking(move || unchanged(archive.as_ref(), &delivery)).await;
    match read {
        Ok(Ok(true)) => good(
            "archive",
            either(
                format!("la dernière livraison, `{id}`, se relit sans changement"),
                format!("the latest delivery, `{id}`, reads back unchanged"),
            ),
        ),
        Ok(Ok(false)) => {
            let error = anyhow::anyhow!(either(
                format!("les octets de la livraison `{id}` ne sont plus ceux qui sont arrivés"),
                format!("the bytes of delivery `{id}` are not those that arrived"),
            ));
            let remedy = either(
                "restaurez l'archive d'une sauvegarde ; redemandez l'extrait à l'institution",
                "restore the archive from a backup; ask the institution for the extract again",
            );
            bad("archive", &error, remedy)
        }
        Ok(Err(error)) => {
            let remedy = either(
                "corrigez --archive / DLNUF_ARCHIVE, ou restaurez-la d'une sauvegarde",
                "correct --archive / DLNUF_ARCHIVE, or restore it from a backup",
            );
            bad("archive", &error.into(), remedy)
        }
        Err(error) => bad("archive", &error.into(), either("réessayez", "try again")),
    }
}

fn unchanged(archive: &dyn Archive, delivery: &Delivery) -> io::Result<bool> {
    let bytes = archive.open(delivery.digest)?;
    let digest = blake3::Hasher::new().update_reader(bytes)?.finalize();
    Ok(*digest.as_bytes() == delivery.digest.0)
}

async fn connected(settings: &Settings) -> Finding {
    let Some(url) = &settings.broker else {
        let none = either(
            "aucun : les événements se lisent au journal ou par HTTP",
            "none: events are read from the journal or over HTTP",
        );
        return good("broker", none);
    };
    let remedy = either(
        "démarrez le courtier, ou corrigez --broker / DLNUF_BROKER",
        "start the broker, or correct --broker / DLNUF_BROKER",
    );
    let opened = async { Ok(broker::at(url)?.open().await?) };
    match within(opened).await {
        Ok(_) => good(
            "broker",
            either(
                "répond ; l'échange et les files sont déclarés",
                "answers; exchange and queues are declared",
            ),
        ),
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
    let rows = findings.iter().map(|f| {
        let shown = either(in_french(f.health), word(f.health)).to_owned();
        vec![named(&f.part).to_owned(), shown, f.found.clone(), f.remedy.clone()]
    });
    show::table(
        &either(["partie", "", "constat", "que faire"], ["part", "", "found", "what to do"]),
        rows.collect(),
    );
}

fn in_french(health: Health) -> &'static str {
    match health {
        Health::Good => "bon",
        Health::Look => "à voir",
        Health::Bad => "ÉCHEC",
    }
}

/// A part as the reader calls it; programs know it by its English name.
fn named(part: &str) -> &str {
    let french = match part {
        "home" => "dossier",
        "key" => "clé",
        "mappings" => "correspondances",
        "store" => "base",
        "identity" => "identité",
        "outbox" => "envois",
        "runs" => "traitements",
        "broker" => "courtier",
        _ => part,
    };
    either(french, part)
}
