//! Feeds other than the CAF's: CSV and NDJSON decoded and mapped, and a night of CSV beside what an expert writes in SQL.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hub_core::canonical::Canon;
use hub_core::mapping::{CodeLists, compile};
use serde_json::Value as Json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::program::measured;
use crate::{Figure, bare, median, one_core};

/// The principal extract's fields, as an API would give them.
const NDJSON: &str = r#"
mapping: bench/demandeurs
version: "1"
source: bench
format: {json: {}}
record: {key: [identifiant_unique_de]}
persons:
  fields:
    identifiants.identifiant_ft_uuid: {from: identifiant_unique_de, missing: reject}
    identite.nom_usage: {from: nom, missing: reject}
    identite.prenoms: {from: prenom, missing: reject}
    identite.date_naissance: {from: date_naissance, forms: [YYYY-MM-DD HH:MM:SS, YYYY-MM-DD], missing: reject, invalid: reject}
    identite.lieu_naissance: lieu_naissance
    identite.commune_naissance: code_lieu_naissance
    adresse.voie: adresse_ligne4
    adresse.code_postal: {from: adresse_ligne6, do: ["pattern('99999')"]}
    adresse.commune: {from: adresse_ligne6, do: ["without_pattern('99999')"]}
    adresse.departement: departement
    inscription_emploi.date_inscription: {from: inscription, forms: [YYYY-MM-DD HH:MM:SS, YYYY-MM-DD]}
    inscription_emploi.motif_inscription: motif_inscription
    inscription_emploi.categorie: categorie_inscription
    inscription_emploi.beneficiaire_rsa: brsa
    parcours.metiers: {from: [rome_1, rome_2], split: ",", as: rome, do: ["drop_if('FAKE')"]}
    parcours.accompagnement.date_debut: {from: suivi_debut, forms: [YYYY-MM-DD HH:MM:SS, YYYY-MM-DD]}
    parcours.structure.nom: struct_principale
    parcours.referent.nom: referent_nom
    parcours.referent.prenom: referent_prenom
    parcours.freins.sante: dif_sante
    parcours.freins.logement: dif_logement
    parcours.freins.mobilite: dif_transport
"#;

/// Decode and map of a CSV extract, one core.
pub fn csv(file: &Path, records: u64) {
    let canon = Canon::from_schema(hub::mappings::PERSON_SCHEMA).expect("the schema");
    let catalogue = hub::mappings::MappingFiles::built_in().compile(&canon).expect("mappings");
    let mapping = catalogue.named("france-travail/spie-principal").expect("a mapping");
    let (bare, found) = median(|| bare::read_csv(file));
    assert!(found >= records, "the bare read sees the records");
    Figure::new("bare CSV read into texts, one core", bare, records, "records").print();
    let (seconds, _) = median(|| one_core(file, &mapping));
    Figure::new("decode + map of CSV, one core", seconds, records, "records")
        .against(bare, "the bare CSV read (limit 4)")
        .print();
}

/// The same records as one JSON object a line.
pub fn ndjson(principal: &Path) {
    let (file, records) = as_ndjson(principal);
    let canon = Canon::from_schema(hub::mappings::PERSON_SCHEMA).expect("the schema");
    let mapping = compile(NDJSON, &canon, &CodeLists::default()).expect("a mapping");
    let bytes = std::fs::read(&file).expect("a file");
    let (bare, found) = median(|| {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| u64::from(serde_json::from_slice::<Json>(line).expect("JSON").is_object()))
            .sum::<u64>()
    });
    assert_eq!(found, records);
    Figure::new("bare serde_json into values, one core", bare, records, "records").print();
    let (seconds, claims) = median(|| one_core(&file, &mapping));
    assert!(claims * 10 > usize::try_from(records).expect("few") * 9, "nearly every record is a claim");
    Figure::new("decode + map of NDJSON, one core", seconds, records, "records")
        .against(bare, "serde_json (limit 2)")
        .print();
}

fn as_ndjson(principal: &Path) -> (PathBuf, u64) {
    let text = std::fs::read_to_string(principal).expect("an extract");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(';').collect();
    let mut written = String::new();
    let mut records = 0;
    for line in lines {
        let cells = names.iter().zip(line.split(';')).filter(|(_, cell)| *cell != "NULL");
        let object: serde_json::Map<String, Json> =
            cells.map(|(name, cell)| ((*name).to_owned(), Json::from(cell))).collect();
        let _ = writeln!(written, "{}", Json::Object(object));
        records += 1;
    }
    let file = principal.with_extension("ndjson");
    std::fs::write(&file, written).expect("a written file");
    (file, records)
}

/// Night 2 of the CSV extract: ours with its events, and an expert's COPY and merge with neither identity nor events.
pub async fn nights(folder: &Path, server: &str, principals: &[&Path; 2], records: u64) {
    let mut expert = 0.0;
    for file in principals {
        expert = expert_sql(server, file).await;
    }
    Figure::new("expert SQL, night 2 of the CSV: COPY, merge", expert, records, "records").print();
    bare::forget(server).await;
    let (home, store) = (folder.join("csv-nights"), ["--store", server, "deliver", "france-travail"]);
    let file = |night: usize| principals[night].to_str().expect("a path");
    let _first = measured(&home, &[&store[..], &["--first-load", file(0)]].concat());
    let (seconds, memory_kib) = measured(&home, &[&store[..], &[file(1)]].concat());
    let figure = Figure::new("night 2 of the CSV, PostgreSQL", seconds, records, "records");
    Figure { memory_kib, ..figure.against(expert, "expert SQL (limit 1)") }.print();
    bare::forget(server).await;
}

/// Seconds of a load into a staging table and a merge of what differs, and of finding who is gone.
async fn expert_sql(server: &str, file: &Path) -> f64 {
    let mut connection = PgConnection::connect(server).await.expect("PostgreSQL");
    let text = std::fs::read_to_string(file).expect("an extract");
    let (header, rows) = text.split_once('\n').expect("a header");
    let columns: Vec<String> = header.split(';').map(|name| format!("\"{name}\"")).collect();
    let typed: Vec<String> = columns.iter().map(|column| format!("{column} text")).collect();
    let (typed, rest) = (typed.join(", "), columns[1..].join(", "));
    let start = std::time::Instant::now();
    for statement in [
        format!(
            "create table if not exists expert ({typed}, gone boolean not null default false, primary key ({}))",
            columns[0]
        ),
        format!("create temporary table staging ({typed})"),
    ] {
        connection.execute(AssertSqlSafe(statement)).await.expect("a table");
    }
    let mut into = connection
        .copy_in_raw("copy staging from stdin (format csv, delimiter ';', null 'NULL')")
        .await
        .expect("copy");
    into.send(rows.as_bytes()).await.expect("rows");
    into.finish().await.expect("copied");
    let set: Vec<String> =
        columns[1..].iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let excluded: Vec<String> = columns[1..].iter().map(|column| format!("excluded.{column}")).collect();
    let own: Vec<String> = columns[1..].iter().map(|column| format!("expert.{column}")).collect();
    for statement in [
        "analyze staging".to_owned(),
        format!(
            "insert into expert ({id}, {rest}) select distinct on ({id}) {id}, {rest} from staging on conflict ({id})
             do update set {}, gone = false where ({}) is distinct from ({})",
            set.join(", "),
            own.join(", "),
            excluded.join(", "),
            id = columns[0]
        ),
        format!(
            "update expert set gone = true where not gone and not exists
             (select 1 from staging where staging.{id} = expert.{id})",
            id = columns[0]
        ),
    ] {
        connection.execute(AssertSqlSafe(statement)).await.expect("merged");
    }
    start.elapsed().as_secs_f64()
}
