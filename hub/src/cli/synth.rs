//! `dlnuf synth DIR`: writes the synthetic extracts of one night, to try the hub on; with `--truth`, who each record speaks of.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Exit, Output, show};
use crate::synth::truth::{self, Kind, Labelled, Source, Wish};
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
    /// Write labelled extracts of persons hard to tell apart, and `truth.csv`: who each record speaks of
    #[arg(long, conflicts_with_all = ["night", "changed"])]
    truth: bool,
    /// How much goes wrong in labelled extracts
    #[arg(long, value_enum, default_value_t = Noise::Real, requires = "truth")]
    noise: Noise,
    /// Which sources state the NIR in labelled extracts
    #[arg(long, value_enum, default_value_t = Nirs::All, requires = "truth")]
    nir: Nirs,
    /// Folder to write into
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// How much goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Noise {
    /// Well-kept files: about a third of what is usual
    Calm,
    /// What is usual
    Real,
    /// About three times what is usual
    Harsh,
}

/// Which sources state the NIR; France Travail's main extract never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Nirs {
    /// As in the field: the CAF always, the département for seven persons in ten
    All,
    /// The CAF and the département always
    Two,
    /// No source at all
    None,
}

impl Synth {
    /// Runs the command.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn run(&self, output: Output) -> anyhow::Result<Exit> {
        let folder = self.folder.display();
        std::fs::create_dir_all(&self.folder).with_context(|| format!("creating `{folder}`"))?;
        if self.truth {
            return self.labelled(output);
        }
        let plan = Plan {
            households: self.households,
            seed: self.seed,
            night: self.night,
            changed_per_million: self.changed,
        };
        let bar = bar(synth::households(&plan), output);
        let extracts = synth::write(&plan, &self.folder, &|done| bar.set_position(done))
            .with_context(|| format!("writing into `{folder}`"))?;
        bar.finish_and_clear();
        match output {
            Output::Json => extracts.iter().for_each(json_line),
            Output::Table => tables(&extracts),
        }
        Ok(Exit::Done)
    }

    fn labelled(&self, output: Output) -> anyhow::Result<Exit> {
        let most = truth::MOST_HOUSEHOLDS;
        anyhow::ensure!(
            self.households <= most,
            "expected at most {most} households with `--truth`, found {}",
            self.households
        );
        let wish = Wish {
            households: self.households,
            seed: self.seed,
            noise: self.noise.into(),
            nirs: self.nir.into(),
        };
        let bar = bar(wish.households, output);
        let labelled = truth::write(&wish, &self.folder, &|done| bar.set_position(done))
            .with_context(|| format!("writing into `{}`", self.folder.display()))?;
        bar.finish_and_clear();
        match output {
            Output::Json => {
                labelled.extracts.iter().for_each(json_line);
                show::json_line(&truth_json(&labelled, wish.noise));
            }
            Output::Table => {
                tables(&labelled.extracts);
                truth_tables(&labelled, wish.noise);
            }
        }
        Ok(Exit::Done)
    }
}

impl From<Noise> for truth::Noise {
    fn from(noise: Noise) -> Self {
        match noise {
            Noise::Calm => Self::Calm,
            Noise::Real => Self::Real,
            Noise::Harsh => Self::Harsh,
        }
    }
}

impl From<Nirs> for truth::Nirs {
    fn from(nirs: Nirs) -> Self {
        match nirs {
            Nirs::All => Self::All,
            Nirs::Two => Self::Two,
            Nirs::None => Self::None,
        }
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

fn bar(households: u64, output: Output) -> ProgressBar {
    if output == Output::Json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} households  {per_sec}  {eta} left");
    ProgressBar::new(households).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
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

fn truth_json(labelled: &Labelled, noise: truth::Noise) -> serde_json::Value {
    let kinds = Kind::all().flat_map(|kind| Source::ALL.map(|source| (kind, source)));
    let noise = kinds.filter_map(|(kind, source)| {
        let (could, did) = labelled.tally.of(kind, source);
        let declared = kind.share(noise, source);
        (could > 0).then(|| {
            json!({
                "kind": kind.word(),
                "source": source.word(),
                "declared_per_ten_thousand": declared,
                "could": could,
                "did": did,
            })
        })
    });
    json!({
        "truth": labelled.truth,
        "rows": labelled.rows,
        "persons": labelled.persons,
        "noise": noise.collect::<Vec<_>>(),
    })
}

fn truth_tables(labelled: &Labelled, noise: truth::Noise) {
    let (file, rows) = (labelled.truth.display().to_string(), labelled.rows.to_string());
    show::table(&["truth", "rows", "persons"], vec![vec![file, rows, labelled.persons.to_string()]]);
    let cell = |kind: Kind, source: Source| match labelled.tally.of(kind, source) {
        (0, _) => String::new(),
        (could, did) => format!("{} of {could} ({})", did, kind.share(noise, source)),
    };
    let rows = Kind::all().map(|kind| {
        let mut row = vec![kind.word().replace('_', " ")];
        row.extend(Source::ALL.map(|source| cell(kind, source)));
        row
    });
    show::table(&["noise (declared in 10 000)", "caf", "france-travail", "departement"], rows.collect());
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
