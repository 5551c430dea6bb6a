//! Who is who over HTTP: a tool of the operator lists what is asked, shows two persons side by side and rules, as `dlnuf identity` does.

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::support::extracts::Hub;
use crate::support::serving::Serving;
use crate::who_is_asked::doubtful;

struct Desk {
    hub: Hub,
    serving: Serving,
}

impl Desk {
    fn open(hub: Hub) -> Self {
        let serving = Serving::start(hub.home().as_ref(), "", &[]);
        Self { hub, serving }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Json>) -> (StatusCode, Json) {
        let client = connectors::transport::http::builder().no_proxy().build().expect("a client");
        let mut request = client.request(method, format!("{}/v1/identite{path}", self.serving.base));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.expect("answers");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    async fn get(&self, path: &str) -> Json {
        let (status, answer) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    async fn rule(&self, body: &Json) -> (StatusCode, Json) {
        self.ask(Method::POST, "/decisions", Some(body)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_listed_shown_ruled_on_and_taken_back_over_http() {
    let desk = Desk::open(doubtful());
    let before = desk.hub.events().len();
    let open = desk.get("/questions").await;
    assert_eq!(open["ouvertes"], 1);
    let persons = open["questions"][0]["personnes"].clone();
    let at = |place: usize| persons[place].as_str().expect("a person");
    let shown = desk.get(&format!("/questions/{}/{}", at(0), at(1))).await;
    assert_eq!(shown["doute"], "ressemblance");
    assert!(shown["traits"].as_array().is_some_and(|traits| traits.len() > 2));
    assert!(shown["si_une"].as_array().is_some_and(|events| !events.is_empty()));
    assert_eq!(desk.hub.events().len(), before, "showing decides nothing");

    let word = json!({ "personnes": persons, "une": true, "par": "agent 12", "note": "vus ensemble" });
    let (status, ruled) = desk.rule(&word).await;
    assert_eq!(status, StatusCode::CREATED, "{ruled}");
    assert_eq!(ruled["evenements"], shown["si_une"], "what was previewed is what follows");
    assert_eq!(ruled["abonnes"], json!({}), "nobody subscribes");
    assert_eq!(desk.get("/questions").await["ouvertes"], 0);
    assert_eq!(desk.hub.persons().len(), 1);

    let id = ruled["decision"]["decision"].as_str().expect("a ruling");
    let path = format!("/decisions/{id}/annulation");
    let back = json!({ "par": "agent 12", "note": "erreur" });
    let (status, undone) = desk.ask(Method::POST, &path, Some(&back)).await;
    assert_eq!(status, StatusCode::OK, "{undone}");
    assert_eq!(desk.hub.persons().len(), 2);
    let rulings = desk.get("/decisions").await;
    assert_eq!(rulings["decisions"][0]["annulee"]["note"], "erreur");
    let (status, _) = desk.ask(Method::POST, &path, Some(&back)).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "what was undone cannot be undone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ruled_already_is_not_ruled_again_and_is_undone_once() {
    let desk = Desk::open(doubtful());
    let persons = desk.get("/questions").await["questions"][0]["personnes"].clone();
    let two = json!({ "personnes": persons, "une": false, "par": "agent 12", "note": "vus ensemble" });
    let (status, ruled) = desk.rule(&two).await;
    assert_eq!(status, StatusCode::CREATED, "{ruled}");
    let id = ruled["decision"]["decision"].as_str().expect("a ruling");
    let (status, problem) = desk.rule(&two).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(problem["explication"].as_str().is_some_and(|why| why.contains(id)), "{problem}");
    let path = format!("/decisions/{id}/annulation");
    let back = json!({ "par": "agent 12", "note": "erreur" });
    let (status, _) = desk.ask(Method::POST, &path, Some(&back)).await;
    assert_eq!((status, desk.get("/questions").await["ouvertes"].as_u64()), (StatusCode::OK, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_are_one_already_are_not_said_to_be_once_more() {
    let desk = Desk::open(doubtful());
    let persons = desk.get("/questions").await["questions"][0]["personnes"].clone();
    let turned = json!([persons[1], persons[0]]);
    let one = |persons: &serde_json::Value| json!({ "personnes": persons, "une": true, "par": "agent 12", "note": "vus ensemble" });
    assert_eq!(desk.rule(&one(&persons)).await.0, StatusCode::CREATED);
    for again in [&persons, &turned] {
        let (status, problem) = desk.rule(&one(again)).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        let why = problem["explication"].as_str().expect("a reason");
        assert!(why.contains("déjà une seule personne"), "{why}");
    }
    assert_eq!(desk.get("/decisions").await["decisions"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_cannot_be_followed_is_a_coded_problem_without_a_value_and_changes_nothing() {
    let desk = Desk::open(doubtful());
    let persons = desk.get("/questions").await["questions"][0]["personnes"].clone();
    let nobody = "01a22435-0000-7000-8000-000000000000";
    let secret = "VERDIER PAUL 1800264000001";
    for (body, expected) in [
        (json!({}), StatusCode::BAD_REQUEST),
        (json!({ "personnes": persons, "une": true, "par": "a", "note": " " }), StatusCode::BAD_REQUEST),
        (json!({ "personnes": persons, "par": "a", "note": "n" }), StatusCode::BAD_REQUEST),
        (
            json!({ "personnes": [secret, secret], "une": true, "par": "a", "note": "n" }),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({ "personnes": persons, "une": true, "par": "a", "note": "n", "nir": secret }),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({ "personnes": [nobody, persons[0]], "une": true, "par": "a", "note": "n" }),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({ "personne": persons[0], "declarations": [999], "par": "a", "note": "n" }),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let (status, problem) = desk.rule(&body).await;
        assert_eq!(status, expected, "{body} {problem}");
        assert!(problem["code"].as_str().is_some_and(|code| code.starts_with("DLN")), "{problem}");
        assert!(!problem.to_string().contains("VERDIER"), "{problem}");
    }
    for path in [
        "/questions/VERDIER/PAUL",
        "/questions?nom=VERDIER",
        "/questions?limit=0",
        "/decisions?limit=VERDIER",
    ] {
        let (status, problem) = desk.ask(Method::GET, path, None).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::BAD_REQUEST, Some("DLN0703")), "{path}");
        assert!(!problem.to_string().contains("VERDIER"), "{problem}");
    }
    let open = desk.get("/questions").await;
    assert_eq!((open["ouvertes"].clone(), desk.hub.persons().len()), (json!(1), 2));
    assert!(!desk.serving.log().contains("VERDIER"));
}
