//! `dlnuf pull`: looks at the places of a source now, fetches what is new, takes it in.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use hub_core::code::Code;
use hub_core::delivery::DeliveryId;
use hub_core::pipeline::{Order, Pipeline};
use serde_json::json;

use super::deliver::{Bar, exit_of, publish, worse};
use super::language::{Said, counted, either};
use super::{Exit, Output, language, show};
use crate::installation;
use crate::settings::Settings;
use crate::sources::Sources;

/// Arguments of `pull`.
#[derive(Debug, Args)]
pub struct PullCommand {
    /// `SOURCE`, or one of its pulls: `SOURCE/PULL`
    source: String,
    /// Only fetch: the deliveries wait for `dlnuf serve`
    #[arg(long)]
    fetch_only: bool,
}

impl PullCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// When the source or pull is not configured, or a place fails; what came before stays.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let pipeline = installation::pipeline(settings).await?;
        let sources = Arc::new(installation::sources(settings, &pipeline.catalogue)?);
        let (source, wanted) =
            self.source.split_once('/').map_or((self.source.as_str(), None), |(s, p)| (s, Some(p)));
        let known = sources.get(source);
        let known = known.ok_or_else(|| unknown(source))?;
        let pulls: Vec<_> =
            known.pulls.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name)).collect();
        anyhow::ensure!(!pulls.is_empty(), nowhere(&self.source));
        let puller = installation::puller(&pipeline, Arc::clone(&sources));
        let mut exit = Exit::Done;
        for (name, pull) in pulls {
            let brought = puller.look(source, name, pull).await?;
            for (offer, failure) in &brought.apart {
                exit = worse(exit, Exit::Held);
                let title = &language::told(failure.code.entry()).title;
                show::line(either(
                    format_args!("{offer} est mis à part : {} {title}", failure.code),
                    format_args!("{offer} was set apart: {}", failure.detail),
                ));
            }
            if output == Output::Json {
                show::json_line(
                    &json!({ "pull": format!("{source}/{name}"), "deliveries": brought.deliveries }),
                );
            } else {
                let came = brought.deliveries.len() as u64;
                let came = counted(came, ["livraison", "livraisons"], ["delivery", "deliveries"]);
                show::line(format_args!("{source}/{name}{} {came}", either(" :", ":")));
            }
            if !self.fetch_only {
                for order in in_order(&pipeline, &sources, brought.deliveries).await? {
                    exit = worse(exit, take_in(&pipeline, order, output).await?);
                }
            }
        }
        publish(settings, &pipeline, output).await?;
        Ok(exit)
    }
}

fn unknown(source: &str) -> Said {
    Said::either(
        Code::UnknownSource,
        format!("il n'y a pas de source `{source}` ; `dlnuf sources` les liste"),
        format!("there is no source `{source}`; `dlnuf sources` lists them"),
    )
}

fn nowhere(asked: &str) -> Said {
    Said::either(
        Code::NotFound,
        format!("rien n'est à chercher pour `{asked}` ; `dlnuf sources` liste ce qui l'est"),
        format!("`{asked}` is fetched from nowhere; `dlnuf sources` lists what is"),
    )
}

/// What a look brought, in the order of the dates the deliveries say they were made at, then of arrival.
async fn in_order(
    pipeline: &Pipeline,
    sources: &Sources,
    ids: Vec<DeliveryId>,
) -> anyhow::Result<Vec<Order>> {
    let mut dated = Vec::new();
    for id in ids {
        let delivery = pipeline.store.delivery(id).await?.context("a delivery that came has a row")?;
        let order = sources.order(delivery);
        let created = pipeline.created(&order.delivery, order.mapping.as_deref()).await?;
        dated.push((created, order));
    }
    dated.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(dated.into_iter().map(|(_, order)| order).collect())
}

async fn take_in(pipeline: &Pipeline, order: Order, output: Output) -> anyhow::Result<Exit> {
    let delivery = &order.delivery;
    let name = delivery.filename.clone().unwrap_or_else(|| delivery.id.to_string());
    let report = pipeline.run(order, &Bar::new(output)).await?;
    show::report(&report, &name, output)?;
    Ok(exit_of(report.status))
}
