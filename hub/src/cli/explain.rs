//! `dlnuf explain CODE`: what a code means and what to do, in French and English.

use clap::Args;
use hub_core::code::Code;
use serde_json::json;

use super::{Exit, Output, show};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The code, such as DLN0304; every code when left out
    code: Option<Code>,
}

impl Explain {
    /// Runs the command.
    pub fn run(self, output: Output) -> Exit {
        match (self.code, output) {
            (Some(code), Output::Table) => explain(code),
            (None, Output::Table) => {
                let rows = Code::ALL
                    .iter()
                    .map(|c| vec![c.to_string(), c.entry().fr.title.clone(), c.entry().en.title.clone()]);
                show::table(&["code", "français", "English"], rows.collect());
            }
            (code, Output::Json) => {
                for code in Code::ALL.iter().filter(|c| code.is_none_or(|wanted| wanted == **c)) {
                    let entry = code.entry();
                    let text = |t: &hub_core::code::Text| json!({ "title": t.title, "cause": t.cause, "remedy": t.remedy });
                    show::json_line(&json!({
                        "code": code, "concerns": entry.concerns, "fr": text(&entry.fr), "en": text(&entry.en),
                    }));
                }
            }
        }
        Exit::Done
    }
}

fn explain(code: Code) {
    let entry = code.entry();
    for text in [&entry.fr, &entry.en] {
        show::line(format_args!("{code} — {}\n  {}\n  → {}\n", text.title, text.cause, text.remedy));
    }
}
