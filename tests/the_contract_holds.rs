//! The contract: what the documents say is generated from the program, valid by the official schemas, complete, and loses nothing that was
//! released.

use std::collections::BTreeSet;

use hub::contract::{DOORS, EVENT, asyncapi, asyncapi_of, openapi};
use hub_core::subscription::check;
use jiff::civil::date;
use serde_json::Value as Json;

const DOORS_IN_CODE: &str = include_str!("../hub/src/api/mod.rs");

fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON")
}

/// What is wrong with a document by a schema.
fn faults(schema: &str, document: &Json) -> Vec<String> {
    let validator = jsonschema::validator_for(&json(schema)).expect("a schema");
    validator.iter_errors(document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

#[test]
fn the_documents_in_schemas_are_those_the_program_prints() {
    for (kept, printed, command) in [
        (
            include_str!("../schemas/openapi/v1.json"),
            openapi(),
            "dlnuf contract openapi > schemas/openapi/v1.json",
        ),
        (
            include_str!("../schemas/asyncapi/v1.json"),
            asyncapi(),
            "dlnuf contract asyncapi > schemas/asyncapi/v1.json",
        ),
    ] {
        assert!(json(kept) == printed, "the contract has changed: {command}");
    }
}

#[test]
fn the_documents_are_valid_by_the_official_schemas() {
    let of_openapi = include_str!("fixtures/contract/openapi-3.1.schema.json");
    assert_eq!(faults(of_openapi, &openapi()), Vec::<String>::new());
    let of_asyncapi = include_str!("fixtures/contract/asyncapi-3.0.0.schema.json");
    assert_eq!(faults(of_asyncapi, &asyncapi()), Vec::<String>::new());
    for channel in ["file", "http", "{webhook: \"https://outil.example.org/e\"}"] {
        assert_eq!(faults(of_asyncapi, &of_one(channel)), Vec::<String>::new(), "{channel}");
    }
    // They do not take anything.
    let mut wrong = openapi();
    wrong["paths"]["/sante"]["get"]["responses"] = Json::from(200);
    assert!(!faults(of_openapi, &wrong).is_empty());
    let mut wrong = asyncapi();
    wrong["operations"]["recevoir"]["action"] = Json::from("lire");
    assert!(!faults(of_asyncapi, &wrong).is_empty());
}

/// The document of one subscriber, by a channel.
fn of_one(channel: &str) -> Json {
    let canon = hub::installation::canon().expect("a schema");
    let files = [
        ("profils/suivi.yaml", "profil: suivi\ntitre: Suivi\nchamps: [identite.prenoms]\n"),
        (
            "outil.yaml",
            "abonne: outil\ntitre: Un outil\nprofil: suivi\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\n\
             expire: 2099-12-31\nterritoire: [\"52\"]\ncanal: CANAL\n",
        ),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.replace("CANAL", channel)));
    let (declared, mistakes) = check(&canon, &files, date(2026, 12, 1));
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let (own, scope) = (&declared.subscriptions["outil"], &declared.scopes["suivi"]);
    asyncapi_of(&canon, scope, own)
}

#[test]
fn a_subscriber_s_document_names_its_queue_and_no_field_it_may_not_know() {
    let text = of_one("file").to_string();
    assert!(text.contains("dlnuf.abonne.outil") && text.contains("identite.prenoms"));
    assert!(
        !text.contains("identite.nom_naissance") && !text.contains("droits.rsa"),
        "a field out of its scope"
    );
    for (channel, expected) in [
        ("http", "/v1/subscribers/me/events"),
        ("{webhook: \"https://outil.example.org/crochets/e?cle=1\"}", "/crochets/e"),
    ] {
        let document = of_one(channel);
        let channels = document["channels"].as_object().expect("channels");
        let addresses: Vec<_> = channels.values().map(|channel| channel["address"].as_str()).collect();
        assert_eq!(addresses, [Some(expected)], "and no queue");
    }
}

#[test]
fn every_reference_within_a_document_leads_somewhere() {
    for document in [openapi(), asyncapi(), of_one("file"), of_one("http")] {
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > 20);
        for reference in references {
            let place = reference.strip_prefix('#').expect("within the document");
            assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
        }
    }
}

fn collect(value: &Json, references: &mut Vec<String>) {
    match value {
        Json::Object(keys) => {
            references.extend(keys.get("$ref").and_then(Json::as_str).map(str::to_owned));
            keys.values().for_each(|value| collect(value, references));
        }
        Json::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[test]
fn every_door_is_in_the_document_and_the_other_way_round() {
    let written: BTreeSet<&str> = DOORS.iter().map(|door| door.path).collect();
    let opened = DOORS_IN_CODE.split(".route(").skip(1);
    let opened: BTreeSet<&str> = opened.filter_map(|rest| rest.split('"').nth(1)).collect();
    assert_eq!(written, opened);
    for door in DOORS {
        // As the router names it: `get(`, `.put(`, `head(`, …
        let route =
            DOORS_IN_CODE.split(".route(").skip(1).find(|rest| rest.split('"').nth(1) == Some(door.path));
        let route = route.expect("a route").split("\n        .").next().expect("its methods");
        assert!(route.contains(&format!("{}(", door.method)), "{} {}", door.method, door.path);
    }
}

/// What was released and is no more, or not as it was.
fn broken(before: &Json, now: &Json, place: &str, found: &mut Vec<String>) {
    match (before, now) {
        (Json::Object(before), Json::Object(now)) => {
            for (key, value) in before {
                let place = format!("{place}/{key}");
                // What is said of it may be said better.
                if ["description", "summary", "title", "version", "info", "x-base-legale"]
                    .contains(&key.as_str())
                {
                    continue;
                }
                match now.get(key) {
                    Some(now) => broken(value, now, &place, found),
                    None => found.push(place),
                }
            }
            for bound in [
                "required",
                "minItems",
                "minLength",
                "minimum",
                "maximum",
                "maxItems",
                "maxLength",
                "pattern",
            ] {
                if !before.contains_key(bound) && now.contains_key(bound) && before.contains_key("type") {
                    found.push(format!("{place}: `{bound}` is new"));
                }
            }
        }
        (Json::Array(before), Json::Array(now)) => {
            found.extend(before.iter().filter(|item| !now.contains(item)).filter_map(|item| {
                let same = item
                    .get("name")
                    .and_then(|name| now.iter().find(|other| other.get("name") == Some(name)));
                same.is_none().then(|| format!("{place}: {item}"))
            }));
            // More may be given than was; no more may be asked than was.
            if place.ends_with("/required") && place.contains("/requestBody/") && now.len() > before.len() {
                found.push(format!("{place}: more is asked"));
            }
        }
        _ if before != now => found.push(format!("{place}: {before} was released, {now} is there")),
        _ => {}
    }
}

fn loses(before: &Json, now: &Json) -> Vec<String> {
    let mut found = Vec::new();
    broken(before, now, "", &mut found);
    found
}

#[test]
fn nothing_that_was_released_is_gone_or_otherwise() {
    for (released, now) in [
        (include_str!("fixtures/contract/released/openapi.json"), openapi()),
        (include_str!("fixtures/contract/released/asyncapi.json"), asyncapi()),
        (include_str!("fixtures/contract/released/evenement.json"), json(EVENT)),
        (include_str!("fixtures/contract/released/personne.json"), json(hub::mappings::PERSON_SCHEMA)),
    ] {
        assert_eq!(
            loses(&json(released), &now),
            Vec::<String>::new(),
            "what breaks a reader is a new version"
        );
    }
}

#[test]
fn what_breaks_a_reader_is_seen() {
    let released = openapi();
    let broken_by = |change: &dyn Fn(&mut Json)| {
        let mut now = released.clone();
        change(&mut now);
        !loses(&released, &now).is_empty()
    };
    let schemas = |now: &mut Json, name: &str| now["components"]["schemas"][name].take();
    assert!(broken_by(&|now| drop(now["paths"].as_object_mut().expect("paths").remove("/sante"))));
    assert!(broken_by(&|now| assert!(schemas(now, "Situation").is_object())));
    assert!(broken_by(
        &|now| now["components"]["schemas"]["Effets"]["properties"]["effets"]["maxItems"] = Json::from(10)
    ));
    assert!(broken_by(&|now| {
        let kinds = &mut now["components"]["schemas"]["Evenement"]["properties"]["type"]["enum"];
        kinds.as_array_mut().expect("types").pop();
    }));
    // What is added breaks nobody.
    assert!(!broken_by(&|now| now["components"]["schemas"]["Situation"]["properties"]["retard"] =
        serde_json::json!({ "type": "integer" })));
    assert!(!broken_by(&|now| now["paths"]["/v2/sante"] = serde_json::json!({})));
    assert!(!broken_by(&|now| now["paths"]["/sante"]["get"]["summary"] = Json::from("mieux dit")));
}
