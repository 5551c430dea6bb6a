//! OpenAPI 3.1, from the table of doors.

use serde_json::{Map, Value as Json, json};

use super::answers::components;
use super::doors::{Answer, DOORS, Door, Type, Whom};

/// The document.
pub fn openapi() -> Json {
    let mut paths = Map::new();
    for door in DOORS {
        let path = paths.entry(door.path).or_insert_with(|| json!({}));
        path[door.method] = operation(door);
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "dlnuf",
            "version": super::VERSION,
            "summary": "Échanger et synchroniser les données du service public de l'insertion et de l'emploi.",
            "description": "Toute clé peut s'ajouter à une réponse ; aucune n'en part, aucune n'y change de forme dans une même version. Un \
                problème porte un code stable : `dlnuf explain DLN0801`.",
            "license": { "name": "EUPL-1.2", "identifier": "EUPL-1.2" }
        },
        "servers": [{ "url": "http://127.0.0.1:8080", "description": "Sur la machine ; au dehors, derrière un mandataire qui parle TLS." }],
        "tags": [
            { "name": "abonnes", "description": "Pour un outil abonné, avec son jeton." },
            { "name": "institutions", "description": "Pour une institution qui dépose, avec son jeton." },
            { "name": "maison", "description": "Sur la machine seulement, sans jeton." },
            { "name": "contrat", "description": "Pour tous." }
        ],
        "paths": paths,
        "webhooks": { "evenement": { "post": webhook() } },
        "components": {
            "schemas": components(),
            "securitySchemes": { "jeton": { "type": "http", "scheme": "bearer", "description": "Donné une fois par `dlnuf subscriber add` ou `dlnuf sources token`." } }
        }
    })
}

fn operation(door: &Door) -> Json {
    let mut parameters: Vec<Json> = door.path.split('/').filter_map(in_path).collect();
    parameters.extend(door.query.iter().map(|(name, what, kind)| {
        json!({ "name": name, "in": "query", "description": what, "schema": schema(*kind) })
    }));
    let mut operation = json!({
        "operationId": identifier(door),
        "summary": door.summary,
        "tags": [tag(door.whom)],
        "parameters": parameters,
        "responses": answers(door.answers)
    });
    let guarded = matches!(door.whom, Whom::Institution | Whom::Subscriber);
    operation["security"] = if guarded { json!([{ "jeton": [] }]) } else { json!([]) };
    if let Some((media, name)) = door.body {
        operation["requestBody"] = json!({ "required": true, "content": content(media, name) });
    }
    operation
}

fn in_path(part: &str) -> Option<Json> {
    let name = part.strip_prefix('{')?.strip_suffix('}')?;
    Some(json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
}

fn answers(answers: &[Answer]) -> Json {
    let mut responses = Map::new();
    for Answer(status, what, of) in answers {
        let answer = responses.entry(status.to_string()).or_insert_with(|| json!({ "description": what }));
        if let Some((media, name)) = of {
            answer["content"][*media] = content(media, name)[*media].clone();
        }
    }
    for (status, what) in [("4XX", "Un problème de la demande."), ("5XX", "Un problème du hub.")] {
        let problem =
            json!({ "description": what, "content": content("application/problem+json", "Probleme") });
        responses.insert(status.to_owned(), problem);
    }
    Json::Object(responses)
}

fn content(media: &str, name: &str) -> Json {
    json!({ media: { "schema": { "$ref": format!("#/components/schemas/{name}") } } })
}

fn schema(kind: Type) -> Json {
    match kind {
        Type::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Type::Text => json!({ "type": "string" }),
    }
}

fn tag(whom: Whom) -> &'static str {
    match whom {
        Whom::Subscriber => "abonnes",
        Whom::Institution => "institutions",
        Whom::House => "maison",
        Whom::Anybody => "contrat",
    }
}

fn identifier(door: &Door) -> String {
    let words = door.path.split(['/', '.']).filter(|word| !word.is_empty() && *word != "v1");
    let words: Vec<&str> = words.map(|word| word.trim_matches(['{', '}'])).collect();
    format!("{}_{}", door.method, words.join("_"))
}

/// What is posted to a subscriber of channel `webhook`.
fn webhook() -> Json {
    let header = |name: &str, what: &str| json!({ "name": name, "in": "header", "required": true, "description": what, "schema": { "type": "string" } });
    json!({
        "operationId": "webhook_evenement",
        "security": [],
        "summary": "Un événement, signé comme le veut Standard Webhooks 1.0 ; dans l'ordre, renvoyé jusqu'à une réponse 2xx.",
        "parameters": [
            header("webhook-id", "`id` de l'événement : le même à chaque renvoi."),
            header("webhook-timestamp", "Secondes depuis 1970, à l'envoi ; à refuser au-delà de cinq minutes."),
            header("webhook-signature", "`v1,` et la signature en base64, une par secret en vigueur, séparées par une espace.")
        ],
        "requestBody": { "required": true, "content": content("application/cloudevents+json", "Evenement") },
        "responses": {
            "2XX": { "description": "Pris." },
            "410": { "description": "Plus rien n'est à envoyer : l'envoi est désactivé." },
            "default": { "description": "Pas pris : renvoyé plus tard." }
        }
    })
}
