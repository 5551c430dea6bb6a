//! `dlnuf identity`: who is who where the hub cannot say: what is asked, two persons side by side, a person's word, and taking it back.

mod judge;
mod measure;
mod rule;
mod side_by_side;
mod told;
mod train;

use clap::{Args, Subcommand};
use hub_core::delivery::PersonId;
use hub_core::identity::{Centibits, Doubt};
use hub_core::ruling::Ruling;
use hub_core::store::{KnownPerson, Store};
use uuid::Uuid;

use super::language::{colon, counted, either};
use super::list::{List, minutes};
use super::{Exit, Output, show};
use crate::examining::{in_bits, name, of_question, of_ruling};
use crate::installation;
use crate::settings::Settings;

/// Subcommands of `identity`.
#[derive(Debug, Subcommand)]
pub enum Identity {
    /// List the questions that wait for a person, the longest waiting first
    Queue(List),
    /// Show two persons side by side, what each trait weighs, and what either answer would do
    Show(Two),
    /// Say whether two persons are one: no later delivery goes against it
    Decide(rule::Decide),
    /// Say that some claims of a person speak of somebody else
    Split(rule::Split),
    /// Take a ruling back: everything is as if it had not been made
    Undo(rule::Undo),
    /// List the rulings, latest first
    Rulings(List),
    /// Judge everybody known again with the policies in force, as if they had just come
    Judge(judge::Judge),
    /// Measure how right the matcher is on labelled extracts (`dlnuf synth --truth`)
    Measure(measure::Measure),
    /// Estimate what likenesses weigh on the hub's own claims; changes nothing but the file it is told to write
    Train(train::Train),
}

/// Two persons.
#[derive(Debug, Clone, Copy, Args)]
pub struct Two {
    /// One person (`dlnuf identity queue`)
    one: Uuid,
    /// The other
    other: Uuid,
}

impl Identity {
    /// Runs the command.
    ///
    /// # Errors
    /// When the persons or the ruling do not exist, or the store fails.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        match self {
            Self::Queue(list) => queue(list, settings, output).await,
            Self::Show(two) => side_by_side::run(two, settings, output).await,
            Self::Decide(decide) => decide.run(settings, output).await,
            Self::Split(split) => split.run(settings, output).await,
            Self::Undo(undo) => undo.run(settings, output).await,
            Self::Judge(judge) => judge.run(settings, output).await,
            Self::Measure(measure) => measure.run(settings, output),
            Self::Train(train) => train.run(settings, output).await,
            Self::Rulings(list) => rulings(list, settings, output).await,
        }
    }
}

async fn queue(list: List, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
    let canon = installation::canon()?;
    let store = installation::open_existing(settings, &canon).await?;
    for question in store.questions(list.limit).await? {
        if output == Output::Json {
            show::json_line(&of_question(&question));
            continue;
        }
        let since = minutes(question.since);
        show::line(format_args!("{} UTC  {}, {}", since, why(question.doubt), bits(question.weight)));
        for person in both(store.as_ref(), question.persons).await? {
            show::line(format_args!("  {}  {}", person.id, name(&canon, &person)));
        }
    }
    if output == Output::Table {
        let open = store.count_questions().await?;
        let open =
            counted(open, ["question ouverte", "questions ouvertes"], ["open question", "open questions"]);
        show::line(either(
            format_args!("{open} ; pour en voir une : dlnuf identity show UN AUTRE"),
            format_args!("{open}; to see one: dlnuf identity show ONE OTHER"),
        ));
    }
    Ok(Exit::Done)
}

async fn both(store: &dyn Store, persons: (PersonId, PersonId)) -> anyhow::Result<Vec<KnownPerson>> {
    Ok(store.persons(&[persons.0, persons.1]).await?)
}

async fn rulings(list: List, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
    let store = installation::open_existing(settings, &installation::canon()?).await?;
    for ruling in store.rulings(list.limit).await? {
        if output == Output::Json {
            show::json_line(&of_ruling(&ruling));
            continue;
        }
        let (at, word) = (minutes(ruling.at), &ruling.word);
        let said = answer(&ruling);
        show::line(format_args!("{}  {at} UTC  {said}, {}{} {}", ruling.id, word.by, colon(), word.note));
        if let Some((at, word)) = &ruling.undone {
            let (at, by, note) = (minutes(*at), &word.by, &word.note);
            show::line(either(
                format_args!("  défait le {at} UTC par {by} : {note}"),
                format_args!("  undone {at} UTC by {by}: {note}"),
            ));
        }
    }
    Ok(Exit::Done)
}

fn answer(ruling: &Ruling) -> String {
    let (one, other) = ruling.persons;
    match (ruling.one, one == other) {
        (true, _) => {
            either(format!("`{one}` et `{other}` sont une"), format!("`{one}` and `{other}` are one"))
        }
        (false, false) => {
            either(format!("`{one}` et `{other}` sont deux"), format!("`{one}` and `{other}` are two"))
        }
        (false, true) => either(format!("`{one}` était deux"), format!("`{one}` was two")),
    }
}

/// Why it is asked, for people.
fn why(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Alike => either("se ressemblent, pas assez", "alike, not enough"),
        Doubt::Several => either("plusieurs personnes possibles", "several persons possible"),
        Doubt::OtherNir => either("même nom et naissance, deux NIR", "same name and birth, two NIR"),
        Doubt::SharedNir => either("un NIR, d'autres traits", "one NIR, other traits"),
        Doubt::Twins => either(
            "même nom et même naissance, autre prénom : jumeaux ou prénom d'usage",
            "same name and birth, other given name: twins, or the name they go by",
        ),
        Doubt::OtherNumber => either(
            "même nom et naissance, qu'une source déclare à part : deux numéros, ou deux lieux de naissance, téléphones, courriels",
            "same name and birth, which one source states apart: two numbers, or two birthplaces, telephones, e-mail addresses",
        ),
    }
}

fn bits(weight: Centibits) -> String {
    either(format!("{:.1} bits", in_bits(weight)).replace('.', ","), format!("{:.1} bits", in_bits(weight)))
}
