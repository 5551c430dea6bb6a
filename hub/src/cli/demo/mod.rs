//! `dlnuf demo`: two synthetic nights of three sources, faults included, through the very path of real deliveries.
//!
//! Nothing enters but a seed; extracts are written, delivered and told about. Everything stays in a folder of its own, removed
//! at the end unless it is kept.

mod tell;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use hub_core::pipeline::{Order, Pipeline, Report};

use super::deliver::Bar;
use super::{Exit, Output};
use crate::installation;
use crate::settings::Settings;
use crate::sources::Sources;
use crate::synth::{self, Plan};

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Households on the first night
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(100..=100_000))]
    households: u64,
    /// Start of all chance: the same seed plays the same nights
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep extracts, archive and store in this new folder, to look further
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// A delivery of the demo and what became of it.
pub(super) struct Played {
    night: u32,
    /// What the delivery shows, beside a usual one.
    remark: &'static str,
    file: String,
    report: Report,
}

/// The whole play, ready to be told.
pub(super) struct Play {
    pipeline: Pipeline,
    played: Vec<Played>,
    /// Last event of the first night.
    first_night: u64,
    /// The settings to look further with, when the folder is kept.
    kept: Option<PathBuf>,
}

/// Households changed each night, in a million.
const CHANGED_PER_MILLION: u64 = 20_000;

impl Demo {
    /// Runs the command.
    ///
    /// # Errors
    /// When the folder cannot be written or a run fails.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let stage = tempfile::Builder::new().prefix("dlnuf-demo").tempdir().context("making a folder")?;
        let folder = match &self.keep {
            Some(folder) => {
                fs::create_dir(folder).with_context(|| format!("creating `{}`", folder.display()))?;
                folder.as_path()
            }
            None => stage.path(),
        };
        // A store of its own: a demonstration never writes where real persons are.
        let home = folder.join("hub");
        let own =
            Settings { home: home.clone(), store: None, archive: None, broker: None, ..settings.clone() };
        let pipeline = installation::pipeline(&own).await?;
        let kept = self.keep.is_some().then_some(home);
        let mut play = Play { pipeline, played: Vec::new(), first_night: 0, kept };
        tell::opening(output);
        for night in [1, 2] {
            self.night(night, folder, &mut play, output).await?;
        }
        tell::all(&play, output).await?;
        Ok(Exit::Done)
    }

    async fn night(&self, night: u32, folder: &Path, play: &mut Play, output: Output) -> anyhow::Result<()> {
        let extracts = folder.join(format!("night-{night}"));
        fs::create_dir(&extracts)?;
        let (households, seed) = (self.households, self.seed);
        let extent = Plan { households, seed, night, changed_per_million: CHANGED_PER_MILLION };
        let written = synth::write(&extent, &extracts, &|_| {}).context("writing the extracts")?;
        for (at, extract) in written.iter().enumerate() {
            if (night, at) == (2, 0) {
                let cut = cut_short(&extract.file, &extracts.join("caf-cut-short.xml"))?;
                play.deliver(night, extract.source, &cut, "its end is missing", output).await?;
            }
            play.deliver(night, extract.source, &extract.file, "", output).await?;
            if (night, at) == (2, 0) {
                play.deliver(night, extract.source, &extract.file, "sent twice", output).await?;
            }
        }
        if night == 1 {
            play.first_night = play.last_event().await?;
        }
        Ok(())
    }
}

impl Play {
    async fn deliver(
        &mut self,
        night: u32,
        source: &str,
        file: &Path,
        remark: &'static str,
        output: Output,
    ) -> anyhow::Result<()> {
        for delivery in installation::receive(&self.pipeline, &Sources::default(), source, file).await? {
            let report = self.pipeline.run(Order::new(delivery), &Bar::new(output)).await?;
            let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let played = Played { night, remark, file, report };
            tell::delivery(&played, output)?;
            self.played.push(played);
        }
        Ok(())
    }

    async fn last_event(&self) -> anyhow::Result<u64> {
        Ok(self.pipeline.store.sizes().await?.2)
    }
}

/// A transfer that broke off: the first three fifths of a file.
fn cut_short(whole: &Path, cut: &Path) -> io::Result<PathBuf> {
    let source = File::open(whole)?;
    let part = source.metadata()?.len() * 3 / 5;
    io::copy(&mut source.take(part), &mut File::create(cut)?)?;
    Ok(cut.to_owned())
}
