//! A subscriber makes sure of itself over HTTP: whom it should know, those alone it asks to be shown again, what it applied, what is already
//! known of somebody. Every answer is as the contract says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures_util::future::join_all;
use hub::contract::openapi;
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::profiles_reach_the_broker::kind;
use crate::subscribers_read_over_http::{ANNE, LIST, PAUL, Tool, tool, tool_that};

/// Whether an answer is what the document says of its door.
fn fits(method: &str, path: &str, (status, body): (StatusCode, &Json)) {
    let document = openapi();
    let answers = &document["paths"][path][method]["responses"];
    let status = status.as_u16().to_string();
    let answer = answers.get(&status).unwrap_or(&answers[format!("{}XX", &status[..1])]);
    let content = answer["content"].as_object().and_then(|content| content.values().next());
    let name = content.and_then(|content| content["schema"]["$ref"].as_str()).expect("a schema");
    let schema = json!({ "$ref": name, "components": document["components"] });
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let faults: Vec<String> = validator.iter_errors(body).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new(), "{method} {path} {status}: {body}");
}

impl Tool {
    async fn call(&self, method: Method, door: &str, path: &str, body: Option<Json>) -> (StatusCode, Json) {
        let verb = method.as_str().to_lowercase();
        let request = self.serving.ask(method, path, &self.token);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await.expect("answers");
        let status = answer.status();
        let body = answer.json().await.expect("JSON");
        fits(&verb, door, (status, &body));
        (status, body)
    }

    async fn get(&self, path: &str) -> Json {
        let (status, body) = self.call(Method::GET, path, path, None).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    async fn post(&self, path: &str, body: Json) -> (StatusCode, Json) {
        self.call(Method::POST, path, path, Some(body)).await
    }

    /// What it knows once it has read everything: the last rank of each person, and the cursor.
    async fn known(&self) -> (BTreeMap<String, u64>, u64) {
        let (mut known, mut after) = (BTreeMap::new(), 0);
        loop {
            let (events, next) = self.page(&format!("after={after}&wait=5")).await;
            after = next;
            for event in &events {
                if !kind(event).ends_with("instantane.termine") {
                    known.insert(text(&event["subject"]), rank(event));
                }
            }
            if events.iter().any(|event| kind(event).ends_with("instantane.termine")) {
                return (known, after);
            }
        }
    }
}

fn text(value: &Json) -> String {
    value.as_str().expect("a text").to_owned()
}

fn rank(event: &Json) -> u64 {
    text(&event["sequence"]).parse().expect("a number")
}

fn digest(lines: &[String]) -> String {
    let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_finds_whom_it_lacks_by_digests_and_is_shown_those_alone() {
    let tool = tool();
    let (known, cursor) = tool.known().await;
    assert_eq!(known.len(), 1, "Anne lives elsewhere");
    let (subject, sequence) = known.iter().next().expect("Paul");
    let digests = tool.get("/v1/subscribers/me/digests").await;
    let expected = json!([{
        "compartiment": subject[..2], "personnes": 1, "empreinte": digest(&[format!("{subject} {sequence}")])
    }]);
    assert_eq!((&digests["compartiments"], &digests["personnes"]), (&expected, &json!(1)));
    let path = format!("/v1/subscribers/me/digests/{}", &subject[..2]);
    let (_, persons) = tool.call(Method::GET, "/v1/subscribers/me/digests/{compartiment}", &path, None).await;
    assert_eq!(persons["personnes"], json!([{ "subject": subject, "sequence": sequence.to_string() }]));
    // The person moves: what the tool knew is not what it should know.
    let moved = PAUL.replace("52000 Chaumont", "52100 Saint-Dizier");
    tool.hub.deliver("departement", "2.csv", format!("{LIST}{moved}{ANNE}").as_bytes());
    let (_, cursor) = tool.until("personne.modifiee", cursor).await;
    assert_ne!(tool.get("/v1/subscribers/me/digests").await["compartiments"], expected);
    let nobody = "00000000-0000-8000-8000-000000000000";
    let (status, answer) =
        tool.post("/v1/subscribers/me/repairs", json!({ "subjects": [subject, nobody] })).await;
    assert_eq!((status, answer), (StatusCode::ACCEPTED, json!({ "a_montrer": 1, "inconnus": [nobody] })));
    let (events, _) = tool.page(&format!("after={cursor}&wait=30")).await;
    assert_eq!(
        events.iter().map(kind).collect::<Vec<_>>(),
        ["2 personne.etat"],
        "that person, at its rank, alone"
    );
    assert_eq!(text(&events[0]["subject"]), *subject);
    assert!(events[0].to_string().contains("52100"), "as it is now");
}

/// What the Python kit says it is to have repaired and to forget, then repairs and reports.
const KIT: &str = r#"
import json, os, sys
sys.path.insert(0, os.environ["KIT"])
from dlnuf_hub import Hub, HubError
hub = Hub(os.environ["HUB"], os.environ["TOKEN"])
known = json.loads(os.environ["KNOWN"])
repair, forget = hub.differing(known)
hub.repair(repair)
hub.report([{"id": "00000000-0000-8000-8000-000000000001", "etat": "applique"}])
try:
    Hub(os.environ["HUB"], "faux").snapshot()
except HubError as refused:
    print(json.dumps([sorted(repair), sorted(forget), str(refused)]))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_python_kit_finds_whom_it_lacks_and_has_those_alone_shown_again() {
    let tool = tool();
    let (known, cursor) = tool.known().await;
    let (subject, sequence) = known.iter().next().expect("Paul");
    let other = format!("{}000000-0000-8000-8000-000000000000", &subject[..2]);
    let kit = |held: Json| {
        let python = std::env::var("DLNUF_TEST_S3_PYTHON").expect("the Python of `make test`");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kits/python");
        let mut run = std::process::Command::new(python);
        run.args(["-c", KIT]).env("KIT", folder).env("HUB", &tool.serving.base).env("TOKEN", &tool.token);
        let ended = run.env("KNOWN", held.to_string()).output().expect("Python runs");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        serde_json::from_slice::<Json>(&ended.stdout).expect("JSON")
    };
    let refused = "POST snapshot: 401 DLN0801";
    assert_eq!(kit(json!({ subject: sequence })), json!([[], [], refused]));
    assert_eq!(kit(json!({ subject: 0, other.clone(): 4 })), json!([[subject], [other], refused]));
    let (events, _) = tool.page(&format!("after={cursor}&wait=30")).await;
    assert_eq!(events.iter().map(kind).collect::<Vec<_>>(), ["1 personne.etat"]);
    assert_eq!(tool.get("/v1/subscribers/me").await["effets"]["appliques"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_a_tool_s_territory_is_to_be_forgotten_and_of_whom_it_never_saw_nothing_is_said() {
    let tool = tool();
    let (known, cursor) = tool.known().await;
    let theirs = tool.hub.ask(&["subscriber", "events", "autre", "--after", "0"]).json();
    let theirs = theirs.iter().map(|event| text(&event["subject"]));
    let unseen = theirs.into_iter().find(|subject| !known.contains_key(subject)).expect("Anne");
    let away = PAUL.replace("52000 Chaumont", "51000 Chalons");
    tool.hub.deliver("departement", "2.csv", format!("{LIST}{away}{ANNE}").as_bytes());
    let (_, cursor) = tool.until("personne.sortie", cursor).await;
    assert_eq!(tool.get("/v1/subscribers/me/digests").await["personnes"], 0);
    let subject = known.keys().next().expect("Paul");
    let nobody = "00000000-0000-8000-8000-000000000000";
    let asked = json!({ "subjects": [subject, unseen, nobody] });
    let (_, answer) = tool.post("/v1/subscribers/me/repairs", asked.clone()).await;
    assert_eq!(
        answer,
        json!({ "a_montrer": 0, "inconnus": asked["subjects"] }),
        "all three are the same to it"
    );
    // An operator who has a tool repaired has those it once saw said to be gone.
    let held = tool.hub.file("connu.csv", format!("{subject} 1\n{unseen} 1\n").as_bytes());
    tool.hub.ask(&["subscriber", "verify", "outil", &held, "--repair"]);
    let (events, _) = tool.page(&format!("after={cursor}&wait=30")).await;
    // The other tool of its profile was told where the person is now: the third event of the profile.
    assert_eq!(events.iter().map(kind).collect::<Vec<_>>(), ["3 personne.sortie"]);
    assert!(!events[0].to_string().contains("51000"), "not where to");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_compares_what_a_tool_says_it_knows_and_has_those_who_differ_shown_again() {
    let tool = tool();
    let (known, cursor) = tool.known().await;
    let (subject, sequence) = known.iter().next().expect("Paul");
    let verify = |text: &str, more: &[&str]| {
        let file = tool.hub.file("connu.csv", text.as_bytes());
        let ended = tool.hub.ask(&[&["subscriber", "verify", "outil", &file], more].concat());
        (ended.code, ended.json().pop().unwrap_or_else(|| panic!("an answer: {}", ended.errors)))
    };
    let (code, same) = verify(&format!("subject;sequence\n{subject};{sequence}\n"), &[]);
    assert_eq!((code, &same["manquantes"], &same["en_retard"]), (0, &json!([]), &json!([])));
    let other = "00000000-0000-8000-8000-000000000000";
    let (code, differs) = verify(&format!("{subject} 0\n{other} 3\n"), &["--repair"]);
    assert_eq!((code, &differs["en_retard"], &differs["en_trop"]), (5, &json!([subject]), &json!([other])));
    let (events, _) = tool.page(&format!("after={cursor}&wait=30")).await;
    assert_eq!(events.iter().map(kind).collect::<Vec<_>>(), ["1 personne.etat"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tool_reports_and_how_far_behind_it_is_are_seen() {
    let tool = tool();
    let (events, cursor) = tool.page("wait=30").await;
    let waiting = tool.get("/v1/subscribers/me").await;
    assert_eq!(waiting["etat"], "en_service");
    assert!(waiting["en_attente"].as_u64() >= Some(events.len() as u64), "none was asked behind: {waiting}");
    assert!(waiting["plus_ancien"].is_string());
    let event = &events[0];
    let failed = json!({ "effets": [{ "id": event["id"], "etat": "echec", "cause": "schema_inconnu" }] });
    let (_, answer) = tool.post("/v1/subscribers/me/effects", failed).await;
    assert_eq!(answer, json!({ "appliques": 0, "en_echec": 1 }));
    let state = |tool: &Tool| tool.hub.ask(&["subscriber", "state", "outil"]).json().pop().expect("a state");
    assert_eq!(state(&tool)["effets"]["en_echec"], 1);
    let applied = json!({ "effets": [{ "id": event["id"], "etat": "applique", "time": event["time"] }] });
    let (_, answer) = tool.post("/v1/subscribers/me/effects", applied).await;
    assert_eq!(
        answer,
        json!({ "appliques": 1, "en_echec": 0 }),
        "what is applied at last has failed no more"
    );
    assert!(state(&tool)["effets"]["applique_jusqu_a"].is_string());
    // A cause is a word: a text could hold anything.
    let text = json!({ "effets": [{ "id": event["id"], "etat": "echec", "cause": "Verdier Paul inconnu" }] });
    let (status, problem) = tool.post("/v1/subscribers/me/effects", text).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(!problem.to_string().contains("Verdier"));
    let sound = json!({ "id": event["id"], "etat": "applique" });
    let batch = json!({ "effets": [sound, sound, { "id": event["id"], "etat": "perdu" }] });
    let (_, problem) = tool.post("/v1/subscribers/me/effects", batch).await;
    assert!(problem["detail"].as_str().is_some_and(|said| said.contains("effets[2]")), "{problem}");
    while tool.page(&format!("after={cursor}")).await.0.is_empty()
        && tool.get("/v1/subscribers/me").await["en_attente"] != 0
    {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_somebody_is_answered_within_the_scope_and_every_question_is_kept() {
    let tool = tool_that("consultations_par_jour: 5\n");
    let (known, _) = tool.known().await;
    let ask = async |body: Json| tool.post("/v1/persons/lookup", body).await;
    let paul = json!({ "nom_naissance": "VERDIER", "prenoms": "Paul", "date_naissance": "1980-01-02" });
    let (status, found) = ask(paul.clone()).await;
    assert_eq!((status, &found["resultat"]), (StatusCode::OK, &json!("une")));
    assert_eq!(
        found["subject"].as_str(),
        known.keys().next().map(String::as_str),
        "by the name it knows them by"
    );
    let fields: Vec<&str> =
        found["connu"].as_array().expect("fields").iter().filter_map(|f| f["champ"].as_str()).collect();
    assert!(
        fields.contains(&"adresse.code_postal") && fields.iter().all(|f| !f.starts_with("identifiants")),
        "{fields:?}"
    );
    let anne = json!({ "nom_naissance": "Roussel", "prenoms": "Anne", "date_naissance": "1991-06-17" });
    let (_, away) = ask(anne).await;
    assert_eq!(away, json!({ "resultat": "aucune" }), "who lives elsewhere is nobody to it");
    let nearly = json!({ "nom_naissance": "Roussel", "prenoms": "Anne", "date_naissance": "1991-06-18" });
    assert_eq!(ask(nearly).await.1, away, "nor does a value a little off tell that somebody is there");
    let (_, nobody) = ask(json!({ "nir": "1800152121009" })).await;
    assert_eq!(nobody, json!({ "resultat": "aucune" }));
    for wrong in
        [json!({ "nom_naissance": "Verdier" }), json!({ "nir": "SECRET12" }), json!({ "prenom": "Paul" })]
    {
        let (status, problem) = ask(wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(!problem.to_string().contains("SECRET12"), "{problem}");
    }
    assert_eq!(ask(paul.clone()).await.0, StatusCode::OK);
    let (status, problem) = ask(paul).await;
    assert_eq!((status, &problem["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("DLN0907")));
    let kept = tool.hub.ask(&["subscriber", "lookups", "outil"]).json();
    let answers: Vec<&str> = kept.iter().filter_map(|asked| asked["reponse"].as_str()).collect();
    assert_eq!(answers, ["une", "aucune", "aucune", "aucune", "une", "refusee"]);
    assert!(kept[0]["personne"].is_string() && kept[1]["personne"].is_null());
    assert!(!kept.iter().any(|asked| asked.to_string().to_lowercase().contains("verdier")));
    let notices = tool.hub.ask(&["notices"]).json();
    assert!(notices.iter().any(|notice| notice["code"] == "DLN0907"), "operators are told: {notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_ask_at_the_same_time_are_given_as_many_answers_as_are_allowed() {
    let tool = tool_that("consultations_par_jour: 3\n");
    let paul = json!({ "nom_naissance": "VERDIER", "prenoms": "Paul", "date_naissance": "1980-01-02" });
    let asked = join_all((0..10).map(|_| tool.post("/v1/persons/lookup", paul.clone()))).await;
    let answered = asked.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    assert_eq!(answered, 3);
    assert_eq!(tool.hub.ask(&["subscriber", "lookups", "outil"]).json().len(), 10, "all are kept");
    for _ in 0..2 {
        tool.post("/v1/persons/lookup", paul.clone()).await;
    }
    let notices = tool.hub.ask(&["notices"]).json();
    let told = notices.iter().filter(|notice| notice["code"] == "DLN0907").count();
    assert_eq!(told, 1, "operators are told once a day");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_out_of_sight_is_nobody() {
    let tool = tool_that("consultations_par_jour: 5\n");
    let row = |number: u32| format!("51100 Reims;Foulon;Jean;03/04/1975;Z-{number}\n");
    let crowd: String = (0..70).map(row).collect();
    tool.hub.deliver("departement", "2.csv", format!("{LIST}{PAUL}{ANNE}{crowd}").as_bytes());
    let foulon = json!({ "nom_usage": "Foulon", "prenoms": "Jean", "date_naissance": "1975-04-03" });
    let (_, answer) = tool.post("/v1/persons/lookup", foulon.clone()).await;
    assert_eq!(answer, json!({ "resultat": "aucune" }), "seventy namesakes elsewhere are nobody to it");
    let near = "52000 Chaumont;Foulon;Jean;03/04/1975;Z-100\n";
    tool.hub.deliver("departement", "3.csv", format!("{LIST}{PAUL}{ANNE}{crowd}{near}").as_bytes());
    let (_, answer) = tool.post("/v1/persons/lookup", foulon).await;
    assert_eq!(answer["resultat"], "une", "the one of its territory is found among them: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_whose_subscription_allows_no_question_is_answered_none() {
    let tool = tool();
    let (status, problem) = tool.post("/v1/persons/lookup", json!({ "nir": "1800152121009" })).await;
    assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("DLN0907")));
    assert_eq!(tool.hub.ask(&["subscriber", "lookups", "outil"]).json().len(), 1, "that is kept too");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_written_over_http_checked_first_and_hold_at_once() {
    let tool = tool();
    let put = async |name: &str, text: String| {
        let request = tool.serving.ask(Method::PUT, &format!("/v1/abonnements/{name}"), "").body(text);
        let answer = request.send().await.expect("answers");
        let status = answer.status();
        let body: Json = answer.json().await.expect("JSON");
        fits("put", "/v1/abonnements/{nom}", (status, &body));
        (status, body)
    };
    let text = |name: &str, territory: &str| {
        format!(
            "abonne: {name}\ntitre: Nouveau\nprofil: suivi\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\n\
             expire: 2099-12-31\nterritoire: {territory}\ncanal: http\n"
        )
    };
    let (status, problem) = put("nouveau", text("nouveau", "[\"53X\"]")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("DLN0906")));
    let listed = async || tool.get("/v1/abonnements").await["abonnements"].as_array().map_or(0, Vec::len);
    assert_eq!(listed().await, 2, "what holds a mistake is not taken");
    assert_eq!(put("nouveau", text("nouveau", "[\"51\"]")).await.0, StatusCode::CREATED);
    assert_eq!(put("nouveau", text("nouveau", "tous")).await.0, StatusCode::OK);
    assert_eq!(put("../dehors", text("dehors", "tous")).await.0, StatusCode::NOT_FOUND);
    let profile = "profil: dehors\ntitre: x\nchamps: [identite.prenoms]\n".to_owned();
    assert_eq!(put("profils%2Fdehors", profile).await.0, StatusCode::NOT_FOUND, "a profile has another door");
    while listed().await != 3 {}
    let listed = tool.get("/v1/abonnements").await;
    let added = |of: &str| {
        let all = listed["abonnements"].as_array().expect("a list");
        all.iter().find(|shown| shown["abonne"] == of).expect("listed")["situation"]["ajoute"].clone()
    };
    assert_eq!((added("outil"), added("nouveau")), (true.into(), false.into()));
    // A hub that serves tells the new one, without being started again.
    let ended = tool.hub.ask(&["subscriber", "add", "nouveau"]);
    let token = ended.json().pop().expect("an answer")["jeton"].as_str().expect("a token").to_owned();
    let new = Tool { token, ..tool };
    assert_eq!(new.known().await.0.len(), 2);
    let (status, shown) =
        new.call(Method::GET, "/v1/abonnements/{nom}", "/v1/abonnements/nouveau", None).await;
    assert_eq!((status, &shown["titre"]), (StatusCode::OK, &json!("Nouveau")));
    new.get("/v1/profils").await;
    let (status, profile) = new.call(Method::GET, "/v1/profils/{nom}", "/v1/profils/suivi", None).await;
    assert_eq!((status, &profile["profil"]), (StatusCode::OK, &json!("suivi")));
    let (status, kept) = new.call(Method::DELETE, "/v1/profils/{nom}", "/v1/profils/suivi", None).await;
    assert_eq!(status, StatusCode::CONFLICT, "somebody subscribes to it: {kept}");
    let large = new.serving.ask(Method::PUT, "/v1/profils/suivi", "").body("#".repeat(80_000));
    let refused = large.send().await.expect("answers");
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refused.json::<Json>().await.expect("a problem")["code"], "DLN0703");
    let gone = new.serving.ask(Method::DELETE, "/v1/abonnements/nouveau", "").send().await.expect("answers");
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    while new.request("events").send().await.expect("answers").status() != StatusCode::UNAUTHORIZED {}
}
