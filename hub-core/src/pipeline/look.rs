//! What looking on while a delivery was surveyed showed: of its records, and of what the store knew of them.

use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashSet;

use crate::connector::Decoder;
use crate::delivery::DeliveryId;
use crate::guard::Figures;
use crate::store::Run;

use super::recognised::Recognised;
use super::seen::Seen;

/// Records of a flow's first delivery that are looked through, about.
const SAMPLE: u64 = 4_000;

/// What looking on while a delivery was surveyed showed.
pub(super) struct Look {
    pub decoder: Arc<dyn Decoder>,
    /// Runs of its flow, the latest first.
    pub runs: Vec<Run>,
    /// Nothing of its flow was taken in before.
    pub first: bool,
    /// What its new and changed records are.
    pub figures: Figures,
    /// The claims it states.
    pub seen: Seen,
    pub emitters: HashSet<CompactString>,
    /// What the store knew of its frames, as far as it was asked.
    pub recognised: Recognised,
}

impl Look {
    /// Nothing was seen yet of a delivery in a flow of these runs.
    pub fn new(delivery: DeliveryId, runs: Vec<Run>, decoder: Arc<dyn Decoder>) -> Self {
        let first = !runs.iter().any(|run| run.took_in() && run.delivery != delivery);
        let (figures, seen, emitters) = (Figures::default(), Seen::default(), HashSet::new());
        Self { decoder, runs, first, figures, seen, emitters, recognised: Recognised::default() }
    }

    /// Whether enough was seen: a flow's first delivery has nothing to be compared with.
    pub fn is_over(&self) -> bool {
        self.first && self.figures.looked_at >= SAMPLE
    }
}
