//! `dlnuf replay delivery ID`: the archived bytes again, through the same path.

use anyhow::Context;
use clap::Args;
use hub_core::delivery::DeliveryId;
use hub_core::pipeline::Order;
use uuid::Uuid;

use super::deliver::{Bar, exit_of};
use super::{Exit, Output, show};
use crate::installation;
use crate::settings::Settings;

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The delivery to run again
    delivery: Uuid,
    /// Mapping to use instead of the one its header tells
    #[arg(long)]
    mapping: Option<String>,
}

impl Replay {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no such delivery, or a technical failure.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let pipeline = installation::pipeline(settings).await?;
        let found = pipeline.store.delivery(DeliveryId(self.delivery)).await?;
        let delivery = found.with_context(|| format!("there is no delivery `{}`", self.delivery))?;
        let name = delivery.filename.clone().unwrap_or_else(|| delivery.id.to_string());
        let order = Order { delivery, mapping: self.mapping, again: true };
        let report = pipeline.run(order, &Bar::new(output)).await?;
        show::report(&report, &name, output)?;
        Ok(exit_of(report.status))
    }
}
