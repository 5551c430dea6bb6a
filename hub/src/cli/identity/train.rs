//! `dlnuf identity train`: what the shares of the policy are on the hub's own claims, and a policy file made of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use hub_core::identity::training::{
    self, Declaration, Effort, Outcome, Session, Share, Step, Trained, TrainingError,
};
use hub_core::identity::{Kin, Trait};
use hub_core::pipeline::Progress as _;
use serde_json::json;

use crate::cli::deliver::Bar;
use crate::cli::language::either;
use crate::cli::{Exit, Output, show};
use crate::installation;
use crate::mappings::MappingFiles;
use crate::settings::Settings;
use crate::training::{Lesson, of_folder, of_store};

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct Train {
    /// Learn from a labelled folder instead of the store; its labels are not looked at
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Start of all chance: the same seed finds the same shares
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write a policy file with the shares found (`identite.yaml` of a mappings folder)
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Where each session stood last.
type Likelihoods = BTreeMap<Session, f64>;

impl Train {
    pub(super) async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let files = installation::mapping_files(settings)?;
        let (declared, policy) = (files.declaration()?, files.identity()?);
        let lesson = self.lesson(&files, settings, output).await?;
        let likelihoods = RefCell::new(Likelihoods::new());
        let bar = Bar::of(output, either("paires", "pairs"));
        let told = |step| match step {
            Step::Drawn { done, of } => bar.advance(done, of),
            Step::Gathered { .. } => {}
            Step::Iterated { session, log_likelihood, .. } => {
                likelihoods.borrow_mut().insert(session, log_likelihood);
            }
        };
        let trained = training::train(&lesson.members, (&declared, &policy), Effort::of(self.seed), &told)
            .map_err(in_words)?;
        match output {
            Output::Json => json_lines(&declared, &trained, &lesson),
            Output::Table => tables(&declared, &trained, (&lesson, &likelihoods.into_inner())),
        }
        if let Some(file) = &self.write {
            let population = crate::measuring::count(lesson.persons.max(2));
            let found = trained.declaration(declared, population);
            std::fs::write(file, found.text()).with_context(|| format!("writing `{}`", file.display()))?;
        }
        Ok(Exit::Done)
    }

    async fn lesson(
        &self,
        files: &MappingFiles,
        settings: &Settings,
        output: Output,
    ) -> anyhow::Result<Lesson> {
        let canon = installation::canon()?;
        if let Some(folder) = &self.from {
            return of_folder(folder, (&canon, &files.compile(&canon)?), &files.identity()?);
        }
        let store = installation::open_existing(settings, &canon).await?;
        of_store(store.as_ref(), &canon, &Bar::of(output, either("personnes", "persons"))).await
    }
}

/// Why nothing was learnt.
fn in_words(error: TrainingError) -> anyhow::Error {
    let french = match error {
        TrainingError::FewClaims(found) => format!(
            "attendu : deux déclarations ou plus de personnes connues par leur nom ; trouvé : {found}"
        ),
        TrainingError::NoPairs(claims) => {
            format!(
                "parmi {claims} déclarations, pas deux n'ont une clé en commun : il n'y a rien à apprendre"
            )
        }
    };
    anyhow::anyhow!(either(french, error.to_string()))
}

fn json_lines(declaration: &Declaration, trained: &Trained, lesson: &Lesson) {
    let share = |share: Share| json!({ "m": share.m, "u": share.u, "bits": share.bits() });
    let declared = &declaration.shares;
    for (of, level, word) in levels() {
        let Some((was, is)) = declared.get(of, level).zip(trained.shares.get(of, level)) else { continue };
        show::json_line(&json!({
            "trait": of.word(), "level": word, "declared": share(was), "found": share(is), "learnt": was != is,
        }));
    }
    for (kin, was, is) in parts(declaration, trained) {
        show::json_line(&json!({ "kin": kin.word(), "declared": was, "found": is }));
    }
    for (of, name, share) in common(trained) {
        show::json_line(&json!({ "common": of.word(), "name": name, "share": share }));
    }
    for outcome in &trained.sessions {
        show::json_line(&json!({
            "session": outcome.session.word(), "pairs": outcome.pairs, "matches": outcome.matches, "kin": outcome.kin,
            "iterations": outcome.iterations, "converged": outcome.converged,
        }));
    }
    show::json_line(&json!({
        "claims": lesson.members.len(), "persons": lesson.persons, "drawn": trained.drawn,
        "crowded": trained.crowded, "peak_mib": peak_mib(),
    }));
}

fn tables(declaration: &Declaration, trained: &Trained, (lesson, likelihoods): (&Lesson, &Likelihoods)) {
    let declared = &declaration.shares;
    let rows = levels().filter_map(|(of, level, word)| {
        let (was, is) = declared.get(of, level).zip(trained.shares.get(of, level))?;
        let mut row = vec![of.word().to_owned(), word.to_owned()];
        for Share { m, u } in [was, is] {
            row.extend([figure(m), figure(u), format!("{:+.1}", Share { m, u }.bits())]);
        }
        row.push(if was == is { either("déclaré", "declared") } else { "" }.to_owned());
        Some(row)
    });
    let headings = either(
        ["trait", "niveau", "m", "u", "bits", "m trouvé", "u trouvé", "bits", ""],
        ["trait", "level", "m", "u", "bits", "m found", "u found", "bits", ""],
    );
    show::table(&headings, rows.collect());
    let rows = parts(declaration, trained);
    let rows = rows.map(|(kin, was, is)| {
        let (is, learnt) = is.map_or((was, false), |is| (is, true));
        let word = if learnt { "" } else { either("déclaré", "declared") };
        vec![kin.word().to_owned(), figure(was), figure(is), word.to_owned()]
    });
    let headings = either(["parenté", "par personne", "trouvé", ""], ["kin", "of a person", "found", ""]);
    show::table(&headings, rows.collect());
    show::table(&either(["courant", "", "part"], ["common", "", "share"]), {
        let row = |(of, name, share): (Trait, &str, f64)| {
            vec![of.word().to_owned(), name.to_owned(), figure(share)]
        };
        common(trained).into_iter().map(row).collect()
    });
    let rows = trained.sessions.iter().map(|outcome| session(outcome, likelihoods));
    let headings = either(
        ["clés", "paires", "d'une personne", "parenté", "tours", "log-vraisemblance"],
        ["keys", "pairs", "of one person", "kin", "rounds", "log-likelihood"],
    );
    show::table(&headings, rows.collect());
    let (claims, persons, drawn) = (lesson.members.len(), lesson.persons, trained.drawn);
    let memory = peak_mib().map(|mib| format!(", {mib} MiB")).unwrap_or_default();
    show::line(either(
        format_args!("{claims} déclarations, {persons} personnes, {drawn} paires tirées au hasard{memory}"),
        format_args!("{claims} claims, {persons} persons, {drawn} pairs drawn by chance{memory}"),
    ));
}

fn session(outcome: &Outcome, likelihoods: &Likelihoods) -> Vec<String> {
    let unfinished = if outcome.converged { "" } else { " …" };
    let likelihood = likelihoods.get(&outcome.session).copied().unwrap_or_default();
    vec![
        outcome.session.word().to_owned(),
        outcome.pairs.to_string(),
        format!("{:.0}", outcome.matches),
        // Nothing may be a little less than that.
        format!("{:.0}", outcome.kin.max(0.0)),
        format!("{}{unfinished}", outcome.iterations),
        format!("{likelihood:.1}"),
    ]
}

/// The names found common, the commonest of each trait first.
fn common(trained: &Trained) -> Vec<(Trait, &str, f64)> {
    let listed = trained
        .common
        .iter()
        .flat_map(|(of, names)| names.iter().map(|(name, share)| (*of, name.as_str(), *share)));
    let mut listed: Vec<_> = listed.collect();
    listed.sort_by(|(a, _, one), (b, _, other)| a.cmp(b).then_with(|| other.total_cmp(one)));
    listed
}

/// How many kin of each kind a person knows: as declared, and as found.
fn parts<'t>(
    declaration: &'t Declaration,
    trained: &'t Trained,
) -> impl Iterator<Item = (Kin, f64, Option<f64>)> + 't {
    declaration.kin.iter().map(|(kin, kindred)| {
        let found = trained.parts.iter().find(|(of, _)| of == kin).map(|(_, part)| *part);
        (*kin, kindred.part, found)
    })
}

fn levels() -> impl Iterator<Item = (Trait, u8, &'static str)> {
    Trait::ALL.into_iter().flat_map(|of| (0..).zip(of.levels()).map(move |(level, word)| (of, level, *word)))
}

/// A share to three figures.
fn figure(share: f64) -> String {
    if share < 0.001 { format!("{share:.1e}") } else { format!("{share:.3}") }
}

/// The most memory this process has taken, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? / 1024)
}
