//! What the hub cannot say by itself: it asks, a person rules, no later delivery goes against that, and taken back it leaves no trace.

use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, codes, figures, household, made, monthly, somebody};

const LIST: &str =
    "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;NIR;ID IODAS;Numéro de téléphone\n";
const WITHOUT_NIR: Member<'static> = Member { nir: "", ..PAUL };

fn caf(day: &str, members: &[Member<'_>]) -> Vec<u8> {
    monthly(&made(day, "01:00:00"), 1, &[household("2055990", "521", "2", members)])
}

fn list(rows: &str) -> Vec<u8> {
    format!("{LIST}{rows}").into_bytes()
}

/// A hub that knows one person by two claims that differ by a digit of the birth.
pub fn doubtful() -> Hub {
    let hub = Hub::fresh();
    hub.deliver("caf", "1.xml", &caf("2026-03-05", &[WITHOUT_NIR]));
    let report = hub.deliver("departement", "1.csv", &list("Verdier;Paul;03/01/1980;;SI-1;0600000001\n"));
    assert_eq!((figures(&report, ["persons"]), codes(&report)), ([1], vec!["DLN0318"]));
    hub
}

fn questions(hub: &Hub) -> Vec<Json> {
    hub.ask(&["identity", "queue"]).json()
}

/// The two persons the only question is about.
fn asked(hub: &Hub) -> [String; 2] {
    let questions = questions(hub);
    assert_eq!(questions.len(), 1);
    [0, 1].map(|at| questions[0]["personnes"][at].as_str().expect("a person").to_owned())
}

fn decide(hub: &Hub, [one, other]: &[String; 2], answer: &str) -> Json {
    let ended = hub.ask(&["identity", "decide", one, other, answer, "--note", "vus ensemble"]);
    ended.json().pop().unwrap_or_else(|| panic!("a ruling: {}", ended.errors))
}

fn undo(hub: &Hub, ruling: &Json) {
    let id = ruling["decision"].as_str().expect("a ruling").to_owned();
    let ended = hub.ask(&["identity", "undo", &id, "--note", "erreur"]);
    assert_eq!(ended.code, 0, "{}", ended.errors);
}

/// Every living person, by identifier, with all that is known.
fn everything(hub: &Hub) -> Vec<(String, Json)> {
    let snapshot = hub.ask(&["events", "snapshot"]).json();
    let mut all: Vec<(String, Json)> = snapshot
        .iter()
        .map(|event| {
            let id = event["subject"].as_str().expect("a person").to_owned();
            let person = hub.ask(&["person", "show", &id]).json().pop().expect("a person");
            (id, serde_json::json!([person["dossier"], person["provenances"]]))
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn two_who_are_alike_are_asked_about_and_shown_side_by_side() {
    let hub = doubtful();
    let [one, other] = asked(&hub);
    let shown = hub.ask(&["identity", "show", &one, &other]).json().pop().expect("a comparison");
    let level = |name: &str| {
        let traits = shown["traits"].as_array().expect("traits");
        traits.iter().find(|line| line["trait"] == name).map(|line| line["niveau"].clone())
    };
    assert_eq!(level("nom"), Some("identique".into()));
    assert_eq!(level("naissance"), Some("chiffre".into()));
    assert_eq!(shown["doute"], "ressemblance");
    assert!(shown["si_une"].as_array().is_some_and(|events| !events.is_empty()));
    assert_eq!(shown["si_deux"], serde_json::json!([]));
    assert_eq!(questions(&hub).len(), 1, "showing decides nothing");
}

#[test]
fn a_merger_taken_back_restores_exactly() {
    let hub = doubtful();
    let before = everything(&hub);
    let ruling = decide(&hub, &asked(&hub), "--one");
    assert_eq!((everything(&hub).len(), questions(&hub).len()), (1, 0));
    let kinds: Vec<&str> =
        ruling["evenements"].as_array().expect("events").iter().filter_map(Json::as_str).collect();
    assert!(kinds.contains(&"fr.dlnuf.personne.fusionnee"), "{kinds:?}");
    undo(&hub, &ruling);
    assert_eq!(everything(&hub), before);
    assert_eq!(questions(&hub).len(), 1, "it is asked again");
    let split = hub.events().into_iter().filter(|event| event["type"] == "fr.dlnuf.personne.scindee");
    assert_eq!(split.count(), 1);
    let again =
        hub.ask(&["identity", "undo", ruling["decision"].as_str().expect("a ruling"), "--note", "encore"]);
    assert_ne!(again.code, 0, "what was undone cannot be undone");
}

#[test]
fn a_ruling_stands_whatever_is_delivered_later() {
    for (answer, persons) in [("--one", 1), ("--two", 2)] {
        let hub = doubtful();
        decide(&hub, &asked(&hub), answer);
        assert_eq!(questions(&hub).len(), 0, "{answer}");
        let rows =
            ["Verdier;Paul;02/01/1980;;SI-1;0600000002\n", "Verdier;Paul;13/01/1980;;SI-1;0600000003\n"];
        for (at, row) in rows.iter().enumerate() {
            hub.deliver("departement", &format!("later-{at}.csv"), &list(row));
            assert_eq!(everything(&hub).len(), persons, "{answer} {row}");
        }
        hub.deliver("caf", "2.xml", &caf("2026-04-05", &[Member { nir: PAUL.nir, ..PAUL }]));
        assert_eq!(everything(&hub).len(), persons, "{answer}");
    }
}

#[test]
fn a_person_who_was_two_is_parted_and_put_together_again() {
    let hub = Hub::fresh();
    hub.deliver("caf", "1.xml", &caf("2026-03-05", &[WITHOUT_NIR]));
    hub.deliver("departement", "1.csv", &list("Verdier;Paul;02/01/1980;;SI-1;0600000001\n"));
    let before = everything(&hub);
    assert_eq!(before.len(), 1);
    let shown = hub.ask(&["person", "show", &before[0].0]).json().pop().expect("a person");
    let claims = shown["declarations"].as_array().expect("claims").clone();
    let of_list = claims.iter().find(|claim| claim["source"] == "departement").expect("a claim");
    let number = of_list["numero"].to_string();
    let ended =
        hub.ask(&["identity", "split", &before[0].0, "--claims", &number, "--note", "deux personnes"]);
    let ruling = ended.json().pop().unwrap_or_else(|| panic!("a ruling: {}", ended.errors));
    assert_eq!(everything(&hub).len(), 2);
    hub.deliver("departement", "2.csv", &list("Verdier;Paul;02/01/1980;;SI-1;0600000002\n"));
    assert_eq!(everything(&hub).len(), 2, "the ruling stands");
    hub.deliver("departement", "3.csv", &list("Verdier;Paul;02/01/1980;;SI-1;0600000001\n"));
    undo(&hub, &ruling);
    let after = everything(&hub);
    assert_eq!((after.len(), &after[0].0), (1, &before[0].0));
}

#[test]
fn of_two_words_on_the_same_claims_the_last_counts_until_it_is_taken_back() {
    let hub = doubtful();
    decide(&hub, &asked(&hub), "--one");
    let person = everything(&hub).remove(0).0;
    let shown = hub.ask(&["person", "show", &person]).json().pop().expect("a person");
    let claims = shown["declarations"].as_array().expect("claims");
    let of_list = claims.iter().find(|claim| claim["source"] == "departement").expect("a claim");
    let number = of_list["numero"].to_string();
    let ended = hub.ask(&["identity", "split", &person, "--claims", &number, "--note", "deux"]);
    let split = ended.json().pop().unwrap_or_else(|| panic!("a ruling: {}", ended.errors));
    assert_eq!(everything(&hub).len(), 2);
    hub.deliver("departement", "2.csv", &list("Verdier;Paul;02/01/1980;;SI-1;0600000002\n"));
    assert_eq!(everything(&hub).len(), 2, "the later word stands");
    hub.deliver("caf", "2.xml", &caf("2026-04-05", &[Member { nir: PAUL.nir, ..PAUL }]));
    assert_eq!((everything(&hub).len(), questions(&hub).len()), (2, 0), "and goes on standing");
    undo(&hub, &split);
    assert_eq!(everything(&hub).len(), 1, "taken back, the earlier one counts again");
}

#[test]
fn what_cannot_be_ruled_is_said_in_french_and_changes_nothing() {
    let hub = doubtful();
    let [one, other] = asked(&hub);
    let events = hub.events().len();
    let nobody = "01a22435-0000-7000-8000-000000000000";
    for (command, expected) in [
        (vec!["identity", "decide", &one, &one, "--one", "--note", "x"], "twice"),
        (vec!["identity", "decide", &one, nobody, "--one", "--note", "x"], "no person"),
        (vec!["identity", "decide", &one, &other, "--one", "--note", " "], "--note"),
        (vec!["identity", "undo", nobody, "--note", "x"], "no ruling"),
        (vec!["identity", "split", &one, "--claims", "999", "--note", "x"], "no such claim"),
    ] {
        let ended = hub.ask(&command);
        assert_eq!(ended.code, 1, "{command:?}");
        assert!(ended.errors.contains(expected), "{command:?}: {}", ended.errors);
    }
    assert_eq!((hub.events().len(), questions(&hub).len()), (events, 1));
    let dry = hub.ask(&["identity", "decide", &one, &other, "--one", "--note", "x", "--dry-run"]).json();
    assert_eq!(dry[0]["essai"], true);
    assert_eq!((hub.events().len(), questions(&hub).len()), (events, 1));
}

#[test]
fn every_identifier_goes_back_to_whom_it_belonged() {
    let hub = Hub::fresh();
    let names: Vec<(String, String)> = (1..=8).map(somebody).collect();
    let dossiers: Vec<String> = (0..)
        .zip(&names)
        .map(|(at, (name, born))| {
            let member = Member { name, born, nir: "", rank: "", ..PAUL };
            household(&format!("205599{at}"), "521", "2", &[member])
        })
        .collect();
    hub.deliver("caf", "caf.xml", &monthly(&made("2026-03-05", "01:00:00"), 8, &dossiers));
    let before = everything(&hub);
    let ids: Vec<String> = before.iter().map(|(id, _)| id.clone()).collect();
    let pairs = ids.chunks_exact(2).map(|pair| [pair[0].clone(), pair[1].clone()]);
    let rulings: Vec<Json> = pairs.map(|pair| decide(&hub, &pair, "--one")).collect();
    assert_eq!(everything(&hub).len(), 4);
    for ruling in &rulings {
        undo(&hub, ruling);
    }
    assert_eq!(everything(&hub), before);
}

#[test]
fn of_three_made_one_by_two_rulings_each_has_their_own_identifier_in_whatever_order_these_are_taken_back() {
    let hub = Hub::fresh();
    let dossiers: Vec<String> = (1..=3)
        .map(|at| {
            let (name, born) = somebody(at);
            let member = Member { name: &name, born: &born, nir: "", rank: "", ..PAUL };
            household(&format!("205599{at}"), "521", "2", &[member])
        })
        .collect();
    hub.deliver("caf", "caf.xml", &monthly(&made("2026-03-05", "01:00:00"), 3, &dossiers));
    let before = everything(&hub);
    let ids: Vec<String> = before.iter().map(|(id, _)| id.clone()).collect();
    for (third, first_goes_first) in [(0, true), (1, true), (2, true), (0, false), (1, false), (2, false)] {
        let pair: Vec<&String> = ids.iter().filter(|id| **id != ids[third]).collect();
        let one = decide(&hub, &[pair[0].clone(), pair[1].clone()], "--one");
        let living = everything(&hub).into_iter().map(|(id, _)| id).find(|id| *id != ids[third]);
        let other = decide(&hub, &[living.expect("somebody"), ids[third].clone()], "--one");
        let (first, then) = if first_goes_first { (&one, &other) } else { (&other, &one) };
        undo(&hub, first);
        undo(&hub, then);
        assert_eq!(everything(&hub), before, "{third} {first_goes_first}");
    }
}

/// The claims each person has, whatever the person is called.
fn partition(hub: &Hub) -> Vec<Vec<String>> {
    let snapshot = hub.ask(&["events", "snapshot"]).json();
    let persons = snapshot.iter().map(|event| event["subject"].as_str().expect("a person").to_owned());
    let mut all: Vec<Vec<String>> = persons
        .map(|id| {
            let person = hub.ask(&["person", "show", &id]).json().pop().expect("a person");
            let claims = person["declarations"].as_array().expect("claims").clone();
            let mut claims: Vec<String> = claims.iter().map(|claim| claim["numero"].to_string()).collect();
            claims.sort();
            claims
        })
        .collect();
    all.sort();
    all
}

/// Who has a claim of a source.
fn of_source(hub: &Hub, source: &str) -> String {
    let snapshot = hub.ask(&["events", "snapshot"]).json();
    let mut persons = snapshot.iter().map(|event| event["subject"].as_str().expect("a person").to_owned());
    let has = |id: &String| {
        let person = hub.ask(&["person", "show", id]).json().pop().expect("a person");
        person["declarations"].as_array().expect("claims").iter().any(|claim| claim["source"] == source)
    };
    persons.find(has).expect("somebody")
}

#[test]
fn of_several_who_were_one_by_two_rulings_each_is_apart_again_once_both_are_taken_back() {
    let hub = Hub::fresh();
    let like =
        Member { name: "KERVELLA DUPUIS", given: "LOUISE", born: "1985-01-01", nir: "", rank: "", ..PAUL };
    hub.deliver("caf", "1.xml", &caf("2026-03-05", &[like]));
    hub.deliver("departement", "1.csv", &list("Dupuis;Marie Sandrine;04/12/1985;;SI-1;0612345678\n"));
    let row = "de-1;DUPUIS;LOUISE;1985-04-12 00:00:00.0;1;SUI;;\n";
    let columns = "identifiant_unique_de;nom;prenom;date_naissance;categorie_inscription;modalite_accompagnement;adresse_ligne4;adresse_ligne6\n";
    hub.deliver("france-travail", "principal.csv", format!("{columns}{row}").as_bytes());
    let (before, everybody) = (partition(&hub), everything(&hub));
    assert_eq!(before.len(), 3);
    // The third is like the first, and stays with both when only the second ruling holds.
    let one = decide(&hub, &[of_source(&hub, "departement"), of_source(&hub, "france-travail")], "--one");
    let other = decide(&hub, &[of_source(&hub, "departement"), of_source(&hub, "caf")], "--one");
    undo(&hub, &one);
    assert_eq!(partition(&hub).len(), 1);
    undo(&hub, &other);
    assert_eq!(partition(&hub), before);
    assert_eq!(everything(&hub), everybody, "each by the identifier it had");
}

/// Who subscribes to whom, and what each may know.
const SUBSCRIBERS: [(&str, &str, &str); 4] = [
    ("suivi", "identite, contacts", "[\"52\"]"),
    ("partout", "identite, contacts", "tous"),
    ("droits", "droits.rsa", "tous"),
    ("ailleurs", "identite, contacts", "[\"75\"]"),
];

fn declare_subscribers(hub: &Hub) {
    let folder = std::path::Path::new(&hub.home()).join("abonnements");
    std::fs::create_dir_all(folder.join("profils")).expect("a folder");
    for (name, fields, territory) in SUBSCRIBERS {
        let profile = format!("profil: {name}\ntitre: Essai\nchamps: [{fields}]\n");
        let subscription = format!(
            "abonne: {name}\ntitre: Essai\nprofil: {name}\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\n\
             expire: 2099-12-31\nterritoire: {territory}\ncanal: http\n"
        );
        std::fs::write(folder.join(format!("profils/{name}.yaml")), profile).expect("a file");
        std::fs::write(folder.join(format!("{name}.yaml")), subscription).expect("a file");
    }
}

/// How many events each subscriber was told until now; who was told none is left out.
fn told(hub: &Hub) -> serde_json::Map<String, Json> {
    let told = |name: &str| {
        let ended = hub.ask(&["subscriber", "events", name]);
        assert_eq!(ended.code, 0, "{}", ended.errors);
        ended.json().len()
    };
    let counts = SUBSCRIBERS.map(|(name, ..)| (name.to_owned(), told(name)));
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name, count.into())).collect()
}

/// What was told between two counts.
fn since(
    before: &serde_json::Map<String, Json>,
    after: &serde_json::Map<String, Json>,
) -> serde_json::Map<String, Json> {
    let count =
        |of: &serde_json::Map<String, Json>, name: &str| of.get(name).and_then(Json::as_u64).unwrap_or(0);
    let names = after.keys().map(|name| (name.clone(), count(after, name) - count(before, name)));
    names.filter(|(_, count)| *count > 0).map(|(name, count)| (name, count.into())).collect()
}

#[test]
fn a_preview_counts_the_subscribers_who_are_told_then() {
    let hub = Hub::fresh();
    hub.deliver("caf", "1.xml", &caf("2026-03-05", &[WITHOUT_NIR]));
    // Only this claim says where the person lives.
    let head = LIST.replace("Prénom", "CP Ville;Prénom");
    let row = "Verdier;52000 Chaumont;Paul;03/01/1980;;SI-1;0600000001\n";
    hub.deliver("departement", "1.csv", format!("{head}{row}").as_bytes());
    declare_subscribers(&hub);
    let [one, other] = asked(&hub);
    let before = told(&hub);
    let shown = hub.ask(&["identity", "show", &one, &other]).json().pop().expect("a comparison");
    assert_eq!(shown["si_deux_abonnes"], serde_json::json!({}));
    let foreseen = shown["si_une_abonnes"].as_object().expect("subscribers").clone();
    assert!(foreseen.contains_key("suivi") && foreseen.contains_key("partout"), "{foreseen:?}");
    assert!(!foreseen.contains_key("ailleurs"), "{foreseen:?}");
    assert_eq!(told(&hub), before, "showing tells nobody");
    let ruling = decide(&hub, &[one, other], "--one");
    assert_eq!(ruling["abonnes"], shown["si_une_abonnes"]);
    let ruled = told(&hub);
    assert_eq!(since(&before, &ruled), foreseen);

    let id = ruling["decision"].as_str().expect("a ruling").to_owned();
    let tried = hub.ask(&["identity", "undo", &id, "--note", "erreur", "--dry-run"]).json().pop();
    let foreseen = tried.expect("a preview")["abonnes"].as_object().expect("subscribers").clone();
    undo(&hub, &ruling);
    assert_eq!(since(&ruled, &told(&hub)), foreseen);
}
