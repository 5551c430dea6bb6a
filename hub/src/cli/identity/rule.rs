//! A person's word on who is who: said, shown first with `--dry-run`, taken back.

use clap::Args;
use hub_core::delivery::PersonId;
use hub_core::pipeline::{Outcome, Verdict};
use hub_core::ruling::Word;
use hub_core::store::KnownPerson;
use serde_json::json;
use uuid::Uuid;

use super::Two;
use super::told::{already_one, follows, in_words};
use crate::cli::deliver::{Bar, publish};
use crate::cli::language::{colon, either};
use crate::cli::signature::Signature;
use crate::cli::{Exit, Output, show};
use crate::court::Effect;
use crate::installation;
use crate::settings::Settings;

/// Arguments of `decide`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("answer").required(true).args(["are_one", "are_two"])))]
pub struct Decide {
    #[command(flatten)]
    persons: Two,
    /// They are one person
    #[arg(long = "one")]
    are_one: bool,
    /// They are two persons
    #[arg(long = "two")]
    are_two: bool,
    #[command(flatten)]
    saying: Saying,
}

/// Arguments of `split`.
#[derive(Debug, Args)]
pub struct Split {
    /// The person
    person: Uuid,
    /// The claims that speak of somebody else, by number (`dlnuf person show` ends with them)
    #[arg(long, value_name = "NUMBER", required = true, value_delimiter = ',')]
    claims: Vec<i64>,
    #[command(flatten)]
    saying: Saying,
}

/// Arguments of `undo`.
#[derive(Debug, Args)]
pub struct Undo {
    /// The ruling (`dlnuf identity rulings`)
    ruling: Uuid,
    #[command(flatten)]
    saying: Saying,
}

/// What goes with a word.
#[derive(Debug, Args)]
struct Saying {
    /// Why, for whoever asks later; no value of a person
    #[arg(long)]
    note: String,
    /// Say what would follow, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    signature: Signature,
}

impl Decide {
    pub(super) async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let persons = (PersonId(self.persons.one), PersonId(self.persons.other));
        rule(Verdict::Rule { persons, one: self.are_one && !self.are_two }, self.saying, (settings, output))
            .await
    }
}

impl Split {
    pub(super) async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let verdict = Verdict::Part { person: PersonId(self.person), claims: self.claims };
        rule(verdict, self.saying, (settings, output)).await
    }
}

impl Undo {
    pub(super) async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        rule(Verdict::Undo(self.ruling), self.saying, (settings, output)).await
    }
}

async fn rule(
    verdict: Verdict,
    saying: Saying,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let why = || either("`--note` dit pourquoi, en quelques mots", "`--note` says why, in a few words");
    anyhow::ensure!(!saying.note.trim().is_empty(), why());
    let court = installation::court(settings).await?;
    let pipeline = &*court.pipeline;
    if let Verdict::Rule { persons: (one, other), .. } = verdict {
        let found = pipeline.store.persons(&[one, other]).await?;
        let into = |person: &KnownPerson| person.merged_into.is_some_and(|into| into == one || into == other);
        if found.iter().any(into) {
            anyhow::bail!("{}", already_one(pipeline.store.as_ref(), (one, other)).await?);
        }
    }
    let word = Word { by: saying.signature.name(), note: saying.note };
    if saying.dry_run {
        let effect = court.preview(&verdict, word).await.map_err(in_words)?;
        if output == Output::Json {
            let (told, Effect { events, others, .. }) = (effect.told_in_json(), &effect);
            show::json_line(
                &json!({ "essai": true, "evenements": events, "abonnes": told, "autres": others }),
            );
        } else {
            let told = follows(&effect);
            show::line(either(format_args!("il s'ensuivrait {told}"), format_args!("{told} would follow")));
        }
        return Ok(Exit::Done);
    }
    let (outcome, effect) = court.rule(&verdict, word, &Bar::new(output)).await.map_err(in_words)?;
    told(&outcome, &effect, output);
    publish(settings, pipeline, output).await?;
    Ok(Exit::Done)
}

fn told(outcome: &Outcome, effect: &Effect, output: Output) {
    let Outcome { ruling, persons, .. } = outcome;
    if output == Output::Json {
        show::json_line(&json!({
            "decision": ruling.id, "personnes": persons, "evenements": effect.events,
            "abonnes": effect.told_in_json(), "autres": effect.others,
        }));
        return;
    }
    let id = ruling.id;
    let (answer, follows) = (super::answer(ruling), follows(effect));
    if ruling.undone.is_some() {
        show::line(either(
            format_args!("« {answer} » ne vaut plus : {follows}"),
            format_args!("\"{answer}\" holds no more: {follows}"),
        ));
    } else {
        show::line(format_args!("{answer}{} {follows}", colon()));
    }
    let persons: Vec<String> = persons.iter().map(ToString::to_string).collect();
    let persons = persons.join(" ");
    if ruling.undone.is_some() {
        show::line(either(format_args!("désormais {persons}"), format_args!("now {persons}")));
    } else {
        show::line(either(
            format_args!(
                "désormais {persons} ; pour revenir en arrière : dlnuf identity undo {id} --note \"…\""
            ),
            format_args!("now {persons}; to take it back: dlnuf identity undo {id} --note \"…\""),
        ));
    }
}
