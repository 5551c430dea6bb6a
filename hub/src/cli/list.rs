//! `dlnuf deliveries`, `runs` and `rejects`.

use anyhow::Context;
use clap::Args;
use hub_core::delivery::{RunId, Status};
use hub_core::store::Run;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{Exit, Output, language, show};
use crate::installation;
use crate::settings::Settings;

/// Arguments of the lists.
#[derive(Debug, Args)]
pub struct List {
    /// How many at most
    #[arg(long, default_value_t = 20)]
    limit: u32,
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
    /// Lists deliveries.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn deliveries(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let store = installation::open_existing(settings, &installation::canon()?).await?;
        let deliveries = store.deliveries(self.limit).await?;
        if output == Output::Json {
            for d in &deliveries {
                show::json_line(&json!({
                    "delivery": d.id, "source": d.source, "digest": d.digest.to_string(), "size_bytes": d.size_bytes,
                    "filename": d.filename, "received_at": d.received_at.to_string(),
                }));
            }
            return Ok(Exit::Done);
        }
        let rows = deliveries.into_iter().map(|d| {
            vec![
                d.id.to_string(),
                d.source,
                d.filename.unwrap_or_default(),
                d.size_bytes.to_string(),
                minutes(d.received_at),
            ]
        });
        show::table(&["delivery", "source", "file", "bytes", "received (UTC)"], rows.collect());
        Ok(Exit::Done)
    }

    /// Lists runs.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn runs(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let store = installation::open_existing(settings, &installation::canon()?).await?;
        let runs = store.runs(self.limit).await?;
        if output == Output::Json {
            for run in &runs {
                show::json_line(&json!({
                    "run": run.id, "delivery": run.delivery, "source": run.source, "mapping": run.mapping,
                    "status": run.status, "started_at": run.started_at.to_string(),
                    "ended_at": run.ended_at.map(|t| t.to_string()), "counts": run.counts, "warnings": run.warnings,
                }));
            }
            return Ok(Exit::Done);
        }
        for run in runs {
            told(&run);
        }
        Ok(Exit::Done)
    }
}

/// An instant as people read it, in UTC.
fn minutes(at: Timestamp) -> String {
    at.to_string().get(..16).unwrap_or_default().replace('T', " ")
}

/// Two lines a run, so that its identifier stands whole in any terminal.
fn told(run: &Run) {
    let counts = &run.counts;
    let started = minutes(run.started_at);
    let codes: Vec<String> = run.warnings.iter().map(|warning| warning.code.to_string()).collect();
    let why = if run.status == Status::Held { format!(" {}", codes.join(" ")) } else { String::new() };
    show::line(format_args!("{}  {started} UTC  {}{why}", run.id, run.status.word().replace('_', " ")));
    show::line(format_args!(
        "  {}  {} records, {} changed, {} gone, {} refused, {} events",
        run.mapping, counts.records, counts.changed, counts.gone, counts.rejected, counts.events
    ));
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
            eprintln!("no run has refused records");
            return Ok(Exit::Done);
        };
        let known = store.run(run).await?;
        let known = known.with_context(|| format!("there is no run `{run}`; `dlnuf runs` lists them"))?;
        let rejects = store.rejects(run, self.limit).await?;
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
        let rows = rejects.into_iter().map(|r| {
            let position = r.position;
            vec![
                position.number.to_string(),
                position.line.to_string(),
                r.code.to_string(),
                r.field.unwrap_or_default(),
                r.detail,
                language::told(r.code.entry()).remedy.clone(),
            ]
        });
        show::line(format_args!("refused by run {run} ({}):", known.mapping));
        let shown = rows.len() as u64;
        show::table(&["record", "line", "code", "field", "why", "what to do"], rows.collect());
        if shown < known.counts.rejected {
            show::line(format_args!(
                "{} more: --limit {}",
                known.counts.rejected - shown,
                known.counts.rejected
            ));
        }
        Ok(Exit::Done)
    }
}
