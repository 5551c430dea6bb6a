//! One record, explained: what was known when, what changed it, why a value is kept and others are not, down to file, line and rule.

use std::fs;

use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, figures, household, made, monthly};
use crate::support::program::command;

const IMPORT: &str = "Identifiant dans le SI*;Prénom*;Nom*;Date de naissance*;NIR;Numéro allocataire CAF/MSA;Droits RSA;Adresse;\
Ville;Accompagnateurs\n";

/// Paul's dossier in a state, in a file of the day.
fn dossier(day: &str, state: &str, paul: Member<'_>) -> Vec<u8> {
    monthly(&made(day, "01:00:00"), 1, &[household("1024041", "521", state, &[paul])])
}

/// A hub where the CAF opened Paul's right, the département states another, and the CAF closes it.
fn three_files() -> (Hub, String) {
    let hub = Hub::unguarded("caf");
    hub.deliver("caf", "mars.xml", &dossier("2026-03-01", "2", PAUL));
    let row = "77;Paul;Verdier;1980-01-02;1800152121009;;rsa_clos;3 rue du Puits;Chaumont;\n";
    hub.deliver("departement", "import.csv", format!("{IMPORT}{row}").as_bytes());
    let report = hub.deliver("caf", "avril.xml", &dossier("2026-04-01", "5", PAUL));
    assert_eq!(figures(&report, ["persons", "changed"]), [0, 1]);
    let snapshot = hub.ask(&["events", "snapshot"]).json();
    assert_eq!(snapshot.len(), 1, "one person");
    let person = snapshot[0]["subject"].as_str().expect("a person").to_owned();
    (hub, person)
}

/// What the program prints to somebody who reads this language.
fn told(hub: &Hub, locale: &str, arguments: &[&str]) -> String {
    let home = hub.home();
    let mut program = command();
    let ended = program.env("LC_ALL", locale).args([&["--home", home.as_str()], arguments].concat()).output();
    let ended = ended.expect("the program starts");
    String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned()
}

fn change<'j>(version: &'j Json, field: &str) -> Option<&'j Json> {
    version["changements"].as_array()?.iter().find(|change| change["champ"] == field)
}

#[test]
fn each_version_tells_what_changed_and_which_line_of_which_delivery_changed_it() {
    let (hub, person) = three_files();
    let versions = hub.ask(&["person", "history", &person]).json();
    assert_eq!(versions.len(), 3, "{versions:?}");
    let etat: Vec<Option<&Json>> = versions.iter().map(|v| change(v, "droits.rsa.etat")).collect();
    assert_eq!(etat[0].expect("created")["apres"], "rsa_droit_ouvert_versable");
    assert_eq!(etat[1], None, "the CAF is believed before the département");
    let last = etat[2].expect("changed");
    assert_eq!((&last["avant"], &last["apres"]), (&"rsa_droit_ouvert_versable".into(), &"rsa_clos".into()));
    assert_eq!(last["provenance"]["source"], "caf");
    assert!(last["provenance"]["ligne"].as_u64().is_some() && last["provenance"]["livraison"].is_string());
    assert_eq!(
        change(&versions[1], "identifiants.identifiant_departement").expect("news")["provenance"]["source"],
        "departement"
    );
    for pair in versions.windows(2) {
        assert_eq!(pair[0]["jusqu_a"], pair[1]["depuis"]);
    }
    assert_eq!(versions[2]["jusqu_a"], Json::Null);
    let shown = told(&hub, "C", &["person", "history", &person]);
    for said in ["version 1 (sequence 1)", "first version, ", "droits.rsa.etat", "→ now"] {
        assert!(shown.contains(said), "{said}\n{shown}");
    }
    assert!(told(&hub, "fr_FR.UTF-8", &["person", "history", &person]).contains("→ aujourd'hui"));
}

#[test]
fn a_record_is_shown_as_it_was_known_at_an_instant_and_never_before_it_was() {
    let (hub, person) = three_files();
    let versions = hub.ask(&["person", "history", &person]).json();
    let at = |at: &str| hub.ask(&["person", "show", &person, "--at", at]);
    let etat = |at_instant: &Json| {
        let shown = at(at_instant.as_str().expect("an instant")).json().pop().expect("a person");
        shown["dossier"]["droits"]["rsa"]["etat"].clone()
    };
    assert_eq!(etat(&versions[0]["depuis"]), "rsa_droit_ouvert_versable");
    assert_eq!(etat(&versions[1]["depuis"]), "rsa_droit_ouvert_versable");
    assert_eq!(etat(&versions[2]["depuis"]), "rsa_clos");
    let today = at("2999-01-01").json().pop().expect("a person");
    let now = hub.ask(&["person", "show", &person]).json().pop().expect("a person");
    assert_eq!((&today["dossier"], &today["jusqu_a"]), (&now["dossier"], &Json::Null));
    let before = at("2020-01-01");
    assert_eq!(before.code, 1);
    assert!(
        before.errors.contains("DLN0705") && before.errors.contains("was not known at"),
        "{}",
        before.errors
    );
    let nobody = hub.ask(&["person", "show", "01900000-0000-7000-8000-000000000000", "--at", "2999-01-01"]);
    assert!(nobody.code == 1 && nobody.errors.contains("DLN0702"), "{}", nobody.errors);
    assert_eq!(at("hier").code, 2);
}

#[test]
fn why_leads_from_a_value_to_the_line_of_the_file_the_rule_and_the_policy() {
    let (hub, person) = three_files();
    let told_of = hub.ask(&["person", "why", &person, "droits.rsa.etat"]).json();
    let [kept, lost] = told_of.as_slice() else { panic!("two claims: {told_of:?}") };
    assert_eq!(
        (&kept["valeur"], &kept["verdict"], &kept["fichier"]),
        (&"rsa_clos".into(), &"retenue".into(), &"avril.xml".into())
    );
    assert_eq!(
        (&lost["verdict"], &lost["motif"], &lost["contre"]),
        (&"ecartee".into(), &"autorite".into(), &"caf".into())
    );
    assert_eq!(
        (&lost["fichier"], &kept["rang"], &lost["rang"]),
        (&"import.csv".into(), &1.into(), &2.into())
    );
    assert!(kept["retenue"] == true && lost["retenue"] == false && lost["silencieux"] == false);
    let line = |place: &Json| {
        let file = format!("../mappings/{}", place["fichier"].as_str().expect("a file"));
        let number = usize::try_from(place["lignes"][0].as_u64().expect("a line")).expect("small");
        let text = fs::read_to_string(file).expect("a file of the mappings");
        text.lines().nth(number - 1).expect("a line").trim().to_owned()
    };
    assert!(line(&kept["regle"]).starts_with("droits.rsa.etat:"), "{}", line(&kept["regle"]));
    assert!(line(&lost["regle"]).starts_with("droits.rsa.etat:"));
    assert!(line(&lost["politique"]).starts_with("droits.rsa:"));
    assert_eq!(lost["provenance"]["ligne"], 2);
    let french = told(&hub, "fr_FR.UTF-8", &["person", "why", &person, "droits.rsa.etat"]);
    for said in [
        "sa source passe avant",
        "avril.xml, enregistrement 1",
        "règle : caf/vrsb0801.yaml, ligne ",
        "precedence.yaml, ligne ",
    ] {
        assert!(french.contains(said), "{said}\n{french}");
    }
    let alone = told(&hub, "C", &["person", "why", &person, "identifiant_departement"]);
    assert!(
        alone.contains("nothing speaks against it") && alone.contains("import.csv, record 1, line 2"),
        "{alone}"
    );
}

#[test]
fn a_field_may_be_named_by_its_last_word_and_a_mistake_is_answered_with_a_proposal() {
    let (hub, person) = three_files();
    let why = |field: &str| hub.ask(&["person", "why", &person, field]);
    assert_eq!(why("nir").json()[0]["champ"], "identite.nir");
    let near = why("droits.rsa.etats");
    assert!(near.code == 1 && near.errors.contains("did you mean `droits.rsa.etat`?"), "{}", near.errors);
    assert!(near.errors.contains("DLN0403"));
    let several = why("nom");
    assert!(
        several.code == 1 && several.errors.contains("several fields are called `nom`"),
        "{}",
        several.errors
    );
    assert!(told(&hub, "C", &["person", "why", &person, "identite.date_deces"]).contains("nobody states"));
}

#[test]
fn a_mapping_or_a_policy_that_is_another_now_is_told() {
    let (hub, person) = three_files();
    let mappings = hub.folder().join("mappings");
    let folder = mappings.to_str().expect("a path");
    assert_eq!(hub.ask(&["mapping", "export", folder]).code, 0);
    let why = || hub.ask(&["--mappings", folder, "person", "why", &person, "droits.rsa.etat"]).json();
    assert!(why()[0]["regle"].is_object(), "the same text is the same mapping");
    let file = mappings.join("caf/vrsb0801.yaml");
    let text = fs::read_to_string(&file).expect("a mapping");
    for other in [text.replace("version: \"1\"", "version: \"2\""), format!("{text}# changé\n")] {
        fs::write(&file, other).expect("written");
        assert_eq!(why()[0]["regle"], Json::Null);
        let shown = told(&hub, "C", &["--mappings", folder, "person", "why", &person, "droits.rsa.etat"]);
        assert!(shown.contains("rule unknown: `caf/vrsb0801@1` was used"), "{shown}");
    }
    let policy = mappings.join("precedence.yaml");
    let text = fs::read_to_string(&policy).expect("a policy");
    hub.deliver("caf", "mai.xml", &dossier("2026-05-01", "2", PAUL));
    let why = || told(&hub, "C", &["--mappings", folder, "person", "why", &person, "droits.rsa.etat"]);
    assert!(!why().contains("the policy has changed since"), "{}", why());
    let other =
        text.replace("droits.rsa: [[caf, msa], departement,", "droits.rsa: [departement, [caf, msa],");
    assert_ne!(text, other);
    fs::write(&policy, other).expect("written");
    assert!(why().contains("the policy has changed since"), "{}", why());
}

#[test]
fn every_value_that_is_not_kept_can_be_shown_beside_the_record() {
    let (hub, person) = three_files();
    let shown = hub.ask(&["person", "show", &person, "--all-values"]).json().pop().expect("a person");
    let others = shown["autres_valeurs"].as_array().expect("a list");
    // Both say closed now: what is stated alike is no other value.
    assert!(others.iter().all(|other| other["champ"] != "droits.rsa.etat"), "{others:?}");
    hub.deliver("caf", "mai.xml", &dossier("2026-05-01", "2", PAUL));
    let shown = hub.ask(&["person", "show", &person, "--all-values"]).json().pop().expect("a person");
    let others = shown["autres_valeurs"].as_array().expect("a list");
    let etat = others.iter().find(|other| other["champ"] == "droits.rsa.etat").expect("not kept");
    assert_eq!((&etat["valeur"], &etat["motif"]), (&"rsa_clos".into(), &"autorite".into()));
    assert_eq!(etat["provenance"]["source"], "departement");
    let table = told(&hub, "fr_FR.UTF-8", &["person", "show", &person, "--all-values"]);
    assert!(table.contains("autres valeurs, non retenues") && table.contains("passe avant"), "{table}");
}

#[test]
fn the_versions_of_an_absorbed_person_stay_under_its_old_name_and_lead_on() {
    let hub = Hub::unguarded("departement");
    hub.deliver("caf", "mars.xml", &dossier("2026-03-01", "2", PAUL));
    let row = |name: &str, nir: &str| {
        format!("{IMPORT}77;Paul;{name};1980-01-02;{nir};;;3 rue du Puits;Chaumont;\n")
    };
    hub.deliver("departement", "un.csv", row("Durand", "").as_bytes());
    let two = hub.ask(&["events", "snapshot"]).json();
    assert_eq!(two.len(), 2, "nothing shows yet that they are one");
    hub.deliver("departement", "deux.csv", row("Verdier", "1800152121009").as_bytes());
    let merged = hub.events().into_iter().find(|event| event["type"] == "fr.dlnuf.personne.fusionnee");
    let merged = merged.expect("a merger");
    let (old, into) = (
        merged["subject"].as_str().expect("a person"),
        merged.pointer("/data/fusionnee_dans").expect("a person"),
    );
    let versions = hub.ask(&["person", "history", old]).json();
    assert_eq!(versions.len(), 2);
    assert_eq!(change(&versions[0], "identite.nom_usage").expect("created")["apres"], "Durand");
    assert_eq!(&versions[1]["fusionnee_dans"], into);
    let since = versions[0]["depuis"].as_str().expect("an instant");
    let then = hub.ask(&["person", "show", old, "--at", since]).json().pop().expect("a person");
    assert_eq!(
        (&then["personne"], &then["dossier"]["identite"]["nom_usage"]),
        (&old.into(), &"Durand".into())
    );
    let now = hub.ask(&["person", "show", old, "--at", "2999-01-01"]).json().pop().expect("a person");
    assert_eq!(&now["personne"], into);
    let shown = told(&hub, "C", &["person", "history", old]);
    assert!(shown.contains("merged: its history goes on under"), "{shown}");
}
