//! AsyncAPI 3.0: what a subscriber receives, by its queue; for one subscriber, cut down to the fields its profile holds.

use hub_core::canonical::Canon;
use hub_core::subscription::{Scope, Subscription};
use serde_json::{Map, Value as Json, json};

/// The document for any subscriber.
pub fn asyncapi() -> Json {
    document(("{abonne}", "{profil}"), None)
}

/// The document for one subscriber: its queue, and the fields it may be told.
pub fn asyncapi_of(canon: &Canon, scope: &Scope, own: &Subscription) -> Json {
    let fields: Vec<&str> = scope.fields().map(|field| canon.field(field).path.as_str()).collect();
    document((&own.subscriber, &own.profile), Some(&fields))
}

fn document((subscriber, profile): (&str, &str), fields: Option<&[&str]>) -> Json {
    let schema = super::event();
    let kinds = kinds(&schema);
    let (mut messages, mut in_channel) = (Map::new(), Map::new());
    for kind in &kinds {
        let name = kind.trim_start_matches("fr.dlnuf.").replace('.', "_");
        in_channel.insert(name.clone(), json!({ "$ref": format!("#/components/messages/{name}") }));
        messages.insert(name, message(kind, fields));
    }
    let mut channels = json!({
        "file": {
            "address": format!("dlnuf.abonne.{subscriber}"),
            "title": "La file de l'abonné",
            "description": "File quorum ; l'utilisateur de l'abonné y lit et n'a aucun autre droit. Ce qu'il refuse pour de bon va à ses rebuts.",
            "messages": in_channel,
            "bindings": { "amqp": { "is": "queue", "queue": { "name": format!("dlnuf.abonne.{subscriber}"), "durable": true, "exclusive": false, "autoDelete": false }, "bindingVersion": "0.3.0" } }
        },
        "profil": {
            "address": format!("dlnuf.profil.{profile}"),
            "title": "L'échange du profil",
            "description": "Où le hub publie, avec la clé `famille.fait.departement` ; les files des abonnés y sont liées par leurs territoires et familles.",
            "messages": in_channel_again(&kinds),
            "bindings": { "amqp": { "is": "routingKey", "exchange": { "name": format!("dlnuf.profil.{profile}"), "type": "topic", "durable": true, "autoDelete": false }, "bindingVersion": "0.3.0" } }
        }
    });
    if fields.is_none() {
        channels["file"]["parameters"] = json!({ "abonne": { "description": "Le nom de l'abonné." } });
        channels["profil"]["parameters"] = json!({ "profil": { "description": "Le nom du profil." } });
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "dlnuf, événements aux abonnés",
            "version": super::VERSION,
            "description": "CloudEvents 1.0 en mode structuré. Au moins une fois, dans l'ordre de chaque personne (`sequence`) ; un renvoi a le même `id` et les \
                mêmes octets. Des types et des clés peuvent s'ajouter : un lecteur passe ce qu'il ne connaît pas.",
            "license": { "name": "EUPL-1.2" }
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": { "courtier": { "host": "localhost:5672", "protocol": "amqp", "protocolVersion": "0.9.1", "description": "RabbitMQ ; l'adresse est celle donnée par `dlnuf subscriber add`." } },
        "channels": channels,
        "operations": {
            "recevoir": {
                "action": "receive",
                "channel": { "$ref": "#/channels/file" },
                "summary": "Lire sa file : vérifier, écarter ce qui est déjà venu, appliquer, acquitter.",
                "bindings": { "amqp": { "ack": true, "bindingVersion": "0.3.0" } }
            }
        },
        "components": { "messages": messages, "schemas": { "Evenement": schema } }
    })
}

fn in_channel_again(kinds: &[String]) -> Map<String, Json> {
    let name = |kind: &String| kind.trim_start_matches("fr.dlnuf.").replace('.', "_");
    kinds
        .iter()
        .map(|kind| (name(kind), json!({ "$ref": format!("#/components/messages/{}", name(kind)) })))
        .collect()
}

/// The types of events a subscriber may be told; the end of a first load is the house's.
fn kinds(schema: &Json) -> Vec<String> {
    let kinds = schema["properties"]["type"]["enum"].as_array().into_iter().flatten();
    let kinds = kinds.filter_map(Json::as_str).filter(|kind| *kind != "fr.dlnuf.chargement.termine");
    kinds.map(str::to_owned).collect()
}

fn message(kind: &str, fields: Option<&[&str]>) -> Json {
    let mut narrowed = json!({ "properties": { "type": { "const": kind } } });
    if let Some(fields) = fields {
        narrowed["properties"]["data"] = json!({
            "properties": { "changements": { "items": { "properties": { "champ": { "enum": fields } } } } }
        });
    }
    json!({
        "name": kind,
        "title": kind.trim_start_matches("fr.dlnuf."),
        "contentType": "application/cloudevents+json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": { "allOf": [{ "$ref": "#/components/schemas/Evenement" }, narrowed] }
        },
        "bindings": { "amqp": { "contentEncoding": "UTF-8", "messageType": kind, "bindingVersion": "0.3.0" } }
    })
}
