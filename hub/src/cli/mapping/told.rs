//! What `dlnuf mapping impact` tells of one delivery: to a person, or as one JSON value.

use std::sync::Arc;

use hub_core::connector::Fault;
use hub_core::delivery::{Delivery, Status};
use hub_core::mapping::Mapping;
use serde_json::{Map, Value as Json, json};

use super::super::{Output, show};
use crate::workbench::impact::{Impact, Problems, Tally};

/// How a comparison ended.
pub(super) enum Verdict {
    /// Both sides have the same text.
    Same,
    /// Both sides read it.
    Compared(Box<Impact>),
    /// One side at least cannot read it.
    Unread {
        /// Why not before.
        before: Option<Fault>,
        /// Why not now.
        now: Option<Fault>,
    },
}

/// One delivery, compared.
pub(super) struct Told {
    delivery: Delivery,
    before: Option<Arc<Mapping>>,
    pub now: Option<Arc<Mapping>>,
    verdict: Verdict,
    /// How a replay would end and the events it would announce, when it was rehearsed.
    pub events: Option<(Status, Vec<(&'static str, u64)>)>,
}

impl Told {
    pub fn new(
        delivery: &Delivery,
        (before, now): (Option<Arc<Mapping>>, Option<Arc<Mapping>>),
        verdict: Verdict,
    ) -> Self {
        Self { delivery: delivery.clone(), before, now, verdict, events: None }
    }

    /// Whether anything changes.
    pub fn differs(&self) -> bool {
        match &self.verdict {
            Verdict::Same => false,
            Verdict::Compared(impact) => !impact.is_none(),
            Verdict::Unread { before, now } => {
                before.as_ref().map(|f| f.code) != now.as_ref().map(|f| f.code)
            }
        }
    }

    pub fn tell(&self, output: Output) -> anyhow::Result<()> {
        match output {
            Output::Json => show::json_line(&self.to_json()?),
            Output::Table => self.to_person(),
        }
        Ok(())
    }

    fn name(&self) -> String {
        self.delivery.filename.clone().unwrap_or_else(|| self.delivery.id.to_string())
    }

    fn to_json(&self) -> anyhow::Result<Json> {
        let mut object = match &self.verdict {
            Verdict::Compared(impact) => serde_json::to_value(impact)?,
            Verdict::Same => json!({}),
            Verdict::Unread { before, now } => {
                let code = |fault: &Option<Fault>| {
                    fault.as_ref().map(|fault| json!({ "code": fault.code, "message": fault.detail }))
                };
                json!({ "fault_before": code(before), "fault_now": code(now) })
            }
        };
        if let Some(object) = object.as_object_mut() {
            let name = |side: &Option<Arc<Mapping>>| json!(side.as_ref().map(|mapping| mapping.name()));
            object.insert("delivery".to_owned(), json!(self.delivery.id.to_string()));
            object.insert("file".to_owned(), json!(self.name()));
            object.insert("source".to_owned(), json!(self.delivery.source));
            object.insert("before".to_owned(), name(&self.before));
            object.insert("now".to_owned(), name(&self.now));
            object.insert("differs".to_owned(), json!(self.differs()));
            if let Some((status, kinds)) = &self.events {
                let kinds: Map<String, Json> =
                    kinds.iter().map(|(kind, n)| ((*kind).to_owned(), json!(n))).collect();
                object.insert("rehearsal".to_owned(), json!({ "status": status, "events": kinds }));
            }
        }
        Ok(object)
    }

    fn to_person(&self) {
        let side =
            |side: &Option<Arc<Mapping>>| side.as_ref().map_or_else(|| "none".to_owned(), |m| m.name());
        let (before, now) = (side(&self.before), side(&self.now));
        show::line(format_args!("{} ({}, {before} → {now})", self.name(), self.delivery.id));
        match &self.verdict {
            Verdict::Same => show::line("  the same text: nothing changes"),
            Verdict::Compared(impact) if impact.is_none() => {
                show::line(format_args!("  {} records: nothing changes", impact.records_now));
            }
            Verdict::Compared(impact) => tell_impact(impact),
            Verdict::Unread { before, now } => {
                for (when, fault) in [("before", before), ("now", now)] {
                    if let Some(Fault { code, detail }) = fault {
                        show::line(format_args!("  {when}: {code} {detail}"));
                    }
                }
            }
        }
        if let Some((status, kinds)) = &self.events {
            let total: u64 = kinds.iter().map(|(_, count)| count).sum();
            let status = status.word().replace('_', " ");
            show::line(format_args!("  run again now: {status}, {total} events"));
            for (kind, count) in kinds {
                show::line(format_args!("    {count} × {kind}"));
            }
        }
    }
}

fn tell_impact(impact: &Impact) {
    if impact.records_before == impact.records_now {
        show::line(format_args!("  {} records", impact.records_now));
    } else {
        show::line(format_args!("  {} records before, {} now", impact.records_before, impact.records_now));
    }
    if !impact.fields.is_empty() {
        let row = |(field, change): (&String, &crate::workbench::impact::FieldChange)| {
            let counts = [change.added, change.removed, change.changed].map(|count| count.to_string());
            [vec![field.clone()], counts.to_vec(), vec![numbers(&change.records)]].concat()
        };
        let headings = ["field", "added", "removed", "changed", "first records"];
        show::table(&headings, impact.fields.iter().map(row).collect());
    }
    let tally = |what: &str, tally: &Tally| {
        if tally.count > 0 {
            show::line(format_args!("  {} × {what}: records {}", tally.count, numbers(&tally.records)));
        }
    };
    tally("a person more", &impact.persons_added);
    tally("a person less", &impact.persons_removed);
    tally("another key, emitter or date", &impact.named_otherwise);
    let problems = |what: &str, problems: &Problems| {
        for (problem, found) in problems {
            tally(&format!("{what} {problem}"), found);
        }
    };
    problems("newly refused", &impact.newly_refused);
    problems("no longer refused", &impact.no_longer_refused);
    problems("new remark", &impact.new_remarks);
    problems("remark gone", &impact.gone_remarks);
}

fn numbers(records: &[u64]) -> String {
    records.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
