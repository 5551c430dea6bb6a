//! What a subscriber refused for good: looked at without its values, and returned, one, all, or those of one cause.

use std::collections::BTreeMap;

use clap::Args;
use hub_core::clock::Clock as _;
use hub_core::delivery::PersonId;
use hub_core::store::{Store, StoreError};
use hub_core::subscription::{Subscription, Told, ask_for_repair, known_by};
use serde_json::json;
use uuid::Uuid;

use super::Desk;
use super::here::{queued, store};
use crate::broker::{DeadLetter, DeadLetters, Masked, Reader, is_the_last};
use crate::cli::language::{counted, either};
use crate::cli::{Exit, Output, show};
use crate::clock::MachineClock;
use crate::installation;
use crate::settings::Settings;

/// Arguments of `letters`.
#[derive(Debug, Args)]
pub struct Letters {
    /// Its name (`dlnuf subscriber list`)
    name: String,
}

/// Arguments of `return`.
#[derive(Debug, Args)]
pub struct Return {
    /// Its name (`dlnuf subscriber list`)
    name: String,
    #[command(flatten)]
    which: Chosen,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// Which of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Chosen {
    /// All of them
    #[arg(long)]
    all: bool,
    /// That of one event
    #[arg(long)]
    id: Option<Uuid>,
    /// Those of one cause (`rejected`, `delivery_limit`, `expired`)
    #[arg(long)]
    cause: Option<String>,
}

impl Chosen {
    fn takes(&self, letter: &DeadLetter, masked: Option<&Masked>) -> bool {
        let named = |id: Uuid| masked.is_some_and(|masked| masked.id == id.to_string());
        self.all
            || self.cause.as_ref().is_some_and(|cause| *cause == letter.cause)
            || self.id.is_some_and(named)
    }
}

async fn open(desk: &Desk, name: &str, settings: &Settings) -> anyhow::Result<DeadLetters> {
    let reader = Reader::of(queued(desk.subscription(name)?)?, desk.today);
    let url = settings.broker.as_deref();
    let url = url.ok_or_else(|| anyhow::anyhow!("expected a broker: `--broker amqp://…`"))?;
    Ok(DeadLetters::open(url, reader).await?)
}

impl Letters {
    /// Lists them, the oldest first; they stay.
    pub(super) async fn run(self, desk: &Desk, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let letters = open(desk, &self.name, settings).await?;
        let mut rows = Vec::new();
        while let Some(letter) = letters.next().await? {
            let since = letter.since.map(|since| since.to_string());
            let Some(masked) = letter.masked() else {
                rows.push(vec![
                    "?".to_owned(),
                    letter.cause,
                    since.unwrap_or_default(),
                    String::new(),
                    String::new(),
                ]);
                continue;
            };
            if output == Output::Json {
                show::json_line(&json!({
                    "id": masked.id, "type": masked.kind, "subject": masked.subject, "sequence": masked.sequence, "time": masked.time,
                    "champs": masked.fields(), "cause": letter.cause, "depuis": since,
                }));
            }
            let kind = masked.kind.trim_start_matches("fr.dlnuf.").to_owned();
            rows.push(vec![
                masked.id.clone(),
                letter.cause,
                since.unwrap_or_default(),
                kind,
                masked.fields().join(", "),
            ]);
        }
        if output == Output::Table {
            let count = counted(rows.len() as u64, ["rebut", "rebuts"], ["dead letter", "dead letters"]);
            let headings = either(
                ["événement", "cause", "depuis", "type", "champs"],
                ["event", "cause", "since", "type", "fields"],
            );
            if !rows.is_empty() {
                show::table(&headings, rows);
            }
            show::line(count);
        }
        Ok(Exit::Done)
    }
}

/// What becomes of letters.
#[derive(Default)]
struct Returned {
    /// Put back as they are.
    put_back: u64,
    /// Persons shown again as they are now, as something was told of them since.
    shown: BTreeMap<String, u64>,
    /// None of the hub's events, or of persons its profile knows nothing of: left.
    left: u64,
}

impl Return {
    /// Returns those chosen: an event nothing was told after goes back as it is; of the others the person is shown as it is now, since
    /// whoever keeps order would drop an older event, and whoever may know less by now must not read it. One of a profile it had before
    /// stays where it is.
    pub(super) async fn run(self, desk: &Desk, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let subscription = desk.subscription(&self.name)?;
        let (store, letters) = (store(desk, settings).await?, open(desk, &self.name, settings).await?);
        let chosen = self.chosen(&letters).await?;
        let ranks = ranks(
            store.as_ref(),
            settings,
            subscription,
            chosen.iter().filter_map(|(_, masked)| masked.as_ref()),
        )
        .await?;
        let steady = held_the_same(store.as_ref(), &subscription.profile).await?;
        let mut returned = Returned::default();
        for (letter, masked) in chosen {
            let Some(masked) = masked else {
                returned.left += 1;
                continue;
            };
            let known = masked.subject.parse::<Uuid>().ok().and_then(|name| ranks.get(&PersonId(name)));
            let of_somebody = !masked.kind.ends_with(SHOWN);
            if known.is_none() && of_somebody {
                returned.left += 1;
                continue;
            }
            let fits = !of_somebody || (steady && known.is_some_and(|known| known.in_sight));
            if fits && is_the_last(&masked, known.map(|known| known.rank)) {
                returned.put_back += 1;
                if !self.dry_run {
                    letters.put_back(letter).await?;
                }
                continue;
            }
            *returned.shown.entry(masked.subject.clone()).or_default() += 1;
            if let (false, Some(known)) = (self.dry_run, known) {
                ask_for_repair(
                    store.as_ref(),
                    || MachineClock.mint(),
                    (&subscription.subscriber, &[known.person]),
                )
                .await?;
                letters.let_go(letter).await?;
            }
        }
        Ok(self.tell(&returned, output))
    }

    /// The letters to return.
    async fn chosen(&self, letters: &DeadLetters) -> anyhow::Result<Vec<(DeadLetter, Option<Masked>)>> {
        let mut chosen = Vec::new();
        while let Some(letter) = letters.next().await? {
            let masked = letter.masked();
            if self.which.takes(&letter, masked.as_ref()) {
                chosen.push((letter, masked));
            }
        }
        let name = &self.name;
        anyhow::ensure!(
            self.which.id.is_none() || !chosen.is_empty(),
            either(
                format!(
                    "`{name}` n'a aucun rebut de cet événement : voyez `dlnuf subscriber letters {name}`"
                ),
                format!("`{name}` has no dead letter of that event: see `dlnuf subscriber letters {name}`"),
            )
        );
        Ok(chosen)
    }

    fn tell(&self, returned: &Returned, output: Output) -> Exit {
        let Returned { put_back, shown, left } = returned;
        if output == Output::Json {
            show::json_line(&json!({
                "abonne": self.name, "remis": put_back, "personnes_a_montrer": shown.len(), "laisses": left, "essai": self.dry_run,
            }));
            return Exit::Done;
        }
        show::line(either(
            format!(
                "{put_back} remis dans sa file ; {} personnes lui seront montrées telles qu'elles sont : il en a su davantage, ou peut en savoir moins",
                shown.len()
            ),
            format!(
                "{put_back} put back into its queue; it will be shown {} persons as they are now: it was told more since, or may know less",
                shown.len()
            ),
        ));
        if *left > 0 {
            show::line(either(
                format!(
                    "{left} laissés : ce ne sont pas des événements du hub, ou d'un autre profil que le sien"
                ),
                format!("{left} left: they are none of the hub's events, or of another profile than its own"),
            ));
        }
        if self.dry_run {
            show::line(either("rien n'a été fait (--dry-run)", "nothing was done (--dry-run)"));
        }
        Exit::Done
    }
}

/// Whether a profile always held the fields it holds: else it may hold less by now than an event of before.
async fn held_the_same(store: &dyn Store, profile: &str) -> Result<bool, StoreError> {
    let following = store.following(profile).await?;
    Ok(following.is_some_and(|following| {
        following.declared.windows(2).all(|pair| matches!(pair, [one, next] if one.fields == next.fields))
    }))
}

/// The end of the type of what closes a snapshot: it is of nobody.
const SHOWN: &str = "instantane.termine";

/// A person a letter speaks of.
struct Known {
    person: PersonId,
    /// How far the profile was told.
    rank: u64,
    /// The subscriber may know the person now.
    in_sight: bool,
}

/// Of the persons letters speak of: who they are, and how far the profile was told of each.
async fn ranks(
    store: &dyn Store,
    settings: &Settings,
    own: &Subscription,
    letters: impl Iterator<Item = &Masked>,
) -> anyhow::Result<BTreeMap<PersonId, Known>> {
    let names: Vec<PersonId> =
        letters.filter_map(|masked| masked.subject.parse().ok().map(PersonId)).collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names_known = known_by(store, &installation::pseudonyms(settings)?, (&own.profile, &names)).await?;
    let persons: Vec<PersonId> = names_known.values().copied().collect();
    let told: BTreeMap<PersonId, Told> = store.told_of(&own.profile, &persons).await?.into_iter().collect();
    let known = |(name, person): (PersonId, PersonId)| {
        let standing = &told.get(&person)?.standing;
        let in_sight = standing.seen_in.as_ref().is_some_and(|place| own.territory.covers(place));
        Some((name, Known { person, rank: standing.sequence, in_sight }))
    };
    Ok(names_known.into_iter().filter_map(known).collect())
}
