//! What a subscriber was told, from the store.

use clap::Args;

use super::Desk;
use crate::cli::language::either;
use crate::cli::{Exit, show};
use crate::heralds::Heralds;
use crate::installation;
use crate::settings::Settings;

/// Told events looked at in one round.
const PAGE: u32 = 1_000;

/// Arguments of `events`.
#[derive(Debug, Args)]
pub struct Events {
    /// Its name (`dlnuf subscriber list`)
    name: String,
    /// After this cursor; the one to go on from is told at the end
    #[arg(long, default_value_t = 0)]
    after: u64,
}

impl Events {
    /// Tells profiles what there is to tell, then prints what is for this subscriber.
    pub(super) async fn run(self, desk: &Desk, settings: &Settings) -> anyhow::Result<Exit> {
        let subscription = desk.subscription(&self.name)?;
        if subscription.has_expired(desk.today) {
            let day = subscription.expires;
            anyhow::bail!(either(
                format!("l'abonnement a expiré le {day} : rien ne lui est dit"),
                format!("the subscription expired on {day}: it is told nothing"),
            ));
        }
        let pipeline = installation::pipeline(settings).await?;
        let heralds: Heralds = installation::heralds(settings, &pipeline)?;
        heralds.tell_all().await?;
        let mut after = self.after;
        loop {
            let page = pipeline.store.told(&subscription.profile, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            for event in page {
                if let Some(event) = desk.declared.read_by(subscription, &desk.canon, event) {
                    show::line(&event.json);
                }
            }
        }
        eprintln!("{} --after {after}", either("pour la suite :", "go on with:"));
        Ok(Exit::Done)
    }
}
