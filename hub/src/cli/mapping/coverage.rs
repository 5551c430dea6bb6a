//! `dlnuf mapping test --coverage`: what the cases go through, and what they do not, with file and line.

use hub_core::canonical::Canon;
use serde_json::json;

use super::super::{Exit, Output, show};
use crate::mappings::MappingFiles;
use crate::workbench::coverage::{Coverage, Share, cover};

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
        let coverage = cover(mapping, canon, files.cases().filter(|case| case.mapping == mapping.id));
        lowest = lowest.min(coverage.percent());
        match output {
            Output::Json => tell_json(&coverage)?,
            Output::Table => tell_person(&coverage),
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

fn tell_person(coverage: &Coverage) {
    let Coverage { mapping, cases, .. } = coverage;
    show::line(format_args!("{mapping} — {} % of rules and branches, by {cases} cases", coverage.percent()));
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
    for untouched in &coverage.untouched {
        let field = untouched.field.as_deref().map(|field| format!("`{field}` ")).unwrap_or_default();
        show::line(format_args!("  {}:{} {field}{}", untouched.file, untouched.line, untouched.what));
    }
    if !coverage.unread.is_empty() {
        show::line("  fields of the inputs that no rule reads:");
        for field in &coverage.unread {
            show::line(format_args!("    {field}"));
        }
    }
}
