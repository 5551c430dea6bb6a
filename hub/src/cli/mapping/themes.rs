//! `dlnuf mapping themes`: the crosswalk of the freins over the vocabularies, in French, for those who read no YAML.

use clap::Args;
use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::mapping::nearest;
use serde_json::json;

use super::super::language::{Said, either};
use super::super::{Exit, Output, show};
use crate::workbench::themes::{FREINS, Tie, ties, vocabularies};

/// Arguments of `mapping themes`.
#[derive(Debug, Args)]
pub struct Themes {
    /// Only the codes of this frein, such as logement; `aucun`: those that speak of none
    frein: Option<String>,
}

impl Themes {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no such frein, or the table built in is broken.
    pub(super) fn run(self, canon: &Canon, output: Output) -> anyhow::Result<Exit> {
        let all = ties(canon, FREINS)?;
        let of = |tie: &Tie| tie.frein.unwrap_or("aucun");
        let mut freins: Vec<&str> = all.iter().map(of).collect();
        freins.dedup();
        if let Some(asked) = &self.frein {
            if !freins.contains(&asked.as_str()) {
                return Err(unknown(asked, &freins).into());
            }
            freins.retain(|frein| frein == asked);
        }
        let titles = vocabularies();
        for frein in freins {
            let ties: Vec<&Tie> = all.iter().filter(|tie| of(tie) == frein).collect();
            if output == Output::Json {
                for tie in ties {
                    show::json_line(&json!({
                        "frein": tie.frein, "vocabulaire": tie.vocabulary, "code": tie.code, "sens": tie.meaning.word(),
                        "libelle": tie.label,
                    }));
                }
                continue;
            }
            show::line(format_args!("\n{frein}"));
            for vocabulary in ties.chunk_by(|a, b| a.vocabulary == b.vocabulary) {
                let title = vocabulary.first().and_then(|tie| titles.get(tie.vocabulary));
                show::line(format_args!("  {}", title.copied().unwrap_or_default()));
                for tie in vocabulary {
                    show::line(format_args!("    {}  {} ({})", tie.code, tie.label, tie.meaning.told()));
                }
            }
        }
        Ok(Exit::Done)
    }
}

fn unknown(asked: &str, freins: &[&str]) -> Said {
    let near = nearest(asked, freins.iter().copied());
    let near = near
        .map(|near| either(format!(" ; vouliez-vous dire `{near}` ?"), format!("; did you mean `{near}`?")));
    let near = near.unwrap_or_default();
    let french = format!("il n'y a pas de frein `{asked}`{near}");
    Said::either(Code::NotFound, french, format!("there is no frein `{asked}`{near}"))
}
