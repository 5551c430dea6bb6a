//! `dlnuf runs` and `rejects`.

use anyhow::Context;
use clap::Args;
use hub_core::delivery::{Counts, RunId, Status};
use hub_core::record::Position;
use hub_core::reject::Reject;
use hub_core::store::Run;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::language::{either, name, status};
use super::{Exit, Output, show};
use crate::installation;
use crate::settings::Settings;

/// Arguments of the lists.
#[derive(Debug, Args)]
pub struct List {
    /// How many at most
    #[arg(long, default_value_t = 20)]
    pub(super) limit: u32,
}

/// Arguments of `rejects`.
#[derive(Debug, Args)]
pub struct Rejects {
    /// The run; the latest one with refused records when left out
    run: Option<Uuid>,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

impl List {
    /// Lists runs.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn runs(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let store = installation::open_existing(settings, &installation::canon()?).await?;
        let mut runs = Vec::new();
        for run in store.runs(self.limit).await? {
            let delivery = store.delivery(run.delivery).await?;
            runs.push((run, delivery.and_then(|delivery| delivery.filename)));
        }
        if output == Output::Json {
            for (run, file) in &runs {
                show::json_line(&json!({
                    "run": run.id, "delivery": run.delivery, "file": file, "source": run.source, "mapping": run.mapping,
                    "status": run.status, "started_at": run.started_at.to_string(),
                    "ended_at": run.ended_at.map(|t| t.to_string()), "counts": run.counts, "warnings": show::in_words(&run.warnings),
                }));
            }
            return Ok(Exit::Done);
        }
        for (run, file) in runs {
            told(&run, name(file.as_deref()));
        }
        Ok(Exit::Done)
    }
}

/// An instant as people read it, in UTC.
pub(super) fn minutes(at: Timestamp) -> String {
    at.to_string().get(..16).unwrap_or_default().replace('T', " ")
}

/// Three lines a run, so that its identifier stands whole in any terminal.
fn told(run: &Run, file: &str) {
    let counts = &run.counts;
    let started = minutes(run.started_at);
    let codes: Vec<String> = run.warnings.iter().map(|warning| warning.code.to_string()).collect();
    let why = if run.status == Status::Held { format!(" {}", codes.join(" ")) } else { String::new() };
    show::line(format_args!("{}  {started} UTC  {}{why}", run.id, status(run.status)));
    show::line(format_args!("  {file}  {}", run.mapping));
    let Counts { records, changed, gone, rejected, events, .. } = counts;
    show::line(either(
        format_args!(
            "  enregistrements : {records} ; changés : {changed} ; partis : {gone} ; refusés : {rejected} ; événements : {events}"
        ),
        format_args!(
            "  {records} records, {changed} changed, {gone} gone, {rejected} refused, {events} events"
        ),
    ));
}

/// Where a refused record stands and why, in as many lines as any terminal needs.
fn refused(reject: &Reject) {
    let Position { number, line, .. } = reject.position;
    let field = reject.field.as_deref().unwrap_or_default();
    let place = either("enregistrement", "record");
    let of_line = either("ligne", "line");
    show::line(format_args!("  {place} {number}, {of_line} {line}  {} {field}", reject.code));
    show::line(format_args!("    {}", show::detail(reject.code, &reject.detail)));
}

impl Rejects {
    /// Lists a run's refused records: where and why, never what they hold.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let store = installation::open_existing(settings, &installation::canon()?).await?;
        let run = match self.run {
            Some(id) => Some(RunId(id)),
            None => store.runs(50).await?.into_iter().find(|run| run.counts.rejected > 0).map(|run| run.id),
        };
        let Some(run) = run else {
            eprintln!(
                "{}",
                either("aucun traitement n'a d'enregistrement refusé", "no run has refused records")
            );
            return Ok(Exit::Done);
        };
        let known = store.run(run).await?;
        let known = known.with_context(|| format!("there is no run `{run}`; `dlnuf runs` lists them"))?;
        let rejects = store.rejects(run, 0, self.limit).await?;
        if output == Output::Json {
            for r in &rejects {
                show::json_line(&json!({
                    "run": run, "record": r.position.number, "line": r.position.line, "byte": r.position.byte,
                    "stage": r.stage, "code": r.code, "field": r.field, "detail": r.detail,
                    "remede": r.code.entry().fr.remedy, "remedy": r.code.entry().en.remedy,
                }));
            }
            return Ok(Exit::Done);
        }
        let file = store.delivery(known.delivery).await?.and_then(|delivery| delivery.filename);
        let file = name(file.as_deref());
        let mapping = &known.mapping;
        if rejects.is_empty() {
            show::line(either(
                format_args!("{file} : le traitement {run} n'a refusé aucun enregistrement"),
                format_args!("{file}: run {run} refused no record"),
            ));
            return Ok(Exit::Done);
        }
        show::line(either(
            format_args!("{file}, refusés par le traitement {run} ({mapping}) :"),
            format_args!("{file}, refused by run {run} ({mapping}):"),
        ));
        rejects.iter().for_each(refused);
        show::remedies(rejects.iter().map(|reject| reject.code));
        let shown = rejects.len() as u64;
        if shown < known.counts.rejected {
            let (more, all) = (known.counts.rejected - shown, known.counts.rejected);
            show::line(format_args!("{more} {} --limit {all}", either("de plus :", "more:")));
        }
        Ok(Exit::Done)
    }
}
