//! Persons are asked about one by one, each once, in order, and what does not come is told by its cause; an event queue is read,
//! kept, and only then acknowledged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connectors::transport::http::{Enrichment, EnrichmentConfig, Milo, MiloConfig};
use hub_core::code::Code;
use hub_core::delivery::PersonId;
use hub_core::roster::{Asked, Outcome, Roster};
use hub_core::store::StoreError;
use hub_core::transport::{Fetched, Missing, Transport as _, TransportError};
use jiff::Timestamp;
use serde_json::Value as Json;
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::france_travail::FranceTravail;
use crate::support::hours::Hours;
use crate::support::milo::Queue;
use crate::support::place::fetch;

const DIAGNOSTIC: &str = "/diagnosticargumente/v4/dossiers";
const ORIENTATION: &str = "/orientationusager/v1/lectureOrientation";

/// A roster in memory.
#[derive(Default)]
struct List {
    persons: Vec<Asked>,
    asked: Mutex<HashMap<PersonId, Outcome>>,
}

impl List {
    /// Persons by their NIR, and for one that is no NIR, by their number.
    fn of(numbers: &[&str]) -> Arc<Self> {
        let person = |(place, number): (usize, &&str)| Asked {
            person: PersonId(Uuid::from_u128(place as u128 + 1)),
            nir13: (number.len() == 13).then(|| (*number).to_owned()),
            birth_date: Some("1985-05-12".to_owned()),
            france_travail: (number.len() == 11).then(|| (*number).to_owned()),
        };
        Arc::new(Self { persons: numbers.iter().enumerate().map(person).collect(), asked: Mutex::default() })
    }

    fn outcomes(&self) -> Vec<Option<Outcome>> {
        let asked = self.asked.lock().expect("outcomes");
        self.persons.iter().map(|person| asked.get(&person.person).copied()).collect()
    }
}

#[async_trait]
impl Roster for List {
    async fn due(&self, after: Option<PersonId>, limit: u32) -> Result<Vec<Asked>, StoreError> {
        let asked = self.asked.lock().expect("outcomes");
        let due = self.persons.iter().filter(|p| !asked.contains_key(&p.person));
        let due = due.filter(|p| after.is_none_or(|after| p.person.0 > after.0));
        Ok(due.take(limit as usize).cloned().collect())
    }

    async fn asked(&self, person: PersonId, _at: Timestamp, outcome: Outcome) -> Result<(), StoreError> {
        self.asked.lock().expect("outcomes").insert(person, outcome);
        Ok(())
    }
}

/// France Travail asked about the persons of a list.
struct Setting {
    there: FranceTravail,
    list: Arc<List>,
    hours: Arc<Hours>,
    folder: TempDir,
}

impl Setting {
    async fn of(numbers: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secret"), "s3same &\n").expect("written");
        Self { there: FranceTravail::open().await, list: List::of(numbers), hours: Hours::fresh(), folder }
    }

    fn enrichment(&self, headers: &str) -> Result<Enrichment, TransportError> {
        let (base, folder) = (&self.there.place.base, self.folder.path().display());
        let yaml = format!(
            "base_url: {base}
headers: {headers}
auth:
  oauth2:
    token_url: {base}/connexion/oauth2/access_token?realm=/partenaire
    client_id: hub-essai
    client_secret: {{file: '{folder}/secret'}}
    scope: api_rechercher-usagerv2 rechercheusager
calls:
  - {{member: diagnostic, path: diagnosticargumente/v4/dossiers}}
  - {{member: orientation, path: orientationusager/v1/lectureOrientation}}
parallel: 8
"
        );
        let config: EnrichmentConfig = serde_saphyr::from_str(&yaml).expect("a configuration");
        Enrichment::new(config, self.list.clone(), self.hours.time())
    }

    fn ready(&self) -> Enrichment {
        self.enrichment("{pa-nom-agent: dlnuf}").expect("a place")
    }
}

fn counted(fetched: Fetched) -> Vec<(Code, u64)> {
    let Fetched::Whole { missing, .. } = fetched else { return Vec::new() };
    missing.iter().map(|Missing { code, count, .. }| (*code, *count)).collect()
}

#[tokio::test]
async fn each_person_gives_a_line_and_whoever_does_not_is_told_by_cause() {
    let numbers = [
        "1850578006084",
        "2860252448017",
        "2910175056024",
        "12345678901",
        "98765432109",
        "1770393050005",
        "2730799404078",
        "5",
        "11122233344",
    ];
    let setting = Setting::of(&numbers).await;
    let there = &setting.there;
    there.finds("185057800608491", "jeton-a");
    there.answers(DIAGNOSTIC, "jeton-a", 200, "{\n \"z\": 1.50, \"a\": \"é\" }");
    there.answers(ORIENTATION, "jeton-a", 200, r#"[{"parcours":"PED"}]"#);
    there.searches("98765432109", 200, r#"{"codeRetour":"S003","jetonUsager":null}"#);
    there.finds("12345678901", "jeton-b");
    there.answers(ORIENTATION, "jeton-b", 500, r#"{"codeRetour":"R998","jetonUsager":"null"}"#);
    there.finds("11122233344", "jeton-c");
    there.searches("177039305000566", 200, r#"{"codeRetour":"S001","jetonUsager":"null"}"#);
    there.searches("273079940407891", 400, r#"{"codeRetour":"R997","jetonUsager":"null"}"#);

    let place = setting.ready();
    let offer = place.look(None).await.expect("looks").pop().expect("an offer");
    let mut bytes = Vec::new();
    let fetched = place.fetch(&offer, &mut bytes).await.expect("comes");
    assert_eq!(setting.list.outcomes(), [None; 9], "nobody counts as asked before the bytes are kept");
    place.taken(&offer).await.expect("told");
    place.taken(&offer).await.expect("told again");

    let text = String::from_utf8(bytes).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            r#"{"nir":"1850578006084","date_naissance":"1985-05-12","identite_certifiee":"O","appels":["diagnostic","orientation"],"diagnostic":{  "z": 1.50, "a": "é" },"orientation":[{"parcours":"PED"}]}"#,
            r#"{"date_naissance":"1985-05-12","numero_france_travail":"11122233344","identite_certifiee":"O","appels":["diagnostic","orientation"]}"#,
        ]
    );
    let mut counts = counted(fetched);
    counts.sort_by_key(|(code, count)| (code.to_string(), *count));
    let unknown = Code::PersonUnknownThere;
    let odd = Code::AnswerNotUnderstood;
    assert_eq!(counts, [(odd, 1), (odd, 1), (odd, 1), (unknown, 1), (unknown, 2), (Code::SeveralThere, 1)]);
    assert_eq!(
        setting.list.outcomes(),
        [
            Some(Outcome::Answered),
            Some(Outcome::Unknown),
            Some(Outcome::Unknown),
            Some(Outcome::Refused),
            Some(Outcome::Several),
            Some(Outcome::Refused),
            Some(Outcome::Refused),
            Some(Outcome::Unaskable),
            Some(Outcome::Answered),
        ]
    );
    assert!(place.look(None).await.expect("looks").is_empty(), "nobody is due any more");
    assert!(setting.hours.waits().is_empty(), "`R998` and `R997` are not tried again");
}

#[tokio::test]
async fn fifty_calls_in_parallel_fetch_one_token_and_it_is_renewed_before_it_expires() {
    let numbers: Vec<String> = (0..50).map(|n| format!("123456789{n:02}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let setting = Setting::of(&numbers).await;
    // The first one is answered at the second try, after the others.
    setting.there.searches("12345678900", 503, r#"{"codeRetour":"R999"}"#);
    for number in &numbers {
        setting.there.finds(number, number);
    }
    let place = setting.ready();
    let (_, lines) = fetch(&place, None).await.expect("comes");
    let order: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<Json>(line).expect("JSON")["numero_france_travail"].to_string())
        .collect();
    assert_eq!(order, numbers.iter().map(|number| format!("\"{number}\"")).collect::<Vec<_>>());
    assert_eq!(setting.there.tokens_given(), 1);

    setting.hours.pass(Duration::from_secs(1437));
    fetch(&place, None).await.expect("comes");
    assert_eq!(setting.there.tokens_given(), 1);
    setting.hours.pass(Duration::from_secs(2));
    fetch(&place, None).await.expect("comes");
    assert_eq!(setting.there.tokens_given(), 2);
}

#[tokio::test]
async fn a_token_refused_is_renewed_once_and_a_login_refused_stops() {
    let setting = Setting::of(&["12345678901"]).await;
    setting.there.finds("12345678901", "jeton-a");
    let place = setting.ready();
    fetch(&place, None).await.expect("comes");
    setting.there.known().tokens.clear();
    fetch(&place, None).await.expect("comes, with another token");
    assert_eq!(setting.there.tokens_given(), 2);

    let unnamed = setting.enrichment("{pa-nom-agent: ''}").expect("a place");
    let error = fetch(&unnamed, None).await.expect_err("an empty header");
    assert_eq!(error.code, Code::LoginRefused);
    let nameless = setting.enrichment("{}").expect("a place");
    let error = fetch(&nameless, None).await.expect_err("no header");
    assert_eq!(error.code, Code::AnswerNotUnderstood);
    assert!(error.detail.contains("302"), "{error}");

    std::fs::write(setting.folder.path().join("secret"), "faux").expect("written");
    let error = setting.ready().check().await.expect_err("a wrong secret");
    assert_eq!(error.code, Code::LoginRefused);
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("invalid_client") && !shown.contains("faux") && !shown.contains("s3same"),
        "{shown}"
    );
}

/// What the search answers while it is down.
const DOWN: &str = r#"{"codeRetour":"R999","jetonUsager":"null"}"#;

#[tokio::test]
async fn a_service_that_is_down_fails_the_fetch_and_nobody_counts_as_asked() {
    let numbers = ["12345678901", "12345678902", "12345678903", "12345678904"];
    let setting = Setting::of(&numbers).await;
    setting.there.finds("12345678901", "jeton-a");
    for number in &numbers[1..] {
        setting.there.searches(number, 503, DOWN);
    }
    let error = fetch(&setting.ready(), None).await.expect_err("down");
    assert_eq!(error.code, Code::PlaceUnreachable);
    assert_eq!(setting.list.outcomes(), [None; 4]);
}

#[tokio::test]
async fn somebody_a_service_fails_about_hides_nobody_else_and_is_asked_again() {
    let setting = Setting::of(&["12345678901", "12345678902"]).await;
    setting.there.searches("12345678901", 503, DOWN);
    setting.there.finds("12345678902", "jeton-b");
    let place = setting.ready();
    for failures in [0, 1] {
        let offer = place.look(None).await.expect("looks").pop().expect("an offer");
        let mut bytes = Vec::new();
        let fetched = place.fetch(&offer, &mut bytes).await;
        if failures == 0 {
            assert_eq!(counted(fetched.expect("comes")), [(Code::PlaceUnreachable, 1)]);
            place.taken(&offer).await.expect("told");
        } else {
            let error = fetched.expect_err("it fails about all who are left");
            assert_eq!(error.code, Code::PlaceUnreachable);
        }
        assert_eq!(setting.list.outcomes(), [None, Some(Outcome::Answered)]);
    }
}

#[tokio::test]
async fn a_service_that_fails_for_a_moment_is_tried_again() {
    let setting = Setting::of(&["12345678901", "12345678902"]).await;
    setting.there.finds("12345678901", "jeton-a");
    setting.there.searches("12345678902", 503, DOWN);
    setting.there.searches("12345678902", 503, DOWN);
    setting.there.finds("12345678902", "jeton-b");
    let (_, lines) = fetch(&setting.ready(), None).await.expect("comes at the third try");
    assert_eq!((lines.len(), setting.hours.waits()), (2, vec![1, 2]));
}

#[tokio::test]
async fn a_token_said_to_live_for_ever_is_renewed_after_a_day() {
    let setting = Setting::of(&["12345678901"]).await;
    setting.there.finds("12345678901", "jeton-a");
    setting.there.known().life = u64::MAX;
    let place = setting.ready();
    for (hours, given) in [(0, 1), (23, 1), (2, 2)] {
        setting.hours.pass(Duration::from_hours(hours));
        fetch(&place, None).await.expect("comes");
        assert_eq!(setting.there.tokens_given(), given);
    }
}

#[tokio::test]
async fn a_right_the_hub_lacks_stops_and_nobody_found_is_nothing() {
    let setting = Setting::of(&["12345678901", "12345678902"]).await;
    for number in ["12345678901", "12345678902"] {
        setting.there.searches(number, 403, r#"{"codeRetour":"R001","jetonUsager":"null"}"#);
    }
    let error = fetch(&setting.ready(), None).await.expect_err("no right");
    assert_eq!(error.code, Code::PlaceRefused);
    setting.there.known().searched.clear();
    let (fetched, lines) = fetch(&setting.ready(), None).await.expect("comes");
    assert_eq!((fetched, lines.len()), (Fetched::Nothing, 0));
    assert_eq!(setting.list.outcomes(), [Some(Outcome::Unknown); 2]);
}

/// An i-milo queue and the hub's view of it.
async fn queue(resources: &[(&str, &str)], with_rdv: bool) -> (Queue, Milo, Arc<Hours>, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let there = Queue::open(resources).await;
    let mut lines = vec![format!("base_url: {}", there.place.base), "keys:".to_owned()];
    for (name, key) in [("events", "cle-evenements"), ("dossiers", "cle-dossiers"), ("rdv", "cle-rdv")] {
        if name != "rdv" || with_rdv {
            let file = folder.path().join(name);
            std::fs::write(&file, key).expect("written");
            lines.push(format!("  {name}: {{file: '{}'}}", file.display()));
        }
    }
    let config: MiloConfig = serde_saphyr::from_str(&lines.join("\n")).expect("a configuration");
    let hours = Hours::fresh();
    let place = Milo::new(config, hours.time()).expect("a place");
    (there, place, hours, folder)
}

const DOSSIERS: &[(&str, &str)] = &[
    ("/sue/dossiers/11", "{\n \"idDossier\": \"11\", \"prenom\": \"Zoé\"}"),
    ("/sue/dossiers/12", r#"{"idDossier":"12"}"#),
    ("/operateurs/dossiers/12/rdv/70", r#"{"statut":"Planifié"}"#),
];

#[tokio::test]
async fn a_dossier_comes_once_with_its_newest_event_and_events_are_acknowledged_when_kept() {
    let (there, place, hours, _folder) = queue(DOSSIERS, false).await;
    assert!(place.look(None).await.expect("looks").is_empty());
    there.happens("e1 11 DOSSIER CREATE 11 2026-03-01 09:00:00");
    there.happens("e2 11 DOSSIER UPDATE 11 2026-03-02 09:00:00");
    there.happens("e3 12 RDV CREATE 70 2026-03-02 09:00:00");
    there.happens("e4 13 DOSSIER ARCHIVE 13 2026-03-02 09:00:00");
    there.happens("e5 14 DOSSIER UPDATE 14 2026-03-02 09:00:00");
    there.happens("e6 11 SESSION UPDATE 90 2026-03-02 09:00:00");

    let offer = place.look(None).await.expect("looks").pop().expect("an offer");
    let mut bytes = Vec::new();
    let fetched = place.fetch(&offer, &mut bytes).await.expect("comes");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    let event = |id: &str, dossier: &str, action: &str| {
        format!(
            r#"{{"identifiant":"{id}","idDossier":"{dossier}","type":"DOSSIER","action":"{action}","idType":"{dossier}","date":"2026-03-02 09:00:00"}}"#
        )
    };
    assert_eq!(
        lines,
        [
            format!(
                r#"{{"evenement":{},"dossier":{{  "idDossier": "11", "prenom": "Zoé"}}}}"#,
                event("e2", "11", "UPDATE")
            ),
            format!(r#"{{"evenement":{}}}"#, event("e4", "13", "ARCHIVE")),
        ]
    );
    assert_eq!(counted(fetched), [(Code::PersonUnknownThere, 1)]);
    assert_eq!(there.left(), 6, "nothing is acknowledged before the bytes are kept");
    place.taken(&offer).await.expect("acknowledged");
    assert_eq!(there.left(), 0);
    place.taken(&offer).await.expect("already acknowledged");
    let calls = u32::try_from(there.place.seen().len()).expect("a few");
    let took = connectors::transport::http::Patience::elapsed(hours.as_ref());
    assert!(took >= Duration::from_secs(1) / 3 * (calls - 1), "three calls a second: {calls} in {took:?}");
}

#[tokio::test]
async fn when_no_dossier_of_many_is_there_no_event_is_acknowledged() {
    let (there, place, _hours, _folder) = queue(&[], false).await;
    for at in 0..10 {
        there.happens(&format!("e{at} {at} DOSSIER UPDATE {at} 2026-03-02 09:00:00"));
    }
    let error = fetch(&place, None).await.expect_err("the address is wrong");
    assert_eq!(error.code, Code::AnswerNotUnderstood);
    assert_eq!(there.left(), 10);
}

#[tokio::test]
async fn a_crash_before_the_acknowledgement_brings_the_same_lines_again() {
    let (there, place, hours, folder) = queue(DOSSIERS, true).await;
    there.happens("e1 12 RDV CREATE 70 2026-03-02 09:00:00");
    there.happens("e2 12 RDV DELETE 71 2026-03-02 09:00:00");
    let (_, first) = fetch(&place, None).await.expect("comes");
    let offer = place.look(None).await.expect("looks").pop().expect("an offer");
    drop(place);

    let keys = ["events", "dossiers", "rdv"].map(|name| folder.path().join(name).display().to_string());
    let [events, dossiers, rdv] = &keys;
    let yaml = format!(
        "base_url: {}\nkeys: {{events: {{file: '{events}'}}, dossiers: {{file: '{dossiers}'}}, rdv: {{file: '{rdv}'}}}}",
        there.place.base
    );
    let again =
        Milo::new(serde_saphyr::from_str(&yaml).expect("a configuration"), hours.time()).expect("a place");
    again.taken(&offer).await.expect("nothing this process fetched");
    assert_eq!(there.left(), 2);
    let (_, second) = fetch(&again, None).await.expect("comes");
    assert_eq!(first, second);
    let line: Json = serde_json::from_str(second.first().expect("a line")).expect("JSON");
    assert_eq!(line["dossier"]["idDossier"], "12");
    assert_eq!(line["rdv"][0]["rdv"]["statut"], "Planifié");
    assert_eq!(line["rdv"][1]["evenement"]["action"], "DELETE");
    assert!(line["rdv"][1].get("rdv").is_none());
}

#[tokio::test]
async fn events_nothing_is_read_of_are_acknowledged_and_a_wrong_key_stops() {
    let (there, place, _hours, folder) = queue(&[], false).await;
    there.happens("e1 11 SESSION CREATE 90 2026-03-02 09:00:00");
    assert_eq!(fetch(&place, None).await.expect("comes"), (Fetched::Nothing, Vec::new()));
    assert_eq!(there.left(), 0);

    there.happens("e2 11 DOSSIER CREATE 11 2026-03-02 09:00:00");
    let yaml = format!(
        "base_url: {base}\nkeys: {{events: {{file: '{f}/events'}}, dossiers: {{file: '{f}/events'}}}}",
        base = there.place.base,
        f = folder.path().display()
    );
    let wrong = Milo::new(serde_saphyr::from_str(&yaml).expect("a configuration"), Hours::fresh().time());
    let error = fetch(&wrong.expect("a place"), None).await.expect_err("a wrong key");
    assert_eq!(error.code, Code::LoginRefused);
    assert_eq!(there.left(), 1);
    assert!(!format!("{error:?}").contains("cle-evenements"));
}
