//! `dlnuf notices`: what operators were told, the latest last.

use std::collections::VecDeque;

use serde_json::json;

use super::list::{List, minutes};
use super::{Exit, Output, language, show};
use crate::installation;
use crate::notice::{NOTICES, Notice};
use crate::settings::Settings;

/// Notices read at once.
const PAGE: u32 = 1_000;

/// Runs the command.
///
/// # Errors
/// When the store cannot be read.
pub async fn run(most: List, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
    let store = installation::open_existing(settings, &installation::canon()?).await?;
    let limit = usize::try_from(most.limit).unwrap_or(usize::MAX);
    let (mut latest, mut after) = (VecDeque::<Notice>::new(), String::new());
    loop {
        let page = NOTICES.page(store.as_ref(), &after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        latest.extend(page.into_iter().map(|(_, notice)| notice));
        while latest.len() > limit {
            latest.pop_front();
        }
    }
    for Notice { at, source, code, detail } in latest {
        let entry = language::told(code.entry());
        if output == Output::Json {
            show::json_line(&json!({
                "at": at.to_string(), "source": source, "code": code, "title": entry.title, "detail": detail, "remedy": entry.remedy,
            }));
        } else {
            show::line(format_args!("{} UTC  {source}  {code} {}", minutes(at), entry.title));
            show::line(format_args!("  {}", in_words(&entry.cause, &detail)));
            show::line(format_args!("  → {}", entry.remedy));
        }
    }
    Ok(Exit::Done)
}

/// What happened, in the reader's language; what a place answered is told as it was.
fn in_words(cause: &str, detail: &str) -> String {
    let french = match detail.strip_prefix("expected by ") {
        Some(hour) => format!("{cause} (attendu à {hour})"),
        None => format!("{cause} [{detail}]"),
    };
    language::either(french, detail.to_owned())
}
