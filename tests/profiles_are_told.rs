//! What profiles are told: those in their territory and what they may know, each change once and in order, on both stores.

use std::path::Path;

use hub::heralds::Heralds;
use hub::installation::{heralds, pipeline};
use hub::settings::Settings;
use hub_core::pipeline::{Order, Pipeline};
use hub_core::subscription::ToldEvent;
use serde_json::Value as Json;

use crate::support::program::dlnuf;
use crate::support::{Postgres, received};

const HEAD: &str = "Identifiant dans le SI*;Prénom*;Nom*;Date de naissance*;NIR;Adresse;Code postal;Ville;Numéro allocataire CAF/MSA;Droits RSA;Accompagnateurs\n";
const NIR: &str = "1800152121009";
pub const PAUL: &str = "SI-1;Paul;Verdier;02/01/1980;1800152121009;12 rue des Tilleuls;52000;Chaumont";
pub const ANNE: &str = "SI-2;Anne;Roussel;17/06/1991;;7 place du Marché;51100;Reims";

const PROFILE: &str = "profil: suivi\ntitre: Suivi\nchamps: [identite, adresse]\n";

fn subscription(territory: &str) -> String {
    format!(
        "abonne: outil\ntitre: Un outil\nprofil: suivi\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\n\
         expire: 2099-12-31\nterritoire: {territory}\ncanal: http\n"
    )
}

pub struct Hub {
    pub folder: tempfile::TempDir,
    pub settings: Settings,
    pub pipeline: Pipeline,
}

impl Hub {
    pub async fn on(store: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings { store, ..Settings::at(folder.path().join("home")) };
        let pipeline = pipeline(&settings).await.expect("an installation");
        Self { folder, settings, pipeline }
    }

    fn declare(&self, profile: &str, subscription: &str) {
        self.write("profils/suivi.yaml", profile);
        self.write("outil.yaml", subscription);
    }

    /// Writes a file of the folder of subscriptions.
    pub fn write(&self, name: &str, text: &str) {
        let folder = self.settings.subscriptions_folder();
        std::fs::create_dir_all(folder.join("profils")).expect("a folder");
        std::fs::write(folder.join(name), text).expect("a file");
    }

    pub async fn deliver(&self, rows: &[&str], first_load: bool) {
        let file = self.folder.path().join("bord.csv");
        // As many cells as columns.
        let row = |row: &&str| format!("{row}{}\n", ";".repeat(10 - row.matches(';').count()));
        std::fs::write(&file, format!("{HEAD}{}", rows.iter().map(row).collect::<String>())).expect("a file");
        let delivery = received(&self.pipeline, "departement", &file).await;
        let order = Order { first_load, ..Order::new(delivery) };
        self.pipeline.run(order, &()).await.expect("a run");
    }

    pub fn heralds(&self) -> Heralds {
        heralds(&self.settings, &self.pipeline).expect("subscriptions")
    }

    /// Tells what there is to tell; what that is.
    async fn told(&self) -> Vec<(String, Json)> {
        let store = &self.pipeline.store;
        let before = store.told("suivi", 0, 10_000).await.expect("reads").len();
        let count = self.heralds().tell_all().await.expect("tells");
        let all: Vec<ToldEvent> = store.told("suivi", 0, 10_000).await.expect("reads");
        assert_eq!(u64::try_from(all.len() - before).expect("small"), count);
        assert_eq!(self.heralds().tell_all().await.expect("tells"), 0, "told twice");
        let shown = |event: &ToldEvent| {
            assert!(!event.json.contains(NIR) && !event.json.contains("SI-1"), "{}", event.json);
            let json: Json = serde_json::from_str(&event.json).expect("JSON");
            assert_eq!(json["id"], event.id.to_string());
            assert_eq!(json["subject"], event.subject.0.to_string());
            let sequence = json["sequence"].as_str().expect("a sequence").trim_start_matches('0').to_owned();
            (format!("{sequence} {}", event.routing_key), json)
        };
        all[before..].iter().map(shown).collect()
    }
}

fn kinds(told: &[(String, Json)]) -> Vec<&str> {
    told.iter().map(|(kind, _)| kind.as_str()).collect()
}

/// Fields with what they become.
fn changes(event: &Json) -> Vec<(String, Json)> {
    let changes = event["data"]["changements"].as_array().expect("changes").iter();
    changes
        .map(|change| (change["champ"].as_str().expect("a field").to_owned(), change["apres"].clone()))
        .collect()
}

async fn follows_its_territory_and_its_scope(hub: &Hub) {
    hub.declare(PROFILE, &subscription("[\"52\"]"));
    assert_eq!(kinds(&hub.told().await), [""; 0], "nobody is known");
    hub.deliver(&[PAUL, ANNE], false).await;
    let told = hub.told().await;
    assert_eq!(kinds(&told), ["1 personne.creee.52"]);
    let provenance = &told[0].1["data"]["provenance"];
    assert_eq!(
        provenance.as_object().expect("an object").keys().collect::<Vec<_>>(),
        ["source", "valide_le"]
    );
    // A street is told, a number at the fund is not: the profile does not hold it.
    let moved = PAUL.replace("Tilleuls", "Lilas");
    hub.deliver(&[&moved, ANNE], false).await;
    let told = hub.told().await;
    assert_eq!(kinds(&told), ["2 personne.modifiee.52"]);
    assert_eq!(changes(&told[0].1), [("adresse.voie".to_owned(), Json::from("12 rue des Lilas"))]);
    hub.deliver(&[&format!("{moved};2055990"), ANNE], false).await;
    assert_eq!(kinds(&hub.told().await), [""; 0]);
    // Away, and back: told to be gone, then whole again.
    hub.deliver(&[&moved.replace("52000;Chaumont", "51100;Reims"), ANNE], false).await;
    let told = hub.told().await;
    assert_eq!(kinds(&told), ["3 personne.sortie.52"]);
    assert!(!told[0].1.to_string().contains("51100") && changes(&told[0].1).is_empty());
    hub.deliver(&[&moved, &ANNE.replace("51100;Reims", "52100;Saint-Dizier")], false).await;
    let told = hub.told().await;
    let mut both = kinds(&told);
    both.sort_unstable();
    assert_eq!(both, ["1 personne.entree.52", "4 personne.entree.52"]);
    // The territory grows, then the scope is cut: both are told of everybody.
    hub.declare(PROFILE, &subscription("tous"));
    assert_eq!(kinds(&hub.told().await), [""; 0], "both were seen");
    hub.declare(&PROFILE.replace(", adresse", ""), &subscription("tous"));
    let told = hub.told().await;
    assert_eq!(kinds(&told).len(), 2);
    for (_, event) in &told {
        let told = event["data"]["changements"].as_array().expect("changes");
        assert!(
            told.iter().all(|change| change["avant"].is_null()),
            "what is held no more is not told again"
        );
        let changes = changes(event);
        assert!(!changes.is_empty());
        assert!(
            changes.iter().all(|(field, after)| field.starts_with("adresse.") && after.is_null()),
            "{changes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_follows_its_territory_and_its_scope_and_is_told_nothing_else() {
    follows_its_territory_and_its_scope(&Hub::on(None).await).await;
    let server = Postgres::fresh().await;
    follows_its_territory_and_its_scope(&Hub::on(Some(server.url.clone())).await).await;
    server.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_first_load_made_or_who_was_known_before_is_shown_to_a_new_profile() {
    let hub = Hub::on(None).await;
    hub.deliver(&[PAUL], false).await;
    hub.declare(PROFILE, &subscription("tous"));
    assert_eq!(kinds(&hub.told().await), ["1 personne.entree.52"]);
    let other = Hub::on(None).await;
    other.declare(PROFILE, &subscription("tous"));
    assert_eq!(kinds(&other.told().await), [""; 0]);
    other.deliver(&[PAUL, ANNE], true).await;
    let told = other.told().await;
    let mut both = kinds(&told);
    both.sort_unstable();
    assert_eq!(both, ["1 personne.entree.51", "1 personne.entree.52"]);
    other.deliver(&[&PAUL.replace("Tilleuls", "Lilas"), ANNE], false).await;
    assert_eq!(kinds(&other.told().await), ["2 personne.modifiee.52"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hubs_that_tell_one_profile_tell_nothing_twice() {
    let hub = Hub::on(None).await;
    hub.declare(PROFILE, &subscription("tous"));
    hub.told().await;
    let rows: Vec<String> = (0..40)
        .map(|at| format!("SI-{at};Paul;Verdier{at};02/01/19{:02};;{at} rue;52000;Chaumont", 40 + at))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    hub.deliver(&rows, false).await;
    let (one, other) = (hub.heralds(), hub.heralds());
    let (a, b) = tokio::join!(one.tell_all(), other.tell_all());
    assert_eq!(a.expect("tells") + b.expect("tells"), 40);
    assert_eq!(hub.pipeline.store.told("suivi", 0, 1_000).await.expect("reads").len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_lints_lists_shows_and_tells_subscriptions() {
    let hub = Hub::on(None).await;
    hub.declare(&PROFILE.replace("adresse]", "adresse, identite.nirr]"), &subscription("[\"20\", \"99\"]"));
    let home = hub.settings.home.to_str().expect("a path").to_owned();
    let ask = |command: &[&str]| dlnuf(&[&["--home", &home, "--output", "json"], command].concat());
    let lint = ask(&["subscriber", "lint"]);
    let codes: Vec<String> =
        lint.json().iter().map(|mistake| mistake["code"].as_str().expect("a code").to_owned()).collect();
    assert_eq!(
        (lint.code, codes),
        (5, ["DLN0902", "DLN0905", "DLN0906", "DLN0906"].map(str::to_owned).to_vec())
    );
    hub.declare(PROFILE, &format!("# {}\n{}", "x".repeat(2 << 20), subscription("[\"52\"]")));
    let lint = ask(&["subscriber", "lint"]);
    assert_eq!((lint.code, lint.json().len(), lint.output.len() < 1_000), (5, 1, true), "a file too large");
    hub.declare(PROFILE, &subscription("[\"52\"]"));
    assert_eq!(ask(&["subscriber", "lint"]).code, 0);
    assert_eq!(ask(&["subscriber", "list"]).json()[0]["abonne"], "outil");
    let fields = ask(&["subscriber", "show", "outil"]).json()[0]["champs"].clone();
    let fields: Vec<&str> = fields.as_array().expect("fields").iter().filter_map(Json::as_str).collect();
    assert!(fields.contains(&"adresse.voie") && !fields.contains(&"identite.nir"));
    hub.deliver(&[PAUL, ANNE], false).await;
    let events = ask(&["subscriber", "events", "outil"]).json();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["type"], "fr.dlnuf.personne.entree");
    assert_eq!(ask(&["subscriber", "show", "nobody"]).code, 1);
    assert!(Path::new(&home).join("abonnements/outil.yaml").exists());
}
