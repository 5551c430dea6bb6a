//! Everybody known judged again with the policies in force, shown first with `--dry-run`.

use std::sync::Arc;

use clap::Args;
use hub_core::pipeline::Judged;
use hub_core::rehearsal::Rehearsal;
use hub_core::store::Store;
use serde_json::json;

use crate::cli::deliver::{Bar, publish};
use crate::cli::language::{counted, either};
use crate::cli::{Exit, Output, show};
use crate::installation;
use crate::settings::Settings;

/// Arguments of `judge`.
#[derive(Debug, Args)]
pub struct Judge {
    /// Say what would follow, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Judge {
    pub(super) async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let pipeline = installation::pipeline(settings).await?;
        let before = pipeline.store.count_questions().await?;
        let bar = Bar::new(output);
        let judged = if self.dry_run {
            let pretending: Arc<dyn Store> = Arc::new(Rehearsal::over(Arc::clone(&pipeline.store)));
            pipeline.on(pretending).judge_again(&bar).await?
        } else {
            pipeline.judge_again(&bar).await?
        };
        self.tell(&judged, before, output);
        if !self.dry_run {
            publish(settings, &pipeline, output).await?;
        }
        Ok(Exit::Done)
    }

    fn tell(&self, judged: &Judged, before: u64, output: Output) {
        let asked = judged.asked.len();
        if output == Output::Json {
            show::json_line(&json!({
                "essai": self.dry_run, "personnes": judged.persons, "evenements": judged.events,
                "questions_avant": before, "questions": asked,
            }));
            return;
        }
        let persons = counted(
            judged.persons,
            ["personne réexaminée", "personnes réexaminées"],
            ["person judged again", "persons judged again"],
        );
        let asked = counted(asked as u64, ["question", "questions"], ["question", "questions"]);
        show::line(either(
            format_args!("{persons} ; {asked} ({before} avant)"),
            format_args!("{persons}; {asked} ({before} before)"),
        ));
        for (kind, count) in &judged.events {
            show::line(format_args!("  {count} × {}", kind.trim_start_matches("fr.dlnuf.")));
        }
        if judged.events.is_empty() {
            show::line(either("  rien ne change", "  nothing changes"));
        } else if self.dry_run {
            show::line(either("  essai : rien n'est écrit", "  a trial: nothing is written"));
        }
    }
}
