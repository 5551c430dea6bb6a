//! `dlnuf mapping new SOURCE/NAME --from SAMPLE`: a mapping to begin with, from a real extract or an XML schema.
//!
//! It is written at its place in the mappings folder, or printed. A file that is there is never written over.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use hub_core::canonical::Canon;

use super::super::{Exit, show};
use crate::mappings::MappingFiles;
use crate::settings::Settings;
use crate::workbench::skeleton::{Sample, input, look, look_at_schema, to_yaml};
use crate::workbench::{cases, try_mapping};

/// Arguments of `mapping new`.
#[derive(Debug, Args)]
pub struct New {
    /// The mapping's name, such as mission-locale/jeunes
    name: String,
    /// A real extract (XML, CSV, JSON), of which no value is kept, or its XML schema (.xsd)
    #[arg(long, value_name = "SAMPLE")]
    from: PathBuf,
    /// The repeated element from the root (`Envoi/Foyer`), or the array in a JSON object, when it is not found rightly
    #[arg(long, value_name = "PATH")]
    record: Option<String>,
    /// The first line of a CSV names its columns, although it does not look so
    #[arg(long)]
    header: bool,
    /// Write a first case beside it, of two invented persons
    #[arg(long)]
    case: bool,
}

impl New {
    /// Runs the command.
    ///
    /// # Errors
    /// When the sample cannot be read, or a file would be written over.
    pub(super) fn run(self, settings: &Settings, canon: &Canon) -> anyhow::Result<Exit> {
        anyhow::ensure!(
            is_name(&self.name),
            "expected a name such as `mission-locale/jeunes`: a source and a mapping, in small letters, digits and dashes"
        );
        let bytes = fs::read(&self.from).with_context(|| format!("reading `{}`", self.from.display()))?;
        let schema = self.from.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xsd"));
        let record = self.record.as_deref();
        let sample = if schema { look_at_schema(&bytes, record) } else { look(&bytes, record, self.header) };
        let sample = sample.with_context(|| format!("looking at `{}`", self.from.display()))?;
        let yaml = to_yaml(&sample, &self.name);
        let Some(folder) = &settings.mappings else {
            anyhow::ensure!(
                !self.case,
                "a case is written beside its mapping: say where with `--mappings DIR`"
            );
            show::line(yaml.trim_end());
            return Ok(Exit::Done);
        };
        let file = folder.join(format!("{}.yaml", self.name));
        write_new(&file, yaml.as_bytes())?;
        show::line(format_args!("{}; next:", file.display()));
        if self.case {
            self.write_case(folder, &sample, (&yaml, canon))?;
        }
        let (folder, from) = (folder.display(), self.from.display());
        show::line(format_args!("  dlnuf --mappings {folder} mapping lint"));
        if !schema {
            show::line(format_args!("  dlnuf --mappings {folder} mapping try {} {from}", self.name));
        }
        show::line("  then each line marked `à vérifier`, and the source's rank in precedence.yaml");
        Ok(Exit::Done)
    }

    fn write_case(
        &self,
        folder: &Path,
        sample: &Sample,
        (yaml, canon): (&str, &Canon),
    ) -> anyhow::Result<()> {
        let (source, name) = self.name.split_once('/').unwrap_or_default();
        let case = folder.join(source).join("cases").join(name).join("exemple");
        let input = input(sample);
        let compiled = MappingFiles::default().compile_one(&format!("{}.yaml", self.name), yaml, canon);
        let mapping =
            compiled.map_err(|mistakes| anyhow::anyhow!("the skeleton has {} mistakes", mistakes.len()))?;
        let made = try_mapping(&mapping, canon, &input)?.to_json(canon);
        write_new(&case.join(format!("input.{}", sample.extension())), &input)?;
        write_new(&case.join("expected.yaml"), cases::expectation(&made).as_bytes())?;
        show::line(format_args!("  {}: a case of invented persons", case.display()));
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
    };
    name.split('/').count() == 2 && name.split('/').all(word)
}

fn write_new(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    anyhow::ensure!(!file.exists(), "`{}` is there already: it is not written over", file.display());
    let folder = file.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(file, bytes));
    written.with_context(|| format!("writing `{}`", file.display()))
}
