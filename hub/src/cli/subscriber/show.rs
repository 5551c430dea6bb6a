//! One subscriber: what is declared of it, and what it would be told of a person.

use clap::Args;
use hub_core::clock::Clock as _;
use hub_core::delivery::PersonId;
use hub_core::statement::Stated;
use hub_core::subscription::{Kin, Lens, Scope, Standing, Step, family_word};
use serde_json::json;
use uuid::Uuid;

use super::Desk;
use crate::api::subscription_in_json;
use crate::cli::language::either;
use crate::cli::{Exit, Output, show};
use crate::clock::MachineClock;
use crate::installation;
use crate::settings::Settings;

/// Arguments of `test`.
#[derive(Debug, Args)]
pub struct Test {
    /// Its name (`dlnuf subscriber list`)
    name: String,
    /// The person, as the hub knows it
    #[arg(long)]
    person: Uuid,
}

/// Shows what is declared of a subscriber, field by field.
pub(super) fn subscription(desk: &Desk, name: &str, output: Output) -> anyhow::Result<Exit> {
    let subscription = desk.subscription(name)?;
    let scope = desk.declared.scopes.get(&subscription.profile);
    let fields = scope.into_iter().flat_map(Scope::fields);
    let fields: Vec<&str> = fields.map(|field| desk.canon.field(field).path.as_str()).collect();
    if output == Output::Json {
        let mut value = subscription_in_json(subscription);
        if let Some(object) = value.as_object_mut() {
            object.insert("champs".to_owned(), json!(fields));
        }
        show::json_line(&value);
        return Ok(Exit::Done);
    }
    let families: Vec<&str> = subscription.families.iter().map(|family| family_word(*family)).collect();
    let families = if families.is_empty() { either("tous", "all").to_owned() } else { families.join(", ") };
    let territory = match subscription.territory.codes().join(", ").as_str() {
        "*" => either("tout le territoire", "everywhere").to_owned(),
        codes => codes.to_owned(),
    };
    let words = either(
        ["titre", "profil", "finalité", "base légale", "expire", "territoire", "événements", "canal"],
        ["title", "profile", "purpose", "legal basis", "expires", "territory", "events", "channel"],
    );
    let values = [
        subscription.title.clone(),
        subscription.profile.to_string(),
        subscription.purpose.clone(),
        subscription.basis.clone(),
        subscription.expires.to_string(),
        territory,
        families,
        subscription.channel.word().to_owned(),
    ];
    let rows = words.into_iter().zip(values).map(|(word, value)| vec![word.to_owned(), value]);
    show::table(&[name, ""], rows.collect());
    show::line(either("\nce qu'il peut savoir", "\nwhat it may know"));
    for field in fields {
        show::line(format_args!("  {field}"));
    }
    Ok(Exit::Done)
}

impl Test {
    /// Prints the event that would make the person known to the subscriber.
    pub(super) async fn run(self, desk: &Desk, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let subscription = desk.subscription(&self.name)?;
        let store = installation::open_existing(settings, &desk.canon).await?;
        let found = store.persons(&[PersonId(self.person)]).await?;
        let Some((person, by)) =
            found.first().and_then(|person| Some((person, person.state.origins.first()?)))
        else {
            anyhow::bail!(
                "{}",
                either("personne de ce nom n'est connu", "nobody is known under this identifier")
            );
        };
        let scope = desk.declared.scopes.get(&subscription.profile);
        let scope = scope.ok_or_else(|| anyhow::anyhow!("no profile `{}`", subscription.profile))?;
        let lens = Lens {
            canon: &desk.canon,
            scope,
            territories: std::slice::from_ref(&subscription.territory),
            pseudonyms: &installation::pseudonyms(settings)?,
        };
        let (before, at) = (Stated::default(), MachineClock.now());
        let step = Step { saw: &before, after: &person.state, by, created: true, kin: Kin::None, at };
        let (events, _) = lens.tell(person.id, Standing::default(), step);
        match events.as_slice() {
            [] => eprintln!(
                "{}",
                either(
                    "rien : la personne est hors de son territoire, ou rien de ce qu'il peut savoir n'est connu",
                    "nothing: the person is out of its territory, or nothing it may know is known"
                )
            ),
            events => events.iter().for_each(|event| match output {
                Output::Json => show::line(&event.json),
                Output::Table => {
                    let value: serde_json::Value = serde_json::from_str(&event.json).unwrap_or_default();
                    show::line(format_args!("{}\n{value:#}", event.routing_key));
                }
            }),
        }
        Ok(Exit::Done)
    }
}
