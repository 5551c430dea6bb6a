//! `dlnuf deliver SOURCE FILE…`: archive, register, run, report.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use hub_core::delivery::{DeliveryId, Status};
use hub_core::pipeline::{Order, Pipeline, Progress};
use hub_core::publisher::PublishError;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use uuid::Uuid;

use super::{Exit, Output, show};
use crate::settings::Settings;
use crate::sources::Sources;
use crate::{correction, installation};

/// Arguments of `deliver`.
#[derive(Debug, Args)]
pub struct Deliver {
    /// The source: caf, france-travail, departement…
    source: String,
    /// Its extracts
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Mapping to use, when the header does not tell
    #[arg(long)]
    mapping: Option<String>,
    /// For a hub nobody listens to yet: announce once that the persons can be read (`events snapshot`), not each of them
    #[arg(long)]
    first_load: bool,
    /// The delivery whose refused records these are, mended (the hub's own file of them says it by its name)
    #[arg(long, value_name = "DELIVERY")]
    corrects: Option<Uuid>,
}

impl Deliver {
    /// Runs the command.
    ///
    /// # Errors
    /// A technical failure; what was committed stays.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let pipeline = installation::pipeline(settings).await?;
        let known = pipeline.catalogue.sources();
        anyhow::ensure!(
            known.contains(&self.source.as_str()),
            "there is no source `{}`; the mappings know {}",
            self.source,
            known.join(", ")
        );
        let sources = installation::sources(settings, &pipeline.catalogue)?;
        if let Some(mapping) = &self.mapping {
            pipeline.catalogue.asked(&self.source, mapping)?;
        }
        // A broker's URL that is not understood is told before anything is taken in.
        installation::publisher(settings, &pipeline.store)?;
        let mut exit = Exit::Done;
        for file in &self.files {
            let outcome = match self.one(&pipeline, &sources, file, output).await {
                Ok(outcome) => outcome,
                // One file that cannot be read takes nothing from the others.
                Err(error) if self.files.len() > 1 => {
                    show::failure(&error);
                    Exit::Failed
                }
                Err(error) => return Err(error),
            };
            exit = worse(exit, outcome);
        }
        publish(settings, &pipeline, output).await?;
        Ok(exit)
    }

    async fn one(
        &self,
        pipeline: &Pipeline,
        sources: &Sources,
        file: &Path,
        output: Output,
    ) -> anyhow::Result<Exit> {
        let mut exit = Exit::Done;
        let deliveries = installation::receive(pipeline, sources, &self.source, file).await?;
        let alone = deliveries.len() == 1;
        for delivery in deliveries {
            let name = delivery.filename.clone().filter(|_| !alone);
            let order = sources.order(delivery);
            let order = Order {
                mapping: self.mapping.clone().or(order.mapping.clone()),
                corrects: self.corrects.map(DeliveryId).or(order.corrects),
                first_load: self.first_load,
                ..order
            };
            if let Some(corrects) = order.corrects {
                correction::note(pipeline.store.as_ref(), order.delivery.id, corrects).await?;
            }
            let report = pipeline.run(order, &Bar::new(output)).await?;
            let inside = name.map(|name| format!(" › {name}")).unwrap_or_default();
            show::report(&report, &format!("{}{inside}", file.display()), output)?;
            exit = worse(exit, exit_of(report.status));
        }
        Ok(exit)
    }
}

/// Publishes what waits, when a broker is set. A dead broker spoils nothing: the events wait for `dlnuf serve`.
///
/// # Errors
/// When the store fails, or the broker's URL is not understood.
pub async fn publish(settings: &Settings, pipeline: &Pipeline, output: Output) -> anyhow::Result<()> {
    let Some(publisher) = installation::publisher(settings, &pipeline.store)? else { return Ok(()) };
    match publisher.drain(&Bar::of(output, "events")).await {
        Ok(Some(count)) if output == Output::Table => show::line(format_args!("{count} events published")),
        Ok(Some(_)) => {}
        Ok(None) => eprintln!("another hub publishes: the events are left to it"),
        Err(PublishError::Store(error)) => return Err(error.into()),
        Err(error) => {
            let waiting = pipeline.store.waiting().await?;
            let wait = format!("{waiting} events wait; `dlnuf serve` or the next `deliver` publishes them");
            show::setback(&anyhow::Error::new(error).context(wait));
        }
    }
    Ok(())
}

/// The exit code a run's status asks for.
pub fn exit_of(status: Status) -> Exit {
    match status {
        Status::DoneWithRejects => Exit::Rejects,
        Status::Held | Status::Halted => Exit::Held,
        Status::Done | Status::Running | Status::AlreadyReceived => Exit::Done,
    }
}

/// The outcome that asks for more of the operator: a failure most of all.
pub fn worse(a: Exit, b: Exit) -> Exit {
    let weight = |exit: Exit| if exit == Exit::Failed { u8::MAX } else { exit as u8 };
    if weight(b) > weight(a) { b } else { a }
}

/// A progress bar on the terminal, with the time left; none for programs.
pub struct Bar(ProgressBar);

impl Bar {
    /// Makes a bar; hidden when the output is JSON or not a terminal.
    pub fn new(output: Output) -> Self {
        Self::of(output, "records")
    }

    /// A bar that counts something else than records.
    pub fn of(output: Output, things: &str) -> Self {
        let bar = if output == Output::Json { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let template = format!("{{wide_bar}} {{pos}}/{{len}} {things}  {{pace}}  {{eta}} left");
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let pace = |state: &ProgressState, text: &mut dyn Write| {
            let _ = write!(text, "{:.0}/s", state.per_sec());
        };
        Self(bar.with_style(style.with_key("pace", pace)))
    }
}

impl Progress for Bar {
    fn waits(&self) {
        eprintln!("another delivery is being taken in: this one waits for its turn");
    }

    fn advance(&self, records: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(records);
        if records >= of {
            self.0.finish_and_clear();
        }
    }
}
