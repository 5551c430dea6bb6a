//! `dlnuf identity measure`: how right the matcher is on extracts of which it is known who each record speaks of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::cli::language::{colon, either};
use crate::cli::{Exit, Output, show};
use crate::installation;
use crate::measuring::{self, Likened};
use crate::settings::Settings;

/// Arguments of `measure`.
#[derive(Debug, Args)]
pub struct Measure {
    /// A folder of extracts with their `truth.csv`
    folder: PathBuf,
}

impl Measure {
    pub(super) fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let canon = installation::canon()?;
        let files = installation::mapping_files(settings)?;
        let (catalogue, policy) = (files.compile(&canon)?, files.identity()?);
        let labelled = measuring::read(&self.folder, &canon, &catalogue)?;
        let measure = labelled.measure(&policy);
        anyhow::ensure!(
            measure.pairs > 0,
            either(
                "attendu : deux enregistrements d'une même personne au moins, d'après `truth.csv` ; trouvé : aucun qui soit lu",
                "expected two records of one person at least, as `truth.csv` has it, found none that is read",
            )
        );
        if output == Output::Json {
            show::json_line(&serde_json::to_value(&measure)?);
        } else {
            told(&measure);
        }
        Ok(Exit::Done)
    }
}

fn told(measure: &measuring::Measure) {
    let percent = |share: f64| format!("{:.3} %", share * 100.0);
    let rate = |count: u64| format!("{:.0}", measuring::count(count) / measure.seconds.max(1e-9));
    let rows = [
        (either("déclarations", "claims"), measure.claims.to_string()),
        (
            either("étiquettes d'enregistrements refusés", "labels of refused records"),
            measure.left.refused.to_string(),
        ),
        (
            either("étiquettes de déclarations sans nom", "labels of claims without a name"),
            measure.left.nameless.to_string(),
        ),
        (either("valeurs illisibles", "values not read"), measure.left.values.to_string()),
        (either("personnes", "persons"), measure.persons.to_string()),
        (either("personnes trouvées", "persons found"), measure.found.to_string()),
        (either("paires justes", "true pairs"), measure.pairs.to_string()),
        (either("précision", "precision"), percent(measure.precision)),
        (either("rappel", "recall"), percent(measure.recall)),
        ("F1", percent(measure.f1)),
        (either("questions par déclaration", "questions a claim"), percent(measure.review)),
        (either("déclarations concernées", "claims concerned"), percent(measure.asked)),
        (either("clés trop partagées", "crowded keys"), measure.crowded.to_string()),
        (either("paires comparées par seconde", "pairs compared a second"), rate(measure.compared)),
        (either("déclarations par seconde", "claims a second"), rate(measure.claims)),
    ];
    let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    show::table(&either(["mesure", "valeur"], ["measure", "value"]), rows);
    for (title, counts) in [
        (either("Questions", "Questions"), &measure.questions),
        (either("dont sur une seule personne", "of which about one person"), &measure.questions_of_one),
        (either("Paires manquées", "Pairs missed"), &measure.missed),
        (either("Paires faites à tort", "Pairs wrongly made"), &measure.wrong),
    ] {
        show::line(format_args!("{title}{} {}", colon(), listed(counts)));
    }
    for (title, likenesses) in [
        (
            either("Ressemblances des paires manquées", "Likenesses of the pairs missed"),
            &measure.missed_likenesses,
        ),
        (
            either("Ressemblances des paires faites à tort", "Likenesses of the pairs wrongly made"),
            &measure.wrong_likenesses,
        ),
    ] {
        show::line(format_args!("{title}{}", colon()));
        for Likened { stand, likeness, pairs, such_as } in likenesses {
            show::line(format_args!("  {pairs:>6}  {stand}{} {likeness}\n          {such_as}", colon()));
        }
    }
}

fn listed(counts: &BTreeMap<&'static str, u64>) -> String {
    let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    if counts.is_empty() { "0".to_owned() } else { counts.join(", ") }
}
