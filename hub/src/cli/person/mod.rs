//! `dlnuf person show|history|why`: what is known of a person, what was, and why.

mod history;
mod place;
mod show;
mod verdict;
mod why;

use clap::{Args, Subcommand};
use hub_core::code::Code;
use hub_core::delivery::PersonId;
use hub_core::store::{KnownPerson, Store, Version};
use jiff::Timestamp;
use uuid::Uuid;

use super::language::{Said, either};
use super::{Exit, Output};
use crate::installation;
use crate::settings::Settings;

pub use show::{brief, record};

/// Subcommands of `person`.
#[derive(Debug, Subcommand)]
pub enum Person {
    /// Show the person's record, each value with its origin: now, or as it was known at a date
    Show(show::Show),
    /// List the versions of the record: when each was known, what changed, and what changed it
    History(History),
    /// Tell why a field holds its value, down to the file, the line and the rule, and why other values are not kept
    Why(why::Why),
}

/// Arguments of `person history`.
#[derive(Debug, Args)]
pub struct History {
    /// The person
    id: Uuid,
}

/// Rulings looked through for one that held once.
const RULINGS: u32 = 100_000;

impl Person {
    /// Runs the command.
    ///
    /// # Errors
    /// When the person or field does not exist, or the store cannot be read.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let canon = installation::canon()?;
        let store = installation::open_existing(settings, &canon).await?;
        let store = store.as_ref();
        match self {
            Self::Show(show::Show { id, at: Some(at), .. }) => {
                let (id, version) = known_at(store, PersonId(id), at).await?;
                show::version(&canon, id.0, &version, output);
            }
            Self::Show(show::Show { id, all_values: false, .. }) => {
                record(&canon, &find(store, PersonId(id)).await?, output);
            }
            Self::Show(show::Show { id, .. }) => {
                let precedence = installation::mapping_files(settings)?.precedence()?;
                show::record_and_others(&canon, &precedence, &find(store, PersonId(id)).await?, output);
            }
            Self::History(History { id }) => history::tell(store, &canon, PersonId(id), output).await?,
            Self::Why(why) => {
                let person = find(store, PersonId(why.id)).await?;
                let files = installation::mapping_files(settings)?;
                why::tell((store, &canon, &files), &person, &why.field, output).await?;
            }
        }
        Ok(Exit::Done)
    }
}

/// The person, or the one it was found to be.
async fn find(store: &dyn Store, id: PersonId) -> anyhow::Result<KnownPerson> {
    let person = known(store, id).await?;
    let Some(into) = person.merged_into else { return Ok(person) };
    eprintln!(
        "{}",
        either(
            format!("`{id}` est la même personne que `{into}` : voici ce qui en est connu."),
            format!("`{id}` was found to be `{into}`: this is what is known of them."),
        )
    );
    known(store, into).await
}

async fn known(store: &dyn Store, id: PersonId) -> anyhow::Result<KnownPerson> {
    Ok(store.persons(&[id]).await?.pop().ok_or_else(|| unknown(id))?)
}

fn unknown(id: PersonId) -> Said {
    let french = format!("il n'y a pas de personne `{id}`");
    Said::either(Code::NotFound, french, format!("there is no person `{id}`"))
}

/// Who a person was ruled to be at an instant, by a ruling undone since.
async fn ruled_to_be(store: &dyn Store, id: PersonId, at: Timestamp) -> anyhow::Result<Option<PersonId>> {
    let rulings = store.rulings(RULINGS).await?;
    let held = rulings.into_iter().find(|ruling| {
        let undone = ruling.undone.as_ref().is_some_and(|(undone, _)| *undone > at);
        ruling.at <= at && undone && ruling.absorbed.iter().any(|absorbed| absorbed.person == id)
    });
    Ok(held.map(|ruling| if ruling.persons.0 == id { ruling.persons.1 } else { ruling.persons.0 }))
}

/// Who a person was ruled to be while nothing was known under its own name.
async fn ruled_to_be_in(
    store: &dyn Store,
    id: PersonId,
    version: &Version,
) -> anyhow::Result<Option<PersonId>> {
    match version.from {
        Some(from) => ruled_to_be(store, id, from).await,
        None => Ok(None),
    }
}

/// What was known of a person at an instant; of one absorbed before, under the name of who absorbed it.
async fn known_at(store: &dyn Store, id: PersonId, at: Timestamp) -> anyhow::Result<(PersonId, Version)> {
    let history = store.history(id).await?;
    let first = history.first().ok_or_else(|| unknown(id))?.from;
    let begun = |version: &Version| version.from.is_none_or(|from| from <= at);
    let then = history.into_iter().rfind(begun).ok_or_else(|| {
        let since = first.map(|first| first.to_string()).unwrap_or_default();
        let french = format!("`{id}` n'était pas encore connue le {at}, elle l'est depuis le {since}");
        Said::either(Code::NotYetKnown, french, format!("`{id}` was not known at {at}, it is since {since}"))
    })?;
    let into = match then.end {
        None => known(store, id).await?.merged_into,
        // Found to be another one then, and somebody again since.
        Some(_) if then.state.fields.is_empty() => ruled_to_be(store, id, at).await?,
        Some(_) => None,
    };
    if let Some(into) = into {
        eprintln!(
            "{}",
            either(
                format!("`{id}` était déjà la même personne que `{into}` : voici ce qui en était connu."),
                format!("`{id}` had been found to be `{into}`: this is what was known of them."),
            )
        );
        return Box::pin(known_at(store, into, at)).await;
    }
    if then.from.is_none() {
        eprintln!(
            "{}",
            either(
                "les versions d'avant la tenue des historiques manquent : celle-ci est la plus ancienne gardée.",
                "versions from before histories were kept are missing: this is the oldest one there is.",
            )
        );
    }
    Ok((id, then))
}
