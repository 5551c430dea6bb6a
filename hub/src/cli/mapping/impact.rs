//! `dlnuf mapping impact`: what the mappings in force make of archived deliveries, against others; which events would go.
//!
//! The store and the archive are only read. Counts, field names, codes and record numbers are told, never a value.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use connectors::BuiltIn;
use hub_core::code::Code;
use hub_core::connector::{Fault, Formats as _, Probe};
use hub_core::delivery::{Delivery, Status};
use hub_core::mapping::{Catalogue, Mapping};
use hub_core::pipeline::{Order, Pipeline};
use hub_core::rehearsal::Rehearsal;
use hub_core::store::{Run, Store};

use super::super::deliver::Bar;
use super::super::{Exit, Output};
use super::told::{Told, Verdict};
use crate::installation;
use crate::mappings::MappingFiles;
use crate::settings::Settings;
use crate::workbench::impact::compare;

/// The mapping each run used.
const AS_RUN: &str = "as-run";
/// Deliveries looked through for those of one mapping, and the latest of each flow.
const LOOKED_THROUGH: u32 = 1_000;

/// Arguments of `mapping impact`.
#[derive(Debug, Args)]
pub struct Impact {
    /// Only deliveries this mapping recognises, such as caf/vrsb0801
    mapping: Option<String>,
    /// How many deliveries, latest first; the latest of each flow besides
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    last: u32,
    /// What to compare with: a folder of mappings, or `as-run` for the text each run used [default: those of the program]
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Fail (exit 5) when something changes
    #[arg(long)]
    check: bool,
}

/// Both sides of the comparison.
struct Sides {
    before: Catalogue,
    as_run: bool,
    now: Catalogue,
}

impl Impact {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no store, no such mapping, or mappings hold mistakes.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        anyhow::ensure!(
            settings.mappings.is_some() || self.against.is_some(),
            "nothing to compare: give the mappings that change (`--mappings DIR`), or others (`--against DIR`, `--against as-run`)"
        );
        anyhow::ensure!(
            settings.embedded_store().is_none() || settings.embedded_store_exists(),
            "{} does not exist; `dlnuf deliver` makes it",
            settings.store_name()
        );
        let mut pipeline = installation::pipeline(settings).await?;
        let sides = self.sides(&pipeline)?;
        let (mut flows, mut differs, mut told) = (BTreeSet::new(), false, 0);
        for delivery in pipeline.store.deliveries(LOOKED_THROUGH).await? {
            let run = pipeline.store.runs_of(delivery.id).await?.into_iter().next();
            let taken_in = run.as_ref().filter(|run| run.took_in());
            let flow = taken_in.map(|run| (delivery.source.clone(), run.flow.clone()));
            // The latest of each flow is what its next delivery is compared with.
            let latest = flow.filter(|flow| !flows.contains(flow));
            if told >= self.last && latest.is_none() {
                continue;
            }
            let Some(mut one) = self.one(&pipeline, &sides, &delivery, run.as_ref())? else { continue };
            if let (Some(flow), Some(now)) = (latest, &one.now) {
                flows.insert(flow);
                one.events = Some(rehearse(&mut pipeline, delivery, &now.id, output).await?);
            }
            differs |= one.differs();
            one.tell(output)?;
            told += 1;
        }
        anyhow::ensure!(told > 0, "no delivery to compare; see `dlnuf deliveries`");
        Ok(if differs && self.check { Exit::Mistakes } else { Exit::Done })
    }

    fn sides(&self, pipeline: &Pipeline) -> anyhow::Result<Sides> {
        let as_run = self.against.as_ref().is_some_and(|against| against.as_os_str() == AS_RUN);
        let files = match &self.against {
            Some(folder) if !as_run => {
                MappingFiles::folder(folder).with_context(|| format!("reading `{}`", folder.display()))?
            }
            _ => MappingFiles::built_in(),
        };
        let (before, now) = (files.compile(&pipeline.canon)?, pipeline.catalogue.clone());
        if let Some(name) = &self.mapping {
            let known = before.named(name).or_else(|| now.named(name)).is_some();
            anyhow::ensure!(
                known,
                "there is no mapping `{name}`; `dlnuf mapping test` lists them by their cases"
            );
        }
        Ok(Sides { before, as_run, now })
    }

    /// Compares both sides over one delivery; none when it is not of the mapping asked for.
    fn one(
        &self,
        pipeline: &Pipeline,
        sides: &Sides,
        delivery: &Delivery,
        run: Option<&Run>,
    ) -> anyhow::Result<Option<Told>> {
        let open = || {
            let bytes = pipeline.archive.open(delivery.digest);
            bytes.map_err(|error| Fault::new(Code::ArchiveFailed, error.to_string()))
        };
        let mut head = Vec::new();
        open()?.take(64 << 10).read_to_end(&mut head).context("reading the archive")?;
        let probe = BuiltIn.probe(&head);
        let now = choose(&sides.now, &probe, delivery);
        let before = if sides.as_run { ran(sides, run) } else { choose(&sides.before, &probe, delivery) };
        let named =
            |side: &Result<Arc<Mapping>, Fault>, name: &str| side.as_ref().is_ok_and(|m| m.id == name);
        if self.mapping.as_deref().is_some_and(|name| !named(&now, name) && !named(&before, name)) {
            return Ok(None);
        }
        let verdict = match (&before, &now) {
            (Ok(before), Ok(now)) if before.fingerprint == now.fingerprint => Verdict::Same,
            (Ok(before), Ok(now)) => {
                let today: String = delivery.received_at.to_string().chars().take(10).collect();
                match compare((before, now), &pipeline.canon, &open, &today) {
                    Ok(impact) => Verdict::Compared(Box::new(impact)),
                    Err((before, now)) => Verdict::Unread { before, now },
                }
            }
            (before, now) => Verdict::Unread { before: before.clone().err(), now: now.clone().err() },
        };
        Ok(Some(Told::new(delivery, (before.ok(), now.ok()), verdict)))
    }
}

fn choose(
    catalogue: &Catalogue,
    probe: &Result<Probe, Fault>,
    delivery: &Delivery,
) -> Result<Arc<Mapping>, Fault> {
    let probe = probe.as_ref().map_err(Clone::clone)?;
    catalogue.choose(&delivery.source, probe, delivery.filename.as_deref())
}

/// The mapping a run used, when its text is among those at hand: the hub keeps a fingerprint of it, not the text.
fn ran(sides: &Sides, run: Option<&Run>) -> Result<Arc<Mapping>, Fault> {
    let none = || Fault::new(Code::NoMapping, "no run of this delivery found a mapping");
    let run = run.filter(|run| run.fingerprint != 0).ok_or_else(none)?;
    let at_hand = sides.now.iter().chain(sides.before.iter());
    at_hand.into_iter().find(|mapping| mapping.fingerprint == run.fingerprint).cloned().ok_or_else(|| {
        let detail =
            format!("the text of `{}` its run used is not here: give it with `--against DIR`", run.mapping);
        Fault::new(Code::NoMapping, detail)
    })
}

/// The events a replay of the delivery would announce, and how it would end.
async fn rehearse(
    pipeline: &mut Pipeline,
    delivery: Delivery,
    mapping: &str,
    output: Output,
) -> anyhow::Result<(Status, Vec<(&'static str, u64)>)> {
    let real = Arc::clone(&pipeline.store);
    let rehearsal = Arc::new(Rehearsal::over(Arc::clone(&real)));
    pipeline.store = Arc::clone(&rehearsal) as Arc<dyn Store>;
    let order = Order { mapping: Some(mapping.to_owned()), again: true, ..Order::new(delivery) };
    let report = pipeline.run(order, &Bar::new(output)).await;
    pipeline.store = real;
    Ok((report?.status, rehearsal.kinds().into_iter().collect()))
}
