//! `dlnuf mapping docs`: a page a mapping, for those who read no YAML; Markdown or HTML, printed or written into a folder.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use hub_core::canonical::Canon;

use super::super::{Exit, language, show};
use crate::mappings::MappingFiles;
use crate::workbench::coverage::cover;
use crate::workbench::docs::{Tongue, page, to_html, to_markdown};

/// Arguments of `mapping docs`.
#[derive(Debug, Args)]
pub struct Docs {
    /// Only the mappings whose name contains this, such as caf/vrsb0801
    filter: Option<String>,
    /// Write each page into this folder, which is made, instead of printing it
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// One self-contained HTML file a mapping instead of Markdown
    #[arg(long)]
    html: bool,
}

impl Docs {
    /// Runs the command.
    ///
    /// # Errors
    /// When the mappings hold mistakes, none is named so, or the folder cannot be written.
    pub(super) fn run(self, files: &MappingFiles, canon: &Canon) -> anyhow::Result<Exit> {
        let catalogue = files.compile(canon)?;
        let filter = self.filter.as_deref().unwrap_or_default();
        let mappings: Vec<_> = catalogue.iter().filter(|mapping| mapping.id.contains(filter)).collect();
        anyhow::ensure!(!mappings.is_empty(), "no mapping is named like `{filter}`");
        anyhow::ensure!(
            !self.html || self.to.is_some() || mappings.len() == 1,
            "{} mappings are {} HTML files: give a folder with `--to`",
            mappings.len(),
            mappings.len()
        );
        let tongue = if language::is_other_than_french() { Tongue::English } else { Tongue::French };
        for mapping in mappings {
            let unread = cover(files, mapping, canon).unread;
            let page = page(files, canon, (&mapping.id, unread), tongue)?;
            let (text, extension) =
                if self.html { (to_html(&page), "html") } else { (to_markdown(&page), "md") };
            let Some(folder) = &self.to else {
                show::line(text.trim_end());
                continue;
            };
            let file = folder.join(format!("{}.{extension}", mapping.id.replace('/', "-")));
            let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text));
            written.with_context(|| format!("writing `{}`", file.display()))?;
            show::line(file.display());
        }
        Ok(Exit::Done)
    }
}
