//! `dlnuf subscriber`: the tools that are told what changes: who they are, what each may know, whether their files are right, and what
//! each has on the broker.

mod events;
mod here;
mod letters;
mod lookups;
mod show;
mod state;
mod verify;

use clap::{Args, Subcommand};
use hub_core::canonical::Canon;
use hub_core::subscription::{Declared, Subscription};
use jiff::civil::Date;

use super::language::{counted, either};
use super::mapping::tell;
use super::{Exit, Output};
use crate::api::subscription_in_json;
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
    /// Show how they stand: told or not, what waits and since when, what they report, what they refused
    State(state::State),
    /// Compare what a tool says it knows with what it was told; with --repair those who differ are shown to it again
    Verify(verify::Verify),
    /// List what a subscriber refused for good, without values; they stay
    Letters(letters::Letters),
    /// List what a subscriber asked the hub about persons: when, by what, what was answered, about whom
    Lookups(lookups::Lookups),
    /// Return what it refused: put back, or the person shown as it is now where something was told since
    Return(letters::Return),
    /// Give it what it connects by: queue and user on the broker, or a webhook's secret, and a token; told once
    Add(Which),
    /// Give it other secrets; whoever is connected by the old ones is cut off (a webhook's old secret signs for a day more)
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
        let files = SubscriptionFiles::of(settings)?;
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
            Self::State(state) => state.run(&desk, settings, output).await,
            Self::Verify(verify) => verify.run(&desk, settings, output).await,
            Self::Letters(letters) => letters.run(&desk, settings, output).await,
            Self::Lookups(lookups) => lookups.run(&desk, settings, output).await,
            Self::Return(chosen) => chosen.run(&desk, settings, output).await,
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
            super::show::json_line(&subscription_in_json(subscription));
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
