//! `dlnuf deliveries`: what came and how it stands; `release` and `refuse` decide of what is held, `receipt` tells the sender.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use hub_core::code::Code;
use hub_core::delivery::{DeliveryId, Status};
use hub_core::pipeline::{Order, Pipeline};
use serde_json::json;
use uuid::Uuid;

use super::deliver::{Bar, exit_of, publish};
use super::language::{Said, counted, either, name, status};
use super::list::{List, minutes};
use super::signature::Signature;
use super::{Exit, Output, show};
use crate::correction;
use crate::decision::{Decision, DecisionError, Verdict, decide, released};
use crate::installation;
use crate::receipt::{Summary, csv, json as receipt, refused};
use crate::settings::Settings;

/// Arguments of `deliveries`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Deliveries {
    #[command(flatten)]
    list: List,
    #[command(subcommand)]
    action: Option<Action>,
}

/// What is done with one delivery.
#[derive(Debug, Subcommand)]
enum Action {
    /// Apply a held delivery in spite of what holds it; runs it at once
    Release(Decide),
    /// Set a held delivery aside for good
    Refuse(Decide),
    /// Show the receipt of a delivery, as its sender gets it
    Receipt(Receipt),
}

/// Arguments of a decision.
#[derive(Debug, Args)]
struct Decide {
    /// The delivery (`dlnuf deliveries`)
    id: Uuid,
    /// Why, for whoever asks later; the institution is not told
    #[arg(long)]
    note: String,
    /// What the institution is told of it, on its receipt
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    signature: Signature,
}

/// Arguments of `receipt`.
#[derive(Debug, Args)]
struct Receipt {
    /// The delivery
    id: Uuid,
    /// As a table for a spreadsheet instead of JSON
    #[arg(long)]
    csv: bool,
    /// Write the refused records into this new file, in the delivery's own format, to be mended and delivered again
    #[arg(long, value_name = "FILE", conflicts_with = "csv")]
    refused: Option<PathBuf>,
}

impl Deliveries {
    /// Runs the command.
    ///
    /// # Errors
    /// When the store fails, or there is no such delivery.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        match self.action {
            None => list(self.list, settings, output).await,
            Some(Action::Release(which)) => which.run(Verdict::Released, settings, output).await,
            Some(Action::Refuse(which)) => which.run(Verdict::Refused, settings, output).await,
            Some(Action::Receipt(which)) => which.run(settings).await,
        }
    }
}

async fn list(list: List, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
    let store = installation::open_existing(settings, &installation::canon()?).await?;
    for delivery in store.deliveries(list.limit).await? {
        let summary =
            Summary::of(store.as_ref(), delivery.id).await?.context("a listed delivery has a row")?;
        let d = &summary.delivery;
        if output == Output::Json {
            show::json_line(&json!({
                "delivery": d.id, "source": d.source, "digest": d.digest.to_string(), "size_bytes": d.size_bytes,
                "filename": d.filename, "received_at": d.received_at.to_string(), "state": summary.state(),
            }));
            continue;
        }
        show::line(format_args!("{}  {} UTC  {}", d.id, minutes(d.received_at), d.source));
        let (name, size) =
            (name(d.filename.as_deref()), counted(d.size_bytes, ["octet", "octets"], ["byte", "bytes"]));
        show::line(format_args!("  {name}, {size}{} {}", either(" :", ":"), state(&summary)));
    }
    Ok(Exit::Done)
}

/// How a delivery stands, for operators.
fn state(summary: &Summary) -> String {
    let refused = summary.decision.as_ref().is_some_and(|decision| decision.verdict == Verdict::Refused);
    match &summary.run {
        None => either("attend son tour", "waits for its run").to_owned(),
        Some(run) if run.status == Status::Held && refused => either("écartée", "refused").to_owned(),
        Some(run) if run.status == Status::Held => {
            let codes: Vec<String> = run.warnings.iter().map(|warning| warning.code.to_string()).collect();
            format!("{} {}", status(run.status), codes.join(" "))
        }
        Some(run) => status(run.status),
    }
}

impl Decide {
    async fn run(self, verdict: Verdict, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let why = || either("`--note` dit pourquoi, en quelques mots", "`--note` says why, in a few words");
        anyhow::ensure!(!self.note.trim().is_empty(), why());
        let pipeline = installation::pipeline(settings).await?;
        let Self { id, note, message, signature } = self;
        let by = signature.name();
        let decision = Decision { verdict, note, message, by, at: pipeline.clock.now() };
        let decided = decide(pipeline.store.as_ref(), DeliveryId(id), &decision).await;
        let delivery = decided.map_err(in_words)?;
        if verdict == Verdict::Refused {
            if output == Output::Json {
                show::json_line(&json!({ "delivery": id, "status": "refused" }));
            } else {
                let id = delivery.id;
                show::line(either(
                    format_args!("{id} est écartée ; rien n'en a été intégré"),
                    format_args!("{id} is set aside; nothing of it was applied"),
                ));
            }
            return Ok(Exit::Done);
        }
        let sources = installation::sources(settings, &pipeline.catalogue)?;
        let named = delivery.filename.clone().unwrap_or_else(|| delivery.id.to_string());
        let store = pipeline.store.as_ref();
        let corrects = correction::of(store, &delivery).await?;
        let order = released(store, Order { corrects, ..sources.order(delivery) }).await?;
        let report = pipeline.run(order, &Bar::new(output)).await?;
        show::report(&report, &named, output)?;
        publish(settings, &pipeline, output).await?;
        Ok(exit_of(report.status))
    }
}

impl Receipt {
    async fn run(self, settings: &Settings) -> anyhow::Result<Exit> {
        let pipeline = installation::pipeline(settings).await?;
        let store = pipeline.store.as_ref();
        let summary = Summary::of(store, DeliveryId(self.id)).await?;
        let summary = summary.ok_or_else(|| unknown(DeliveryId(self.id)))?;
        if let Some(file) = &self.refused {
            let numbers = summary.refused_numbers(store).await?;
            let none = || {
                let id = self.id;
                either(
                    format!("aucun enregistrement de `{id}` n'a été refusé"),
                    format!("no record of `{id}` was refused"),
                )
            };
            anyhow::ensure!(!numbers.is_empty(), none());
            return records(&pipeline, &summary, (&numbers, file));
        }
        let mut out = Vec::new();
        if self.csv {
            csv::write(store, &summary, &mut out).await?;
        } else {
            receipt::write(store, &summary, &mut out).await?;
        }
        match io::stdout().write_all(&out) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(Exit::Done),
        }
    }
}

fn records(
    pipeline: &Pipeline,
    summary: &Summary,
    (numbers, file): (&BTreeSet<u64>, &PathBuf),
) -> anyhow::Result<Exit> {
    let kind = summary.run.as_ref().map(hub_core::store::Run::kind).unwrap_or_default();
    let mapping = pipeline.catalogue.named(kind);
    let gone = || {
        either(
            format!("la correspondance `{kind}` n'existe plus"),
            format!("the mapping `{kind}` is there no more"),
        )
    };
    let mapping = mapping.with_context(gone)?;
    let place = file.display();
    let writing = || either(format!("écriture de `{place}`"), format!("writing `{place}`"));
    let mut out = File::create_new(file).with_context(writing)?;
    let (archive, formats) = (pipeline.archive.as_ref(), pipeline.formats.as_ref());
    let from = (archive, summary.delivery.digest);
    refused::write(from, (formats, &mapping.dialect), numbers, &mut out)?;
    out.sync_all()?;
    let count = counted(numbers.len() as u64, ["enregistrement", "enregistrements"], ["record", "records"]);
    let (source, id) = (&summary.delivery.source, summary.delivery.id);
    let next = format!("dlnuf deliver {source} {place} --corrects {id}");
    show::line(either(
        format_args!("{count} dans {place} ; une fois corrigés : {next}"),
        format_args!("{count} in {place}; mend them, then: {next}"),
    ));
    Ok(Exit::Done)
}

/// Why nothing could be decided.
fn in_words(error: DecisionError) -> anyhow::Error {
    match error {
        DecisionError::Unknown(id) => unknown(id).into(),
        DecisionError::NotHeld { delivery, found } => Said::either(
            Code::NotHeld,
            format!("la livraison `{delivery}` n'est pas retenue : {}", in_french(&found)),
            format!("delivery `{delivery}` is not held: {found}"),
        )
        .into(),
        error @ DecisionError::Store(_) => error.into(),
    }
}

fn unknown(id: DeliveryId) -> Said {
    Said::either(
        Code::NotFound,
        format!("il n'y a pas de livraison `{id}` ; `dlnuf deliveries` les liste"),
        format!("there is no delivery `{id}`; `dlnuf deliveries` lists them"),
    )
}

/// The word of a run or of a decision, in French.
fn in_french(found: &str) -> &str {
    match found {
        "never run" => "pas encore traitée",
        "running" => "en cours",
        "done" => "intégrée",
        "done with rejects" => "intégrée avec rejets",
        "halted" => "interrompue",
        "released" => "déjà relâchée",
        "refused" => "déjà écartée",
        _ => found,
    }
}
