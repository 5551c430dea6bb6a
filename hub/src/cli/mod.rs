//! The command line: one file per command, one door for errors and exit codes.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with refused records, 4 held, 5 mistakes in mappings, failed cases, or
//! a difference that was asked to fail.

mod broker;
mod contract;
mod deliver;
mod deliveries;
mod demo;
mod doctor;
mod events;
mod explain;
mod identity;
pub(crate) mod language;
mod list;
mod mapping;
mod notices;
mod person;
mod pull;
mod replay;
mod serve;
mod show;
mod signature;
mod sources;
mod subscriber;
mod synth;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::settings::Settings;

/// dlnuf — « Dites-le-nous une fois »: takes in CAF, France Travail and département extracts, keeps one record per person,
/// announces every change.
#[derive(Debug, Parser)]
#[command(name = "dlnuf", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs: one JSON value, or one a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play two synthetic nights of three sources, and look at what comes out
    Demo(demo::Demo),
    /// Take in extracts of a source; the mapping is found from each file's own header
    Deliver(deliver::Deliver),
    /// List deliveries, latest first; release or refuse one that is held, show its receipt
    Deliveries(deliveries::Deliveries),
    /// List runs, latest first
    Runs(list::List),
    /// List the refused records of a run, with cause and position
    Rejects(list::Rejects),
    /// Stay: take in what arrives, publish events to the broker, answer over HTTP
    Serve(serve::Serve),
    /// Fetch what the places of a source offer now, and take it in
    Pull(pull::PullCommand),
    /// List what operators were told: feeds that did not come, pulls that fail, and when that was over
    Notices(list::List),
    /// List the institutions configured and how their pulls stand; make tokens; pause, resume or rewind a pull
    Sources(sources::SourcesCommand),
    /// List the tools that are told what changes; show, check and try what each may know
    #[command(subcommand)]
    Subscriber(subscriber::Subscriber),
    /// Compare what stands on the broker with what is declared
    #[command(subcommand)]
    Broker(broker::Broker),
    /// Print the documents others program against: OpenAPI of the doors, AsyncAPI of the events
    #[command(subcommand)]
    Contract(contract::Contract),
    /// Run archived bytes again, through the same path; says first what that would change
    #[command(subcommand)]
    Replay(replay::Replay),
    /// Read the journal of events
    #[command(subcommand)]
    Events(events::Events),
    /// Show what is known of a person, and why
    #[command(subcommand)]
    Person(person::Person),
    /// Say who is who where the hub cannot: questions, rulings, and taking them back
    #[command(subcommand)]
    Identity(identity::Identity),
    /// Begin, check, test, try and explain mappings
    #[command(subcommand)]
    Mapping(mapping::MappingCommand),
    /// Write synthetic extracts of three sources, to try the hub on
    Synth(synth::Synth),
    /// Explain a code such as DLN0304, in French and English
    Explain(explain::Explain),
    /// Check what a night needs: key, archive, store, broker, mappings
    Doctor,
    /// Show where things are: home, store, mappings
    Config,
}

/// Documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// A check fails.
    Failed = 1,
    /// Done, some records refused.
    Rejects = 3,
    /// A delivery is held.
    Held = 4,
    /// Mistakes in mappings, or failed cases.
    Mistakes = 5,
}

/// What was typed in the place of an identifier may be a name: it is not said again.
fn without_value(mut refused: clap::Error) -> clap::Error {
    if refused.kind() == ErrorKind::ValueValidation {
        refused.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
    }
    refused
}

/// Reads the arguments, runs the command, prints a failure with its causes.
pub fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|refused| without_value(refused).exit());
    tracing_subscriber::fmt()
        .with_env_filter(filter(matches!(cli.command, Command::Serve(_))))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    match outcome {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => {
            show::failure(&error);
            ExitCode::FAILURE
        }
    }
}

/// What is logged: `DLNUF_LOG`, else warnings, and for `serve` what it does.
fn filter(serves: bool) -> EnvFilter {
    let usual = if serves { "warn,hub=info,hub_core=info" } else { "warn" };
    let filter = EnvFilter::try_from_env("DLNUF_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    // lapin logs a returned message with its content, which holds values of a person, and as an error what is none: a queue that is not there
    // yet. What fails is told by whoever asked.
    filter.add_directive("lapin=off".parse().expect("a directive"))
}

async fn run(cli: Cli) -> anyhow::Result<Exit> {
    let Cli { settings, output, command } = cli;
    match command {
        Command::Demo(demo) => demo.run(&settings, output).await,
        Command::Doctor => Box::pin(doctor::run(&settings, output)).await,
        Command::Deliver(deliver) => deliver.run(&settings, output).await,
        Command::Deliveries(deliveries) => Box::pin(deliveries.run(&settings, output)).await,
        Command::Runs(list) => list.runs(&settings, output).await,
        Command::Rejects(rejects) => rejects.run(&settings, output).await,
        Command::Serve(serve) => Box::pin(serve.run(&settings)).await,
        Command::Pull(pull) => Box::pin(pull.run(&settings, output)).await,
        Command::Notices(list) => notices::run(list, &settings, output).await,
        Command::Sources(sources) => sources.run(&settings, output).await,
        Command::Subscriber(subscriber) => Box::pin(subscriber.run(&settings, output)).await,
        Command::Broker(broker) => broker.run(&settings, output).await,
        Command::Contract(contract) => contract.run(&settings),
        Command::Replay(replay) => Box::pin(replay.run(&settings, output)).await,
        Command::Events(events) => events.run(&settings, output).await,
        Command::Person(person) => person.run(&settings, output).await,
        Command::Identity(identity) => Box::pin(identity.run(&settings, output)).await,
        Command::Mapping(mapping) => Box::pin(mapping.run(&settings, output)).await,
        Command::Synth(synth) => synth.run(output),
        Command::Explain(explain) => Ok(explain.run(output)),
        Command::Config => {
            show::config(&settings, output);
            Ok(Exit::Done)
        }
    }
}
