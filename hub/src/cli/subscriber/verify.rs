//! Whether a tool knows whom it is to know: what it says it knows beside what it was told; those who differ shown again.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use hub_core::clock::Clock as _;
use hub_core::delivery::PersonId;
use hub_core::subscription::{Differences, Roll, ask_for_repair, compare, known_by, roll};
use serde_json::json;

use super::Desk;
use super::here::store;
use crate::cli::language::{counted, either};
use crate::cli::{Exit, Output, show};
use crate::clock::MachineClock;
use crate::installation;
use crate::settings::Settings;

/// Persons named of each kind of difference.
const NAMED: usize = 10;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Its name (`dlnuf subscriber list`)
    name: String,
    /// What the tool knows: a line for each person, its `subject` and the last `sequence`, apart by a space, comma or semicolon
    file: PathBuf,
    /// Show it those who differ again, and nobody else
    #[arg(long)]
    repair: bool,
}

impl Verify {
    /// Tells who differs; returns 5 when somebody does.
    pub(super) async fn run(self, desk: &Desk, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let own = desk.subscription(&self.name)?;
        let text = std::fs::read_to_string(&self.file)
            .with_context(|| format!("reading `{}`", self.file.display()))?;
        let known = known(&text)?;
        let (store, pseudonyms) = (store(desk, settings).await?, installation::pseudonyms(settings)?);
        let roll = roll(store.as_ref(), &pseudonyms, own).await?;
        let differences = compare(&roll, &known, own);
        if self.repair {
            let names: Vec<PersonId> = differences.all().collect();
            let persons = known_by(store.as_ref(), &pseudonyms, (&own.profile, &names)).await?;
            let persons: Vec<PersonId> = persons.into_values().collect();
            ask_for_repair(store.as_ref(), || MachineClock.mint(), (&own.subscriber, &persons)).await?;
        }
        self.tell((&roll, &known), &differences, output);
        Ok(if differences == Differences::default() { Exit::Done } else { Exit::Mistakes })
    }

    fn tell(&self, (roll, known): (&Roll, &Roll), differences: &Differences, output: Output) {
        let Differences { missing, behind, ahead, unknown } = differences;
        if output == Output::Json {
            let names = |persons: &[PersonId]| persons.iter().map(|person| person.0).collect::<Vec<_>>();
            show::json_line(&json!({
                "abonne": self.name, "a_connaitre": roll.len(), "connues": known.len(), "manquantes": names(missing),
                "en_retard": names(behind), "en_avance": names(ahead), "en_trop": names(unknown), "a_montrer": self.repair,
            }));
            return;
        }
        let persons = |count: usize| counted(count as u64, ["personne", "personnes"], ["person", "persons"]);
        show::line(either(
            format!("{} à connaître, {} connues de l'outil", persons(roll.len()), known.len()),
            format!("{} to know, {} known to the tool", persons(roll.len()), known.len()),
        ));
        let words = either(
            [
                "manquent à l'outil",
                "en retard chez l'outil",
                "en avance chez l'outil (le hub vient d'une copie plus ancienne ?)",
                "en trop chez l'outil",
            ],
            [
                "missing at the tool",
                "behind at the tool",
                "ahead at the tool (was the hub restored from an older copy?)",
                "too many at the tool",
            ],
        );
        for (word, persons) in words.into_iter().zip([missing, behind, ahead, unknown]) {
            if !persons.is_empty() {
                show::line(format_args!("{} {word}", persons.len()));
                persons.iter().take(NAMED).for_each(|person| show::line(format_args!("  {}", person.0)));
            }
        }
        if differences != &Differences::default() && self.repair {
            show::line(either(
                "`dlnuf serve` lui montrera ces personnes à nouveau",
                "`dlnuf serve` will show it these persons again",
            ));
        }
    }
}

/// Reads what a tool knows.
fn known(text: &str) -> anyhow::Result<Roll> {
    let mut known = Roll::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = line.split([' ', '\t', ',', ';', '"']).filter(|word| !word.is_empty());
        let (Some(subject), sequence) = (words.next(), words.next()) else { continue };
        if number == 1 && subject == "subject" {
            continue;
        }
        let read = subject.parse().ok().zip(sequence.unwrap_or("0").parse().ok());
        let Some((subject, sequence)) = read else {
            anyhow::bail!(either(
                format!("ligne {number} : attendu un `subject` et une `sequence`, trouvé autre chose"),
                format!("line {number}: expected a `subject` and a `sequence`, found something else"),
            ));
        };
        known.insert(PersonId(subject), sequence);
    }
    Ok(known)
}
