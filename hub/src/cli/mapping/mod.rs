//! `dlnuf mapping lint|test|try|…`: an integrator's daily commands; no store is written to.

mod coverage;
mod docs;
mod impact;
mod new;
mod themes;
mod told;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use connectors::BuiltIn;
use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::connector::Formats;
use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};
use serde_json::json;

use super::{Exit, Output, language, show};
use crate::installation;
use crate::mappings::{MappingFiles, Mistake, is_mapping};
use crate::settings::Settings;
use crate::workbench::cases::expectation;
use crate::workbench::{run_case, try_mapping};

/// Subcommands of `mapping`.
#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// Check every mapping; mistakes are underlined, with a code and a proposal
    Lint,
    /// Run the cases beside the mappings
    Test(Test),
    /// Show what a mapping makes of a file; nothing is stored
    Try(Try),
    /// What the mappings in force make of archived deliveries, against others: counts, and the events that would go
    Impact(impact::Impact),
    /// A page a mapping for those who read no YAML, in French (in English where LANG is of another language)
    Docs(docs::Docs),
    /// Which code of which vocabulary speaks of which frein, in French
    Themes(themes::Themes),
    /// A mapping to begin with, from a real extract or an XML schema; none of its values is kept
    New(new::New),
    /// Write the mappings in force into a new folder, to change them there
    Export {
        /// The folder, which must not exist yet
        folder: PathBuf,
    },
}

/// Arguments of `mapping test`.
#[derive(Debug, Args)]
pub struct Test {
    /// Only mappings whose name contains this
    filter: Option<String>,
    /// Tell what the cases go through instead: rules, branches, entries of code lists; and the fields no rule reads
    #[arg(long)]
    coverage: bool,
    /// With `--coverage`: fail (exit 5) when a mapping has less of its rules and branches gone through, in percent
    #[arg(long, value_name = "PERCENT", requires = "coverage", value_parser = clap::value_parser!(u8).range(..=100))]
    min: Option<u8>,
}

/// Arguments of `mapping try`.
#[derive(Debug, Args)]
pub struct Try {
    /// The source, or a mapping's full name such as caf/vrsb0801
    mapping: String,
    /// The file
    file: PathBuf,
    /// Only the record of this number
    #[arg(long, value_name = "NUMBER")]
    record: Option<u64>,
    /// Print what is found as the `expected.yaml` of a case
    #[arg(long)]
    expected: bool,
}

impl MappingCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// When files cannot be read.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let canon = installation::canon()?;
        // Where there is no folder of mappings yet, the first new one makes it.
        let files = || installation::mapping_files(settings);
        match self {
            Self::Lint => lint(&files()?, &canon, output),
            Self::Test(test) => test.run(&files()?, &canon, output),
            Self::Try(trial) => trial.run(&files()?, &canon),
            Self::Impact(impact) => impact.run(settings, output).await,
            Self::Docs(docs) => docs.run(&files()?, &canon),
            Self::Themes(themes) => themes.run(&canon, output),
            Self::New(new) => new.run(settings, &canon),
            Self::Export { folder } => {
                let count =
                    files()?.write_to(&folder).with_context(|| format!("writing `{}`", folder.display()))?;
                show::line(format_args!("{count} files; use them with --mappings {}", folder.display()));
                Ok(Exit::Done)
            }
        }
    }
}

impl Test {
    fn run(self, files: &MappingFiles, canon: &Canon, output: Output) -> anyhow::Result<Exit> {
        let filter = self.filter.as_deref().unwrap_or_default();
        if self.coverage {
            return coverage::tell(files, canon, (filter, usize::from(self.min.unwrap_or(0))), output);
        }
        cases(files, canon, filter, output)
    }
}

fn lint(files: &MappingFiles, canon: &Canon, output: Output) -> anyhow::Result<Exit> {
    let (_, mistakes) = files.compile_all(canon);
    let count = files.iter().filter(|(name, _)| is_mapping(name)).count();
    for mistake in &mistakes {
        tell(mistake, output);
    }
    if output == Output::Table {
        show::line(format_args!("{}, {}", counted(count, "mapping"), counted(mistakes.len(), "mistake")));
    }
    anyhow::ensure!(count > 0, "no mapping here: expected files such as `caf/vrsb0801.yaml`");
    Ok(if mistakes.is_empty() { Exit::Done } else { Exit::Mistakes })
}

/// A number of things, in words.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Prints a mistake: underlined, or as one JSON value.
pub(super) fn tell(mistake: &Mistake, output: Output) {
    let diagnostic = &mistake.diagnostic;
    if output == Output::Json {
        show::json_line(&json!({
            "file": mistake.file, "code": diagnostic.code, "message": diagnostic.message, "help": diagnostic.help,
            "from": diagnostic.span.start, "to": diagnostic.span.end,
        }));
        return;
    }
    let remedy = || language::told(diagnostic.code.entry()).remedy.clone();
    let shown = MietteDiagnostic::new(diagnostic.message.clone())
        .with_code(diagnostic.code.to_string())
        .with_help(diagnostic.help.clone().unwrap_or_else(remedy))
        .with_label(LabeledSpan::at(
            diagnostic.span.clone(),
            language::told(diagnostic.code.entry()).title.clone(),
        ));
    eprintln!(
        "{:?}",
        Report::new(shown).with_source_code(NamedSource::new(&mistake.file, mistake.text.clone()))
    );
}

fn cases(files: &MappingFiles, canon: &Canon, filter: &str, output: Output) -> anyhow::Result<Exit> {
    let catalogue = files.compile(canon)?;
    let (mut passed, mut failed) = (0, 0);
    let unfinished = files.unfinished_cases().into_iter().map(|name| {
        (name, vec!["expected `input.*` and `expected.yaml` in the folder, found not both".to_owned()])
    });
    let unfinished = unfinished.filter(|(name, _)| name.replace("/cases/", "/").contains(filter));
    let ran = files.cases().filter(|case| case.mapping.contains(filter)).map(|case| {
        let differences = match catalogue.named(&case.mapping) {
            None => vec![format!("there is no mapping `{}`", case.mapping)],
            Some(mapping) => run_case(&mapping, canon, &case)
                .unwrap_or_else(|error| vec![format!("`expected.yaml` cannot be read: {error}")]),
        };
        (case.name.to_owned(), differences)
    });
    for (name, differences) in ran.chain(unfinished) {
        let fine = differences.is_empty();
        *(if fine { &mut passed } else { &mut failed }) += 1;
        tell_case(&name, &differences, output);
    }
    if output == Output::Table {
        show::line(format_args!("{passed} passed, {failed} failed"));
    }
    anyhow::ensure!(passed + failed > 0 || filter.is_empty(), "no case of a mapping named like `{filter}`");
    Ok(if failed == 0 { Exit::Done } else { Exit::Mistakes })
}

fn tell_case(name: &str, differences: &[String], output: Output) {
    let fine = differences.is_empty();
    match output {
        Output::Json => {
            show::json_line(&json!({ "case": name, "passed": fine, "differences": differences }));
        }
        Output::Table => {
            show::line(format_args!("{} {name}", if fine { "ok  " } else { "FAIL" }));
            for line in differences {
                show::line(format_args!("       {line}"));
            }
        }
    }
}

impl Try {
    fn run(self, files: &MappingFiles, canon: &Canon) -> anyhow::Result<Exit> {
        let catalogue = files.compile(canon)?;
        let bytes =
            std::fs::read(&self.file).with_context(|| format!("reading `{}`", self.file.display()))?;
        let mapping = if let Some(mapping) = catalogue.named(&self.mapping) {
            mapping
        } else {
            let head = bytes.get(..bytes.len().min(64 << 10)).unwrap_or_default();
            let filename = self.file.file_name().map(|name| name.to_string_lossy().into_owned());
            let probe = BuiltIn.probe(head).map_err(anyhow::Error::from)?;
            catalogue.choose(&self.mapping, &probe, filename.as_deref())?
        };
        let trial = try_mapping(&mapping, canon, &bytes)?;
        if trial.read_as.is_some() {
            let code = Code::ReadAsWindows;
            eprintln!("{code} {}", language::told(code.entry()).title);
        }
        let trial = match self.record {
            Some(record) => trial.only(record),
            None => trial,
        };
        let ended = if trial.rejects.is_empty() { Exit::Done } else { Exit::Rejects };
        if self.expected {
            show::line(expectation(&trial.to_json(canon)).trim_end());
            return Ok(ended);
        }
        let mut shown = trial.to_json(canon);
        if let Some(object) = shown.as_object_mut() {
            object.insert("mapping".to_owned(), json!(mapping.name()));
        }
        show::line(serde_json::to_string_pretty(&shown)?);
        Ok(ended)
    }
}
