//! `dlnuf synth DIR`: writes the synthetic extracts of one night, to try the hub on.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Exit, Output, show};
use crate::synth::{self, Extract, Plan};

/// Arguments of `synth`.
#[derive(Debug, Args)]
pub struct Synth {
    /// Households on the first night
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    households: u64,
    /// Start of all chance: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The night, from 1; each follows from the one before
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    night: u32,
    /// Share of the households changed each night, from 0 to 1
    #[arg(long, default_value = "0.02", value_parser = per_million)]
    changed: u64,
    /// Folder to write into
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Synth {
    /// Runs the command.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn run(&self, output: Output) -> anyhow::Result<Exit> {
        let plan = Plan {
            households: self.households,
            seed: self.seed,
            night: self.night,
            changed_per_million: self.changed,
        };
        let folder = self.folder.display();
        std::fs::create_dir_all(&self.folder).with_context(|| format!("creating `{folder}`"))?;
        let bar = bar(&plan, output);
        let extracts = synth::write(&plan, &self.folder, &|done| bar.set_position(done))
            .with_context(|| format!("writing into `{folder}`"))?;
        bar.finish_and_clear();
        match output {
            Output::Json => extracts.iter().for_each(json_line),
            Output::Table => tables(&extracts),
        }
        Ok(Exit::Done)
    }
}

/// A share such as `0.02`, in a million; no floating point, so that it is the same everywhere.
fn per_million(text: &str) -> Result<u64, String> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{decimals:0<6}");
    let readable = decimals.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let share = digits.parse().ok().filter(|share| readable && *share <= 1_000_000);
    share.ok_or_else(|| "expected a share from 0 to 1, with at most six decimals".to_owned())
}

fn bar(plan: &Plan, output: Output) -> ProgressBar {
    if output == Output::Json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} households  {per_sec}  {eta} left");
    ProgressBar::new(synth::households(plan))
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn json_line(extract: &Extract) {
    let planted = extract.planted.iter().map(|planted| {
        json!({
            "fault": planted.fault.word(),
            "records": planted.records,
            "first_record": planted.first_record,
            "expected": planted.fault.expected(),
        })
    });
    show::json_line(&json!({
        "source": extract.source,
        "file": extract.file,
        "records": extract.records,
        "size_bytes": extract.size_bytes,
        "faults": extract.faults,
        "planted": planted.collect::<Vec<_>>(),
    }));
}

fn tables(extracts: &[Extract]) {
    let files = extracts.iter().map(|extract| {
        vec![
            extract.source.to_owned(),
            extract.file.display().to_string(),
            extract.records.to_string(),
            format!("{}.{} MB", extract.size_bytes / 1_000_000, extract.size_bytes / 100_000 % 10),
            extract.faults.to_string(),
        ]
    });
    show::table(&["source", "file", "records", "size", "faults"], files.collect());
    let faults = extracts.iter().flat_map(|extract| {
        extract.planted.iter().map(|planted| {
            vec![
                extract.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                planted.fault.word().replace('_', " "),
                planted.records.to_string(),
                planted.first_record.to_string(),
                planted.fault.expected().to_owned(),
            ]
        })
    });
    show::table(&["file", "planted fault", "records", "first at record", "the hub says"], faults.collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_without_floating_point() {
        for (text, share) in [
            ("0.02", Some(20_000)),
            ("1", Some(1_000_000)),
            ("0.000001", Some(1)),
            ("1.5", None),
            ("-1", None),
        ] {
            assert_eq!(per_million(text).ok(), share, "{text}");
        }
    }
}
