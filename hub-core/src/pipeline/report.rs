//! What a run tells when it ends: counts, warnings by cause. Never a value of a person.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::canonical::{Canon, FieldId};
use crate::code::Code;
use crate::connector::Fault;
use crate::delivery::{Counts, Delivery, DeliveryId, RunId, Status, Warning};
use crate::store::Run;

/// A run's outcome.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The delivery processed.
    pub delivery: DeliveryId,
    /// The run; none when there was nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The source.
    pub source: String,
    /// How it ended.
    pub status: Status,
    /// Mapping and version used.
    pub mapping: String,
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// What there is to tell.
    pub warnings: Vec<Warning>,
}

impl Report {
    pub(super) fn new(run: &Run, status: Status, counts: Counts, warnings: Vec<Warning>) -> Self {
        let (source, mapping) = (run.source.clone(), run.mapping.clone());
        Self { delivery: run.delivery, run: Some(run.id), source, status, mapping, counts, warnings }
    }

    pub(super) fn already_received(first: DeliveryId, delivery: &Delivery) -> Self {
        let mut warnings = Warnings::default();
        warnings.add(Code::AlreadyReceived, None, 0);
        Self {
            delivery: first,
            run: None,
            source: delivery.source.clone(),
            status: Status::AlreadyReceived,
            mapping: String::new(),
            counts: Counts::default(),
            warnings: warnings.list.into_values().collect(),
        }
    }
}

/// Warnings, counted by code and field.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    list: BTreeMap<(Code, Option<FieldId>), Warning>,
}

impl Warnings {
    pub fn add(&mut self, code: Code, field: Option<FieldId>, record: u64) {
        let message = || code.entry().fr.title.clone();
        let new = || Warning { code, field: None, message: message(), count: 0, first_record: record };
        self.list.entry((code, field)).or_insert_with(new).count += 1;
    }

    pub fn join(&mut self, other: Self) {
        for (of, warning) in other.list {
            let count = warning.count;
            self.list.entry(of).and_modify(|known| known.count += count).or_insert(warning);
        }
    }

    pub fn fault(&mut self, fault: &Fault) {
        let message = format!("{} : {}", fault.code.entry().fr.title, fault.detail);
        let warning = Warning { code: fault.code, field: None, message, count: 1, first_record: 0 };
        self.list.insert((fault.code, None), warning);
    }

    pub fn detail(&mut self, code: Code, detail: &str) {
        self.fault(&Fault::new(code, detail));
    }

    pub fn into_list(self, canon: &Canon) -> Vec<Warning> {
        let named = |((_, field), warning): ((Code, Option<FieldId>), Warning)| Warning {
            field: field.map(|id| canon.field(id).path.clone()),
            ..warning
        };
        self.list.into_iter().map(named).collect()
    }
}
