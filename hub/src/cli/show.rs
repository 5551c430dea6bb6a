//! Tables, reports and failures as a person reads them.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
};
use hub_core::code::Code;
use hub_core::delivery::{Status, Warning};
use hub_core::pipeline::Report;
use serde_json::{Value as Json, json};

use super::language::{Said, counted, either};
use super::{Exit, Output, language};
use crate::decision::DecisionError;
use crate::pull::PullError;
use crate::settings::Settings;
use crate::sources::SourcesError;

/// A heading, a rule, and rows close together.
const RULED: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none());

/// Prints a line. A reader that went away (`| head`) has seen enough, and ends nothing; output that is lost is a failure.
pub fn line(text: impl Display) {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("error: the output cannot be written: {error}");
            std::process::exit(Exit::Failed as i32);
        }
        _ => {}
    }
}

/// Widest column that is never cut, in characters: a field's name, an identifier.
const WORD: usize = 44;

/// Prints rows under headings; a column of whole numbers stands to the right, a column of single words is never cut.
pub fn table(headings: &[&str], rows: Vec<Vec<String>>) {
    let mut table = Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings.iter().copied());
    let number = |row: &Vec<String>, at| {
        row.get(at).is_none_or(|text: &String| text.bytes().all(|b| b.is_ascii_digit()))
    };
    let numbers: Vec<bool> = (0..headings.len()).map(|at| rows.iter().all(|row| number(row, at))).collect();
    let word = |row: &Vec<String>, at: usize| {
        row.get(at).is_none_or(|text| text.chars().count() <= WORD && !text.contains(char::is_whitespace))
    };
    let words: Vec<usize> = (0..headings.len()).filter(|at| rows.iter().all(|row| word(row, *at))).collect();
    for row in rows {
        table.add_row(row.into_iter().zip(&numbers).map(|(text, number)| {
            Cell::new(text).set_alignment(if *number { CellAlignment::Right } else { CellAlignment::Left })
        }));
    }
    // An identifier is copied to the next command: cut in pieces it cannot be.
    for (_, column) in table.column_iter_mut().enumerate().filter(|(at, _)| words.contains(at)) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    line(table.trim_fmt());
}

/// Prints one JSON value on one line.
pub fn json_line(value: &Json) {
    line(value);
}

/// Prints a run's report.
pub fn report(report: &Report, file: &str, output: Output) -> anyhow::Result<()> {
    if output == Output::Json {
        let mut value = serde_json::to_value(report)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("warnings".to_owned(), serde_json::to_value(in_words(&report.warnings))?);
            object.insert("file".to_owned(), json!(file));
        }
        json_line(&value);
        return Ok(());
    }
    counts(report, file);
    if let (Some(run), true) = (report.run, report.counts.rejected > 0) {
        let see = either("pour voir les enregistrements refusés :", "see the refused records:");
        line(format_args!("  {see} dlnuf rejects {run}"));
    }
    Ok(())
}

/// Prints what a run counted and has to tell, for a person.
pub fn counts(report: &Report, file: &str) {
    let counts = &report.counts;
    let mapping = match (report.status, report.mapping.as_str()) {
        (Status::AlreadyReceived, _) => String::new(),
        (_, "") => either(" (sans correspondance)", " (no mapping)").to_owned(),
        (_, mapping) => format!(" ({mapping})"),
    };
    line(format_args!("{file} — {}{mapping}", language::status(report.status)));
    if matches!(report.status, Status::Held | Status::AlreadyReceived) {
        return told_apart(report);
    }
    let records = counted(counts.records, ["enregistrement", "enregistrements"], ["record", "records"]);
    let events = counted(counts.events, ["événement", "événements"], ["event", "events"]);
    let (unchanged, refused) = (counts.unchanged, counts.rejected);
    // Of those who changed, those made are told by themselves.
    let (made, changed, gone) = (counts.persons, counts.changed.saturating_sub(counts.persons), counts.gone);
    let made = counted(made, ["créée", "créées"], ["person created", "persons created"]);
    let changed = counted(changed, ["modifiée", "modifiées"], ["changed", "changed"]);
    let gone = counted(gone, ["absente", "absentes"], ["gone", "gone"]);
    let refused = counted(refused, ["refusé", "refusés"], ["refused", "refused"]);
    line(either(
        format_args!(
            "  {records} : {unchanged} sans changement, {refused} ; personnes : {made}, {changed}, {gone} ; {events}"
        ),
        format_args!("  {records}: {unchanged} unchanged, {refused}; {made}, {changed}, {gone}; {events}"),
    ));
    warnings(&report.warnings);
}

/// A delivery of which nothing was taken in: why, and what to do.
fn told_apart(report: &Report) {
    warnings(&report.warnings);
    remedies(report.warnings.iter().map(|warning| warning.code));
}

fn warnings(warnings: &[Warning]) {
    for warning in warnings {
        let field = warning.field.as_deref().map(|field| format!(" [{field}]")).unwrap_or_default();
        let place = if warning.first_record > 0 {
            format!(
                "{} {}",
                either(", d'abord à l'enregistrement", ", first at record"),
                warning.first_record
            )
        } else {
            String::new()
        };
        let message = detail(warning.code, &warning.message);
        line(format_args!("  {} × {}{field} {message}{place}", warning.count, warning.code));
    }
}

/// Warnings with their message in the reader's language.
pub fn in_words(warnings: &[Warning]) -> Vec<Warning> {
    let told =
        |warning: &Warning| Warning { message: detail(warning.code, &warning.message), ..warning.clone() };
    warnings.iter().map(told).collect()
}

/// What was found wrong, its title in the reader's language; what follows it as it is.
pub fn detail(code: Code, text: &str) -> String {
    let entry = code.entry();
    let titles = [&entry.fr.title, &entry.en.title];
    match titles.into_iter().find_map(|title| text.strip_prefix(title.as_str())) {
        Some(rest) => format!("{}{rest}", language::told(entry).title),
        None => text.to_owned(),
    }
}

/// What to do about each code, once.
pub fn remedies(codes: impl Iterator<Item = Code>) {
    let codes: BTreeSet<Code> = codes.collect();
    for code in codes {
        line(format_args!("  {code} → {}", language::told(code.entry()).remedy));
    }
}

/// Prints an error, its causes, and what to do when a code says it.
pub fn failure(error: &anyhow::Error) {
    told(either("erreur ", "error"), error);
}

/// Prints what did not work and spoils nothing, in the same way.
pub fn setback(error: &anyhow::Error) {
    told(either("avertissement ", "warning"), error);
}

fn told(weight: &str, error: &anyhow::Error) {
    eprintln!("{weight}: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  {}: {cause}", either("parce que ", "because"));
    }
    if let Some(code) = code_of(error) {
        eprintln!("  {code} — {}", language::told(code.entry()).remedy);
    }
}

/// The code of what failed, if it has one.
pub fn code_of(error: &anyhow::Error) -> Option<Code> {
    use hub_core::broker::BrokerError;
    use hub_core::pipeline::RunError;
    use hub_core::publisher::PublishError;
    use hub_core::store::StoreError;
    use hub_core::transport::TransportError;
    error.chain().find_map(|cause| {
        let run = cause.downcast_ref::<RunError>().map(RunError::code);
        run.or_else(|| cause.downcast_ref::<StoreError>().map(StoreError::code))
            .or_else(|| cause.downcast_ref::<PublishError>().map(PublishError::code))
            .or_else(|| cause.downcast_ref::<BrokerError>().map(BrokerError::code))
            .or_else(|| cause.downcast_ref::<DecisionError>().map(DecisionError::code))
            .or_else(|| cause.downcast_ref::<TransportError>().map(|error| error.code))
            .or_else(|| cause.downcast_ref::<SourcesError>().map(SourcesError::code))
            .or_else(|| cause.downcast_ref::<PullError>().map(PullError::code))
            .or_else(|| cause.downcast_ref::<Said>().map(|said| said.code))
    })
}

/// Prints the settings in force; a store's URL is shown without its password.
pub fn config(settings: &Settings, output: Output) {
    let home = settings.home.display().to_string();
    let store = without_password(&settings.store_url());
    let archive = settings.archive_place();
    let broker = settings.broker.as_deref().map_or_else(|| "none".to_owned(), without_password);
    let sources = settings.sources_file();
    let sources = if sources.exists() { sources.display().to_string() } else { "none".to_owned() };
    let subscriptions = settings.subscriptions_folder();
    let subscriptions =
        if subscriptions.exists() { subscriptions.display().to_string() } else { "none".to_owned() };
    let mappings = settings
        .mappings
        .as_ref()
        .map_or_else(|| "built in".to_owned(), |folder| folder.display().to_string());
    match output {
        Output::Json => {
            json_line(&json!({
                "home": home, "store": store, "archive": archive, "broker": broker, "mappings": mappings, "sources": sources,
                "subscriptions": subscriptions,
            }));
        }
        Output::Table => table(
            &["setting", "value", "set by"],
            vec![
                vec!["home".into(), home, "--home, DLNUF_HOME".into()],
                vec!["store".into(), store, "--store, DLNUF_STORE".into()],
                vec!["archive".into(), archive, "--archive, DLNUF_ARCHIVE".into()],
                vec!["broker".into(), broker, "--broker, DLNUF_BROKER".into()],
                vec!["mappings".into(), mappings, "--mappings, DLNUF_MAPPINGS".into()],
                vec!["sources".into(), sources, "--sources, DLNUF_SOURCES".into()],
                vec!["subscriptions".into(), subscriptions, "--subscriptions, DLNUF_SUBSCRIPTIONS".into()],
            ],
        ),
    }
}

fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:•••@{host}")
        }
        None => url.to_owned(),
    }
}
