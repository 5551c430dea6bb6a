//! A policy that changed judges those known only when it is told to; a trial changes nothing, and what a person ruled stays.

use serde_json::{Value as Json, json};

use crate::support::extracts::{Hub, somebody};
use crate::support::program::dlnuf;
use crate::who_is_asked::doubtful;

/// The mappings the hub is built with, with another threshold from which two are one.
fn policy(hub: &Hub, link: &str) -> String {
    let folder = hub.folder().join(format!("mappings-{link}"));
    let into = folder.to_str().expect("a path").to_owned();
    assert_eq!(dlnuf(&["mapping", "export", &into]).code, 0);
    let file = folder.join("identite.yaml");
    let text = std::fs::read_to_string(&file).expect("a policy");
    assert!(text.contains("lien: 0.97"));
    std::fs::write(file, text.replace("lien: 0.97", &format!("lien: {link}"))).expect("a policy");
    into
}

fn judge(hub: &Hub, mappings: &str, more: &[&str]) -> Json {
    let ended = hub.ask(&[&["--mappings", mappings, "identity", "judge"], more].concat());
    ended.json().into_iter().next().unwrap_or_else(|| panic!("an answer: {}", ended.errors))
}

#[test]
fn those_known_are_judged_again_with_the_policy_in_force_and_a_trial_changes_nothing() {
    let hub = doubtful();
    let lax = policy(&hub, "0.3");
    let trial = judge(&hub, &lax, &["--dry-run"]);
    assert_eq!((&trial["questions_avant"], &trial["questions"]), (&json!(1), &json!(0)));
    assert_eq!(trial["evenements"]["fr.dlnuf.personne.fusionnee"], 1);
    assert_eq!(hub.persons().len(), 2);
    let judged = judge(&hub, &lax, &[]);
    assert_eq!(judged["evenements"], trial["evenements"], "what was foreseen is what follows");
    assert_eq!(hub.persons().len(), 1);
    assert_eq!(judge(&hub, &lax, &[])["evenements"], json!({}), "judged twice, nothing more changes");
}

#[test]
fn a_stricter_policy_parts_those_it_would_not_have_made_one_and_a_ruling_stays() {
    let hub = doubtful();
    judge(&hub, &policy(&hub, "0.3"), &[]);
    let strict = policy(&hub, "0.9999");
    let judged = judge(&hub, &strict, &[]);
    assert_eq!((hub.persons().len(), &judged["questions"]), (2, &json!(1)));
    let question = hub.ask(&["identity", "queue"]).json().pop().expect("a question");
    let [one, other] = [0, 1].map(|at| question["personnes"][at].as_str().expect("a person").to_owned());
    hub.ask(&["identity", "decide", &one, &other, "--one", "--note", "vus ensemble"]);
    judge(&hub, &strict, &[]);
    assert_eq!(hub.persons().len(), 1);
}

#[test]
fn a_note_with_a_value_of_a_person_is_refused_and_nothing_is_ruled() {
    let hub = doubtful();
    let question = hub.ask(&["identity", "queue"]).json().pop().expect("a question");
    let [one, other] = [0, 1].map(|at| question["personnes"][at].as_str().expect("a person").to_owned());
    for note in [
        "M. verdier, vu au guichet",
        "NIR 1 80 01 52 121 009",
        "né le 02/01/1980",
        "né le 2 janvier 1980",
        "né le 2.1.80",
        "né en janvier 1980",
        "dossier PaulVerdier",
        "dossier Ver-dier",
        "appelé au 06 39 98 00 01",
        "ecrit de p@exemple.fr",
    ] {
        let ended = hub.ask(&["identity", "decide", &one, &other, "--one", "--note", note]);
        assert_ne!(ended.code, 0, "{note}");
        let tried = hub.ask(&["identity", "decide", &one, &other, "--one", "--dry-run", "--note", note]);
        assert_ne!(tried.code, 0, "{note}: a trial says what the word would be told");
        assert!(!ended.errors.to_lowercase().contains("verdier"), "{}", ended.errors);
    }
    assert_eq!(hub.persons().len(), 2);
    let ended =
        hub.ask(&["identity", "decide", &one, &other, "--one", "--note", "vus ensemble le 12/11/2026"]);
    assert_eq!(ended.code, 0, "{}", ended.errors);
}

#[test]
fn more_persons_than_are_ever_compared_at_once_are_judged_page_by_page_and_no_question_is_lost() {
    let hub = doubtful();
    let strict = policy(&hub, "0.9999999");
    let (mut rows, mut namesakes) = (String::from(HEAD), String::from(HEAD));
    for number in 0..450 {
        let (name, born) = somebody(number);
        let born: Vec<&str> = born.rsplit('-').collect();
        let row = |id: &str| {
            format!("{number} rue Haute;51100 Reims;{name};PAUL;{};{id}-{number}\n", born.join("/"))
        };
        rows.push_str(&row("A"));
        if number % 90 == 0 {
            namesakes.push_str(&row("B"));
        }
    }
    for (file, text) in [("a.csv", &rows), ("b.csv", &namesakes)] {
        let delivered =
            hub.ask(&["--mappings", &strict, "deliver", "departement", &hub.file(file, text.as_bytes())]);
        assert_eq!(delivered.code, 0, "{}", delivered.errors);
    }
    let asked = || hub.ask(&["identity", "queue"]).json().len();
    let (before, persons) = (asked(), hub.persons().len());
    assert!(before > 1, "{before} questions");
    let judged = judge(&hub, &strict, &[]);
    assert_eq!((judged["questions"].as_u64(), asked()), (u64::try_from(before).ok(), before), "{judged}");
    assert_eq!(hub.persons().len(), persons, "nothing has changed");
    judge(&hub, &policy(&hub, "0.3"), &[]);
    assert!(hub.persons().len() < persons && asked() < before, "another policy counts for all of them");
}

const HEAD: &str = "Adresse;CP Ville;Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;ID IODAS\n";

#[test]
fn who_signs_is_no_place_for_a_value_of_a_person() {
    let hub = doubtful();
    let question = hub.ask(&["identity", "queue"]).json().pop().expect("a question");
    let [one, other] = [0, 1].map(|at| question["personnes"][at].as_str().expect("a person").to_owned());
    let sign = |by: &str| {
        hub.ask(&["identity", "decide", &one, &other, "--one", "--note", "vus ensemble", "--by", by]).code
    };
    for by in ["Paul Verdier", "1 80 01 52 121 009", "agent, né le 02/01/1980"] {
        assert_ne!(sign(by), 0, "{by}");
    }
    assert_eq!(hub.persons().len(), 2);
    // An operator may bear a name one of them bears.
    assert_eq!(sign("Mme Verdier"), 0);
}
