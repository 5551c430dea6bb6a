//! `dlnuf subscriber`: the tools that are told what changes: who they are, what each may know, whether their files are right, and what
//! each has on the broker.

mod events;
mod here;
mod show;

use clap::{Args, Subcommand};
use hub_core::canonical::Canon;
use hub_core::subscription::{Declared, Subscription, family_word};
use jiff::civil::Date;
use serde_json::json;

use super::language::{counted, either};
use super::mapping::tell;
use super::{Exit, Output};
use crate::clock::today;
use crate::installation;
use crate::mappings::Mistake;
use crate::settings::Settings;
use crate::subscriptions::SubscriptionFiles;

/// Subcommands of `subscriber`.
#[derive(Debug, Subcommand)]
pub enum Subscriber {
    /// List the subscribers
    List,
    /// Show a subscriber: why, until when, whom, and each field it may know
    Show(Which),
    /// Check the files of profiles and subscriptions: every mistake underlined
    Lint,
    /// Show what a subscriber would be told of a person, as it would be told
    Test(show::Test),
    /// Print what a subscriber was told, one event a line
    Events(events::Events),
    /// Make its queue and its user on the broker; tells how it connects, once
    Add(Which),
    /// Give it another password; whoever is connected by the old one is cut off
    Rotate(Which),
    /// Tell it nothing for now; its queue keeps what it holds
    Pause(Which),
    /// Tell it again: it is shown everybody it may know, then what follows
    Resume(Which),
    /// Show it everybody it may know again, through its own channel
    Snapshot(Which),
    /// Take its queue and its user away, with all that waits there; its file first
    Remove(Which),
}

/// A subscriber.
#[derive(Debug, Args)]
pub struct Which {
    /// Its name (`dlnuf subscriber list`)
    name: String,
}

/// What is declared today.
struct Desk {
    canon: std::sync::Arc<Canon>,
    declared: Declared,
    mistakes: Vec<Mistake>,
    files: usize,
    today: Date,
}

impl Desk {
    fn open(settings: &Settings) -> anyhow::Result<Self> {
        let (canon, today) = (installation::canon()?, today());
        let files = SubscriptionFiles::folder(&settings.subscriptions_folder())?;
        let (declared, mistakes) = files.check(&canon, today);
        Ok(Self { canon, declared, mistakes, files: files.count(), today })
    }

    fn subscription(&self, name: &str) -> anyhow::Result<&Subscription> {
        let known = self.declared.subscriptions.get(name);
        let said = || {
            either(
                format!(
                    "il n'y a pas d'abonné `{name}`, ou son fichier est fautif : voyez `dlnuf subscriber lint`"
                ),
                format!(
                    "there is no subscriber `{name}`, or its file has mistakes: see `dlnuf subscriber lint`"
                ),
            )
        };
        known.ok_or_else(|| anyhow::anyhow!(said()))
    }
}

impl Subscriber {
    /// Runs the command.
    ///
    /// # Errors
    /// When the folder cannot be read, or there is no such subscriber.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let desk = Desk::open(settings)?;
        match self {
            Self::List => Ok(list(&desk, output)),
            Self::Show(which) => show::subscription(&desk, &which.name, output),
            Self::Lint => Ok(lint(&desk, output)),
            Self::Test(test) => test.run(&desk, settings, output).await,
            Self::Events(events) => events.run(&desk, settings).await,
            Self::Add(which) => here::add(&desk, &which.name, (settings, output)).await,
            Self::Rotate(which) => here::rotate(&desk, &which.name, (settings, output)).await,
            Self::Pause(which) => here::pause(&desk, &which.name, (settings, output)).await,
            Self::Resume(which) => here::resume(&desk, &which.name, (settings, output)).await,
            Self::Snapshot(which) => here::snapshot(&desk, &which.name, (settings, output)).await,
            Self::Remove(which) => here::remove(&desk, &which.name, (settings, output)).await,
        }
    }
}

fn list(desk: &Desk, output: Output) -> Exit {
    for subscription in desk.declared.subscriptions.values() {
        if output == Output::Json {
            super::show::json_line(&in_json(subscription, desk.today));
            continue;
        }
        let expired =
            if subscription.has_expired(desk.today) { either(" (expiré)", " (expired)") } else { "" };
        super::show::line(format_args!(
            "{}  {}\n  {}, {}, {} {}{expired}",
            subscription.subscriber,
            subscription.title,
            subscription.profile,
            subscription.channel.word(),
            either("jusqu'au", "until"),
            subscription.expires,
        ));
    }
    if output == Output::Table && !desk.mistakes.is_empty() {
        let mistakes = desk.mistakes.len() as u64;
        let mistakes = counted(mistakes, ["faute", "fautes"], ["mistake", "mistakes"]);
        super::show::line(format_args!("{mistakes} : dlnuf subscriber lint"));
    }
    Exit::Done
}

fn in_json(subscription: &Subscription, today: Date) -> serde_json::Value {
    json!({
        "abonne": subscription.subscriber, "titre": subscription.title, "profil": subscription.profile,
        "finalite": subscription.purpose, "base_legale": subscription.basis, "expire": subscription.expires.to_string(),
        "expiree": subscription.has_expired(today), "territoire": subscription.territory.codes(),
        "evenements": subscription.families.iter().map(|family| family_word(*family)).collect::<Vec<_>>(),
        "canal": subscription.channel.word(),
    })
}

fn lint(desk: &Desk, output: Output) -> Exit {
    for mistake in &desk.mistakes {
        tell(mistake, output);
    }
    if output == Output::Table {
        let files = counted(desk.files as u64, ["fichier", "fichiers"], ["file", "files"]);
        let mistakes = desk.mistakes.len() as u64;
        let mistakes = counted(mistakes, ["faute", "fautes"], ["mistake", "mistakes"]);
        super::show::line(format_args!("{files}, {mistakes}"));
    }
    if desk.mistakes.is_empty() { Exit::Done } else { Exit::Mistakes }
}
