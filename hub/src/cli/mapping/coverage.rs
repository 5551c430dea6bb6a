//! `dlnuf mapping test --coverage`: what the cases go through, and what they do not, with file and line.

use std::collections::BTreeMap;

use hub_core::canonical::Canon;
use serde_json::json;

use super::super::{Exit, Output, show};
use super::counted;
use crate::mappings::MappingFiles;
use crate::workbench::coverage::{Coverage, Share, Untouched, cover};

/// Codes of a list named to a person; `--output json` names all, with their lines.
const CODES: usize = 12;

/// Tells the coverage of the mappings whose name contains `filter`; under `min` percent is a mistake.
///
/// # Errors
/// When the mappings hold mistakes, or none is named so.
pub(super) fn tell(
    files: &MappingFiles,
    canon: &Canon,
    (filter, min): (&str, usize),
    output: Output,
) -> anyhow::Result<Exit> {
    let catalogue = files.compile(canon)?;
    let mut lowest = usize::MAX;
    for mapping in catalogue.iter().filter(|mapping| mapping.id.contains(filter)) {
        let coverage = cover(files, mapping, canon);
        lowest = lowest.min(coverage.percent());
        match output {
            Output::Json => tell_json(&coverage)?,
            Output::Table => tell_person(files, &coverage),
        }
    }
    anyhow::ensure!(lowest != usize::MAX, "no mapping is named like `{filter}`");
    if lowest < min && output == Output::Table {
        show::line(format_args!("expected {min} % of rules and branches at least, found {lowest} %"));
    }
    Ok(if lowest < min { Exit::Mistakes } else { Exit::Done })
}

fn tell_json(coverage: &Coverage) -> anyhow::Result<()> {
    let mut value = serde_json::to_value(coverage)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("percent".to_owned(), json!(coverage.percent()));
    }
    show::json_line(&value);
    Ok(())
}

/// The line on which a mapping names the one it extends.
fn extends_at(files: &MappingFiles, mapping: &str) -> Option<u32> {
    let text = files.text(&format!("{mapping}.yaml"))?;
    let at = text.lines().position(|line| line.starts_with("extends:"))?;
    u32::try_from(at + 1).ok()
}

fn tell_person(files: &MappingFiles, coverage: &Coverage) {
    let Coverage { mapping, cases, .. } = coverage;
    show::line(format_args!(
        "{mapping} — {} % of rules and branches, by {}",
        coverage.percent(),
        counted(*cases, "case")
    ));
    let share = |what: &str, share: Share| {
        show::line(format_args!(
            "  {what:<28} {:>4} of {:<4} {:>3} %",
            share.done,
            share.of,
            share.percent()
        ));
    };
    share("rules that gave a value", coverage.rules);
    share("branches taken", coverage.branches);
    share("entries of code lists used", coverage.entries);
    share("fields of the inputs read", coverage.fields);
    let rules = || coverage.untouched.iter().filter(|untouched| untouched.code.is_none());
    // What is inherited stands where the other mapping is named; the cases of that one are its matter.
    let inherited = |untouched: &&Untouched| Some(untouched.line) == extends_at(files, mapping);
    let count = rules().filter(inherited).count();
    if let Some(first) = rules().find(inherited) {
        let inherited = counted(count, "inherited rule");
        show::line(format_args!("  {}:{} {inherited} or branches not gone through", first.file, first.line));
    }
    for untouched in rules().filter(|untouched| !inherited(untouched)) {
        let field = untouched.field.as_deref().map(|field| format!("`{field}` ")).unwrap_or_default();
        show::line(format_args!("  {}:{} {field}{}", untouched.file, untouched.line, untouched.what));
    }
    let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Untouched { file, code, .. } in &coverage.untouched {
        lists.entry(file).or_default().extend(code.as_deref());
    }
    for (file, codes) in lists.into_iter().filter(|(_, codes)| !codes.is_empty()) {
        let (first, rest) = codes.split_at(codes.len().min(CODES));
        let more = if rest.is_empty() { "" } else { "…" };
        show::line(format_args!(
            "  {file}: {} met nowhere: {}{more}",
            counted(codes.len(), "code"),
            first.join(" ")
        ));
    }
    if !coverage.unread.is_empty() {
        show::line("  fields of the inputs that no rule reads:");
        for field in &coverage.unread {
            show::line(format_args!("    {field}"));
        }
    }
}
