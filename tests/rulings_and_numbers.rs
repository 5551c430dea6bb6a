//! A person's word on somebody whose France Travail file holds rows that bear a number and no name: they follow whom the number names.

use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, household, made, monthly};

const PERSON: &str =
    "identifiant_unique_de;nom;prenom;date_naissance;categorie_inscription;modalite_accompagnement\n";
const ACTION: &str = "identifiant_unique_de;codeaction;lblaction;date_prescription\n";

/// Paul, as CAF and France Travail know him, and two actions that name him by number only. `day` is his birth by France Travail.
fn hub(day: &str) -> Hub {
    let hub = Hub::fresh();
    let paul = household("2055990", "521", "2", &[Member { nir: "", ..PAUL }]);
    hub.deliver("caf", "1.xml", &monthly(&made("2026-03-05", "01:00:00"), 1, &[paul]));
    let person = format!("{PERSON}de-1;VERDIER;PAUL;{day} 00:00:00.0;1;SUI\n");
    hub.deliver("france-travail", "principal.csv", person.as_bytes());
    let action = |code: &str| format!("de-1;{code};Formation;2026-01-10 00:00:00.0\n");
    let actions = format!("{ACTION}{}{}", action("FOR"), action("VAL"));
    hub.deliver("france-travail", "actions.csv", actions.as_bytes());
    hub
}

/// For each person: whether they have a right, a registration, and how many actions.
fn persons(hub: &Hub) -> Vec<(bool, bool, usize)> {
    let has = |person: &Json, path: &str| person.pointer(path).is_some();
    let actions = |person: &Json| person["parcours"]["actions"].as_array().map_or(0, Vec::len);
    let persons = hub.persons();
    let told = persons.iter().map(|person| {
        (has(person, "/droits/rsa"), has(person, "/inscription_emploi/categorie"), actions(person))
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    told
}

fn ruled(hub: &Hub, command: &[&str]) -> Json {
    let ended = hub.ask(&[command, &["--note", "vus ensemble"]].concat());
    ended.json().pop().unwrap_or_else(|| panic!("a ruling: {}", ended.errors))
}

#[test]
fn one_after_two_is_one_person_with_all_that_either_had_and_two_again_once_taken_back() {
    let hub = hub("1984-06-25");
    let known = hub.ask(&["events", "snapshot"]).json();
    let [a, b] = [0, 1].map(|at| known[at]["subject"].as_str().expect("a person").to_owned());
    let apart = [(false, true, 2), (true, false, 0)];
    ruled(&hub, &["identity", "decide", &a, &b, "--two"]);
    assert_eq!(persons(&hub), apart);
    let one = ruled(&hub, &["identity", "decide", &a, &b, "--one"]);
    assert_eq!(persons(&hub), [(true, true, 2)], "the later word counts, also for what bears a number only");
    ruled(&hub, &["identity", "undo", one["decision"].as_str().expect("a ruling")]);
    assert_eq!(persons(&hub), apart, "the earlier word counts again");
}

#[test]
fn rows_that_bear_only_the_number_of_a_claim_go_with_it_when_it_is_split_off() {
    let hub = hub("1980-01-02");
    assert_eq!(persons(&hub), [(true, true, 2)]);
    let id = hub.ask(&["events", "snapshot"]).json()[0]["subject"].as_str().expect("a person").to_owned();
    let shown = hub.ask(&["person", "show", &id]).json().pop().expect("a person");
    let claims = shown["declarations"].as_array().expect("claims");
    let of_ft = claims.iter().filter(|claim| claim["source"] == "france-travail");
    let first = of_ft.filter_map(|claim| claim["numero"].as_i64()).min().expect("a claim").to_string();
    let split = ruled(&hub, &["identity", "split", &id, "--claims", &first]);
    assert_eq!(persons(&hub), [(false, true, 2), (true, false, 0)]);
    assert_eq!(split["personnes"].as_array().map(Vec::len), Some(2));
    ruled(&hub, &["identity", "undo", split["decision"].as_str().expect("a ruling")]);
    assert_eq!(persons(&hub), [(true, true, 2)]);
}

#[test]
fn whose_claims_are_split_off_keeps_the_identifier_also_when_those_are_the_oldest_and_when_it_is_taken_back()
{
    let hub = hub("1980-01-02");
    let id = hub.ask(&["events", "snapshot"]).json()[0]["subject"].as_str().expect("a person").to_owned();
    let shown = |id: &str| hub.ask(&["person", "show", id]).json().pop().expect("a person");
    let whole = shown(&id);
    let claims = whole["declarations"].as_array().expect("claims");
    let of_caf = claims.iter().filter(|claim| claim["source"] == "caf");
    let oldest = of_caf.filter_map(|claim| claim["numero"].as_i64()).min().expect("a claim").to_string();
    let split = ruled(&hub, &["identity", "split", &id, "--claims", &oldest]);
    let kept = shown(&id);
    assert!(kept["dossier"].pointer("/inscription_emploi/categorie").is_some(), "{kept}");
    assert!(kept["dossier"].pointer("/droits/rsa").is_none(), "what is another's went: {kept}");
    ruled(&hub, &["identity", "undo", split["decision"].as_str().expect("a ruling")]);
    assert_eq!(shown(&id)["dossier"], whole["dossier"], "all is under the same identifier again");
}

#[test]
fn claims_split_off_that_a_ruling_had_brought_in_are_who_they_were() {
    let hub = hub("1984-06-25");
    let known = hub.ask(&["events", "snapshot"]).json();
    let ids = [0, 1].map(|at| known[at]["subject"].as_str().expect("a person").to_owned());
    let claims_of = |id: &str| {
        let shown = hub.ask(&["person", "show", id]).json().pop().expect("a person");
        let claims = shown["declarations"].as_array().expect("claims").clone();
        claims.iter().map(|claim| claim["numero"].to_string()).collect::<Vec<_>>().join(",")
    };
    let of = ids.clone().map(|id| claims_of(&id));
    let one = ruled(&hub, &["identity", "decide", &ids[0], &ids[1], "--one"]);
    let survivor = hub.ask(&["events", "snapshot"]).json()[0]["subject"].clone();
    let gone = usize::from(survivor == ids[0].as_str());
    let undone =
        |ruling: &Json| ruled(&hub, &["identity", "undo", ruling["decision"].as_str().expect("a ruling")]);
    // Whichever of the two is said to be another: the identifiers lead to the same persons as before.
    let mut split = Json::Null;
    for parted in [gone, 1 - gone] {
        split = ruled(&hub, &["identity", "split", &ids[1 - gone], "--claims", &of[parted]]);
        assert_eq!([claims_of(&ids[0]), claims_of(&ids[1])], of, "{parted} {gone}");
        if parted == gone {
            undone(&split);
            assert_eq!(hub.ask(&["events", "snapshot"]).json().len(), 1, "one again");
        }
    }
    undone(&one);
    undone(&split);
    assert_eq!([claims_of(&ids[0]), claims_of(&ids[1])], of, "nothing is ruled any more");
}
