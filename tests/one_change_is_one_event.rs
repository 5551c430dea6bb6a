//! The hub's main job on the embedded store, and its heart on PostgreSQL: a file is taken in, the same file again is nothing, one changed field is one event
//! that names it, who is no longer stated is closed, a bad record costs itself.

use std::path::{Path, PathBuf};

use hub::installation::{pipeline, receive};
use hub::settings::Settings;
use hub_core::code::Code;
use hub_core::delivery::Status;
use hub_core::pipeline::{Order, Pipeline, Report};
use serde_json::Value as Json;

use crate::support::Postgres;

/// Two invented households; `{rue}` is what a test changes.
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"windows-1252\"?><Racine><IdentificationFlux><APPLIEME>CRI</APPLIEME>\
<NUMVERSIONAPPLIEME>6200</NUMVERSIONAPPLIEME><TYPEFLUX>M</TYPEFLUX><NATFLUX>D</NATFLUX><DTCREAFLUX>2026-03-05</DTCREAFLUX>\
<HEUCREAFLUX>01:18:36.0000</HEUCREAFLUX><DTREF>2026-02-28</DTREF></IdentificationFlux>";

fn household(number: &str, name: &str, nir: &str, street: &str) -> String {
    format!(
        "<InfosFoyerRSA><IdentificationRSA><Organisme><FONORG>CAF</FONORG><NUMORG>521</NUMORG><MATRICULE>{number}00000000</MATRICULE>\
</Organisme><Partenaire><TYPEPARTE>CG </TYPEPARTE><IDEPARTE>052</IDEPARTE></Partenaire><DemandeRSA><DTDEMRSA>2020-01-01</DTDEMRSA>\
<NUMDEMRSA>0{number}052</NUMDEMRSA></DemandeRSA></IdentificationRSA><Personne><Identification><QUAL>MME</QUAL><NOM>{name}</NOM>\
<NOMNAI>{name}</NOMNAI><PRENOM>AN\u{c9}MONE</PRENOM><DTNAI>1985-05-02</DTNAI><TYPEDTNAI>N</TYPEDTNAI><NIR>{nir}</NIR>\
<TOPVALIEC>1</TOPVALIEC><SEXE>2</SEXE></Identification><Prestations><NATPREST>RSA</NATPREST><ROLEPERS>DEM</ROLEPERS>\
<TOPCHAPERS>1</TOPCHAPERS></Prestations></Personne><DonneesAdministratives><Adresse><TroncCommunAdresse><RGADR>01</RGADR>\
<PAYS>FRA</PAYS></TroncCommunAdresse><AdresseDetailleeFrance><NUMVOIE>3</NUMVOIE><NOMVOIE>{street}</NOMVOIE><CODEPOS>52000</CODEPOS>\
<NOMCOM>CHAUMONT</NOMCOM></AdresseDetailleeFrance></Adresse></DonneesAdministratives><PrestationRSA><SituationDossierRSA>\
<EtatDossierRSA><ETATDOSRSA>2</ETATDOSRSA></EtatDossierRSA></SituationDossierRSA></PrestationRSA></InfosFoyerRSA>"
    )
}

fn night(households: &[String]) -> Vec<u8> {
    let text = format!(
        "{HEAD}{}<TransmissionFlux><NBTOTDOSRSATRANSM>{:08}</NBTOTDOSRSATRANSM></TransmissionFlux></Racine>",
        households.concat(),
        households.len()
    );
    // windows-1252, as the file declares; these texts hold no character beyond Latin-1.
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect()
}

fn first() -> String {
    household("2055990", "TRESSAILLE", "2850578006084", "DES LILAS")
}

fn second() -> String {
    household("2055991", "ROUVRAY", "2850552121009", "DU PONT")
}

struct Hub {
    folder: tempfile::TempDir,
    pipeline: Pipeline,
}

impl Hub {
    async fn new() -> Self {
        Self::on(None).await
    }

    async fn on(store: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings =
            Settings { home: folder.path().join("home"), store, archive: None, broker: None, mappings: None };
        let pipeline = pipeline(&settings).await.expect("an installation");
        Self { folder, pipeline }
    }

    async fn deliver(&self, name: &str, bytes: &[u8]) -> Report {
        let file: PathBuf = self.folder.path().join(name);
        std::fs::write(&file, bytes).expect("a written file");
        self.run(&file).await
    }

    async fn run(&self, file: &Path) -> Report {
        let delivery = receive(&self.pipeline, "caf", file).await.expect("a received delivery");
        self.pipeline.run(Order::new(delivery), &()).await.expect("a run")
    }

    async fn events(&self) -> Vec<Json> {
        let events = self.pipeline.store.events(0, 1_000).await.expect("the journal");
        let events: Vec<Json> =
            events.iter().map(|event| serde_json::from_str(&event.json).expect("JSON")).collect();
        let schema: Json = serde_json::from_str(include_str!("../schemas/evenement/v1.json")).expect("JSON");
        let schema = jsonschema::validator_for(&schema).expect("a valid schema");
        for event in &events {
            let faults: Vec<String> =
                schema.iter_errors(event).map(|fault| fault.instance_path().to_string()).collect();
            assert!(faults.is_empty(), "an event is not what its schema says: {faults:?}");
        }
        events
    }
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let hub = Hub::new().await;
    let report = hub.deliver("1.xml", &night(&[first(), second()])).await;
    assert_eq!(
        (report.status, report.counts.persons, report.counts.events),
        (Status::Done, 2, 2),
        "{:?}",
        report.warnings
    );
    let again = hub.deliver("copy.xml", &night(&[first(), second()])).await;
    assert_eq!((again.status, again.counts.events), (Status::AlreadyReceived, 0));
    let reordered = hub.deliver("2.xml", &night(&[second(), first()])).await;
    assert_eq!((reordered.counts.unchanged, reordered.counts.events, reordered.counts.gone), (2, 0, 0));
}

#[tokio::test]
async fn one_changed_field_is_one_event_that_names_it() {
    name_the_changed_field(&Hub::new().await).await;
}

#[tokio::test]
async fn one_changed_field_is_one_event_on_postgresql_too() {
    let server = Postgres::fresh().await;
    name_the_changed_field(&Hub::on(Some(server.url.clone())).await).await;
    server.remove().await;
}

async fn name_the_changed_field(hub: &Hub) {
    hub.deliver("1.xml", &night(&[first(), second()])).await;
    let moved = household("2055991", "ROUVRAY", "2850552121009", "DU MOULIN");
    let report = hub.deliver("2.xml", &night(&[first(), moved])).await;
    assert_eq!((report.counts.unchanged, report.counts.events), (1, 1));
    let events = hub.events().await;
    let changes =
        events.last().and_then(|e| e.pointer("/data/changements")).and_then(Json::as_array).expect("changes");
    assert_eq!(changes.len(), 1);
    let text = |pointer: &str| changes.first().and_then(|c| c.pointer(pointer)).and_then(Json::as_str);
    assert_eq!((text("/champ"), text("/apres")), (Some("adresse.voie"), Some("3 DU MOULIN")));
    let common =
        events.last().and_then(|e| e.pointer("/data/provenance/correspondance")).and_then(Json::as_str);
    assert_eq!(common, Some("caf/vrsb0801@1"));
}

#[tokio::test]
async fn who_is_no_longer_in_the_snapshot_has_the_right_closed() {
    let hub = Hub::new().await;
    hub.deliver("1.xml", &night(&[first(), second()])).await;
    let report = hub.deliver("2.xml", &night(&[first()])).await;
    assert_eq!((report.counts.gone, report.counts.events), (1, 1));
    let last = hub.events().await.pop().expect("an event");
    assert_eq!(last.get("type").and_then(Json::as_str), Some("fr.dlnuf.droit.clos"));
    let back = hub
        .deliver("3.xml", &night(&[first(), household("2055991", "ROUVRAY", "2850552121009", "DU PONT ")]))
        .await;
    assert_eq!(
        (back.counts.persons, back.counts.events),
        (0, 1),
        "the person is found again, the right reopens"
    );
}

/// A file that says a dossier twice, `apart` others between, first changed and then as it was, or the other way round.
async fn say_it_twice(apart: usize, changed_last: bool) -> String {
    let hub = Hub::new().await;
    let others: Vec<String> = (0..apart)
        .map(|at| household(&format!("{}", 3_000_000 + at), "VERNOUX", &format!("28503521{at:05}"), "DU PRE"))
        .collect();
    let before = [&[second()], others.as_slice()].concat();
    hub.deliver("1.xml", &night(&before)).await;
    let person = hub.pipeline.store.events(0, 1).await.expect("the journal").pop().expect("an event").person;
    let moved = household("2055991", "ROUVRAY", "2850552121009", "DU MOULIN");
    let (one, two) = if changed_last { (second(), moved) } else { (moved, second()) };
    let report = hub.deliver("2.xml", &night(&[&[one], others.as_slice(), &[two]].concat())).await;
    assert_eq!((report.status, report.counts.gone), (Status::Done, 0));
    let known = hub.pipeline.store.persons(&[person]).await.expect("persons").pop().expect("known");
    let street =
        hub.pipeline.canon.find("adresse.voie").and_then(|field| known.state.get(field)).expect("a street");
    street.0.as_text().expect("text").to_owned()
}

#[tokio::test]
async fn a_dossier_stated_twice_counts_as_it_was_stated_last() {
    for apart in [0, 3, 399, 450, 900] {
        assert_eq!(say_it_twice(apart, false).await, "3 DU PONT", "{apart} others between");
        assert_eq!(say_it_twice(apart, true).await, "3 DU MOULIN", "{apart} others between");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_costs_itself_and_closes_nobody() {
    let hub = Hub::new().await;
    hub.deliver("1.xml", &night(&[first(), second()])).await;
    let broken = second().replace("</Personne>", "");
    let report = hub.deliver("2.xml", &night(&[first(), broken])).await;
    assert_eq!((report.status, report.counts.rejected), (Status::DoneWithRejects, 1));
    assert_eq!(
        (report.counts.gone, report.counts.events),
        (0, 0),
        "the unreadable record may be the absent one"
    );
}

#[tokio::test]
async fn a_truncated_file_is_held_and_nothing_is_applied() {
    let hub = Hub::new().await;
    let whole = night(&[first(), second()]);
    for cut in [0, 40, 700, whole.len() / 2, whole.len() - 30] {
        let report = hub.deliver(&format!("{cut}.xml"), &whole[..cut]).await;
        assert_eq!((report.status, report.counts.events), (Status::Held, 0), "cut at {cut}");
        assert!(!report.warnings.is_empty());
    }
    assert!(hub.events().await.is_empty());
}

#[tokio::test]
async fn an_older_delivery_waits_and_one_made_at_the_same_instant_is_told() {
    let hub = Hub::new().await;
    hub.deliver("1.xml", &night(&[first(), second()])).await;
    let codes = |report: &Report| report.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>();
    let same = hub.deliver("2.xml", &night(&[second()])).await;
    assert_eq!((same.status, codes(&same)), (Status::Done, vec![Code::SameHeader]));
    let on = |day: &str, households: &[String]| {
        String::from_utf8_lossy(&night(households))
            .replace("2026-03-05", day)
            .replace('\u{fffd}', "E")
            .into_bytes()
    };
    let older = hub.deliver("3.xml", &on("2026-03-04", &[first()])).await;
    assert_eq!(
        (older.status, older.counts.events, codes(&older)),
        (Status::Held, 0, vec![Code::OlderDelivery])
    );
    let other = [first().replace("NUMORG>521", "NUMORG>101")];
    let elsewhere = hub.deliver("4.xml", &on("2026-03-04", &other)).await;
    assert_eq!(
        (elsewhere.status, codes(&elsewhere)),
        (Status::Done, vec![]),
        "another emitter keeps its own time"
    );
    let later = hub.deliver("5.xml", &on("2026-03-06", &[first(), second()])).await;
    assert_eq!((later.status, codes(&later)), (Status::Done, vec![]));
    let held = hub.pipeline.store.delivery(older.delivery).await.expect("reads").expect("kept");
    let again = Order { again: true, ..Order::new(held) };
    let released = hub.pipeline.run(again, &()).await.expect("a run");
    assert_eq!((released.status, released.counts.gone), (Status::Done, 1));
}

#[tokio::test]
async fn no_personal_value_stands_in_clear_in_the_store() {
    let hub = Hub::new().await;
    hub.deliver("1.xml", &night(&[first(), second()])).await;
    for entry in std::fs::read_dir(hub.folder.path().join("home")).expect("the home folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("dlnuf.db") {
            let bytes = std::fs::read(entry.path()).expect("a readable file");
            for canary in ["2850578006084", "TRESSAILLE", "DES LILAS"] {
                let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
                assert!(!found, "{name} holds a personal value in clear");
            }
        }
    }
}
