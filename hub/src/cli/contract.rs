//! `dlnuf contract`: the documents others program against.

use clap::{Args, Subcommand};

use super::{Exit, show};
use crate::contract::{asyncapi, asyncapi_of, openapi};
use crate::installation;
use crate::settings::Settings;
use crate::subscriptions::SubscriptionFiles;

/// Subcommands of `contract`.
#[derive(Debug, Subcommand)]
pub enum Contract {
    /// Print OpenAPI 3.1 of the HTTP doors
    Openapi,
    /// Print AsyncAPI 3.0 of the events; of one subscriber, with its queue and its fields
    Asyncapi(Whose),
}

/// Whose document.
#[derive(Debug, Args)]
pub struct Whose {
    /// A subscriber (`dlnuf subscriber list`)
    #[arg(long)]
    subscriber: Option<String>,
}

impl Contract {
    /// Prints the document.
    ///
    /// # Errors
    /// When the subscriptions cannot be read, or there is no such subscriber.
    pub fn run(self, settings: &Settings) -> anyhow::Result<Exit> {
        let document = match self {
            Self::Openapi => openapi(),
            Self::Asyncapi(Whose { subscriber: None }) => asyncapi(),
            Self::Asyncapi(Whose { subscriber: Some(name) }) => {
                let canon = installation::canon()?;
                let (declared, _) = SubscriptionFiles::of(settings)?.check(&canon, crate::clock::today());
                let known = declared.subscriptions.get(name.as_str());
                let of = known.and_then(|own| Some((own, declared.scopes.get(&own.profile)?)));
                let (own, scope) = of.ok_or_else(|| {
                    anyhow::anyhow!("there is no subscriber `{name}`, or its file has mistakes: see `dlnuf subscriber lint`")
                })?;
                asyncapi_of(&canon, scope, own)
            }
        };
        show::line(format_args!("{document:#}"));
        Ok(Exit::Done)
    }
}
