//! `dlnuf replay delivery|run|rejects ID`: archived bytes again, through the same path, after saying what that would change.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use hub_core::delivery::{Delivery, DeliveryId, RunId};
use hub_core::pipeline::{Order, Pipeline, Refused, Report};
use hub_core::rehearsal::Rehearsal;
use hub_core::store::{Run, Store};
use serde_json::json;
use uuid::Uuid;

use super::deliver::{Bar, exit_of, publish};
use super::{Exit, Output, show};
use crate::settings::Settings;
use crate::{correction, installation};

/// What is run again.
#[derive(Debug, Subcommand)]
pub enum Replay {
    /// A whole delivery, by its identifier (`dlnuf deliveries`)
    Delivery(Again),
    /// The delivery of a run, by the run's identifier (`dlnuf runs`)
    Run(Again),
    /// Only the records a run refused, once the mapping has been mended, by the run's identifier
    Rejects(Again),
}

/// Arguments of every replay.
#[derive(Debug, Args)]
pub struct Again {
    /// What to run again
    id: Uuid,
    /// `current`: the one the run used, as it is now (the one the header tells, when it took nothing in); `as-run`: the one the run used, in its version; else a mapping's name
    #[arg(long, default_value = "current")]
    mapping: String,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before going on
    #[arg(long)]
    yes: bool,
}

/// The mapping the run used.
const AS_RUN: &str = "as-run";
/// Most refused records replayed at once; a run with more is replayed whole.
const REJECTS: u32 = 1_000_000;

impl Replay {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no such delivery or run, or a technical failure.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let (Self::Delivery(again) | Self::Run(again) | Self::Rejects(again)) = &self;
        let pipeline = installation::pipeline(settings).await?;
        let (order, name, run) = self.order(pipeline.store.as_ref()).await?;
        if let Some(asked) = &order.mapping {
            let mapping = pipeline.catalogue.asked(&order.delivery.source, asked)?;
            let ran = run.filter(|_| again.mapping == AS_RUN).map_or(0, |run| run.fingerprint);
            anyhow::ensure!(
                ran == 0 || ran == mapping.fingerprint,
                "expected `{asked}` as the run used it, the hub has another text under this version: raise `version` when a mapping changes"
            );
        }
        let (plan, pipeline) = rehearse(pipeline, order.clone(), output).await?;
        plan.tell(&name, output)?;
        if again.dry_run || !(again.yes || output == Output::Json || agreed()?) {
            return Ok(exit_of(plan.report.status));
        }
        let report = pipeline.run(order, &Bar::new(output)).await?;
        show::report(&report, &name, output)?;
        publish(settings, &pipeline, output).await?;
        Ok(exit_of(report.status))
    }

    async fn order(&self, store: &dyn Store) -> anyhow::Result<(Order, String, Option<Run>)> {
        let (Self::Delivery(again) | Self::Run(again) | Self::Rejects(again)) = self;
        let (delivery, run) = match self {
            Self::Delivery(again) => {
                let runs = store.runs_of(DeliveryId(again.id)).await?;
                (DeliveryId(again.id), runs.into_iter().next())
            }
            Self::Run(_) | Self::Rejects(_) => {
                let run = store.run(RunId(again.id)).await?;
                let run = run.with_context(|| format!("there is no run `{}`", again.id))?;
                (run.delivery, Some(run))
            }
        };
        let delivery: Delivery =
            store.delivery(delivery).await?.with_context(|| format!("there is no delivery `{delivery}`"))?;
        let name = delivery.filename.clone().unwrap_or_else(|| delivery.id.to_string());
        let only = match self {
            Self::Rejects(_) => {
                let whole = run.as_ref().is_some_and(Run::took_in);
                anyhow::ensure!(
                    whole,
                    "run `{}` did not come to its end: deliver `{name}` again first",
                    again.id
                );
                let runs = store.runs_of(delivery.id).await?;
                let kind = run.as_ref().map(Run::kind);
                let first = runs.iter().rfind(|run| run.took_in() && Some(run.kind()) == kind);
                let first = first.map_or(RunId(again.id), |run| run.id);
                Some(Refused { by: first, records: Some(refused(store, RunId(again.id)).await?) })
            }
            Self::Delivery(_) | Self::Run(_) => None,
        };
        let mapping = again.mapping(run.as_ref())?;
        let corrects = if only.is_none() { correction::of(store, &delivery).await? } else { None };
        Ok((Order { mapping, only, corrects, again: true, ..Order::new(delivery) }, name, run))
    }
}

impl Again {
    fn mapping(&self, run: Option<&Run>) -> anyhow::Result<Option<String>> {
        Ok(match self.mapping.as_str() {
            // A file may be told from another of the same bytes by its name alone, which the run knew: its mapping of today.
            "current" => run.filter(|run| run.took_in()).map(|run| run.kind().to_owned()),
            AS_RUN => {
                let ran = run.map(|run| run.mapping.clone()).filter(|mapping| !mapping.is_empty());
                Some(ran.context("no run of this delivery found a mapping: choose one with `--mapping`")?)
            }
            name => Some(name.to_owned()),
        })
    }
}

async fn refused(store: &dyn Store, run: RunId) -> anyhow::Result<BTreeSet<u64>> {
    let rejects = store.rejects(run, 0, REJECTS).await?;
    anyhow::ensure!(!rejects.is_empty(), "run `{run}` refused no record: there is nothing to replay");
    Ok(rejects.into_iter().map(|reject| reject.position.number).collect())
}

/// What a replay would change.
struct Plan {
    report: Report,
    rehearsal: Arc<Rehearsal>,
}

/// Runs the order on a store that only pretends, and gives the pipeline back with its real one.
async fn rehearse(mut pipeline: Pipeline, order: Order, output: Output) -> anyhow::Result<(Plan, Pipeline)> {
    let real = Arc::clone(&pipeline.store);
    let rehearsal = Arc::new(Rehearsal::over(Arc::clone(&real)));
    pipeline.store = Arc::clone(&rehearsal) as Arc<dyn Store>;
    let report = pipeline.run(order, &Bar::new(output)).await?;
    pipeline.store = real;
    Ok((Plan { report, rehearsal }, pipeline))
}

impl Plan {
    fn tell(&self, name: &str, output: Output) -> anyhow::Result<()> {
        let kinds = self.rehearsal.kinds();
        if output == Output::Json {
            let mut plan = serde_json::to_value(&self.report)?;
            if let Some(object) = plan.as_object_mut() {
                object.remove("run");
                let warnings = show::in_words(&self.report.warnings);
                object.insert("warnings".to_owned(), serde_json::to_value(warnings)?);
                object.insert("plan".to_owned(), json!(true));
                object.insert("event_types".to_owned(), json!(kinds));
                object.insert("file".to_owned(), json!(name));
            }
            show::json_line(&plan);
            return Ok(());
        }
        show::line("plan, nothing is written yet:");
        show::counts(&self.report, name);
        for (kind, count) in kinds {
            show::line(format_args!("  {count} × {kind}"));
        }
        Ok(())
    }
}

/// Asks the person at the terminal; a script that pipes has decided by calling.
fn agreed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(true);
    }
    eprint!("go on? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "o" | "oui"))
}
