//! AsyncAPI 3.0: what a subscriber receives, by its queue; for one subscriber by its own channel, and cut down to the fields its profile
//! holds.

use hub_core::canonical::Canon;
use hub_core::subscription::{Channel, Scope, Subscription};
use serde_json::{Map, Value as Json, json};

/// The document for any subscriber.
pub fn asyncapi() -> Json {
    document(("{abonne}", "{profil}"), &Channel::Queue, None)
}

/// The document for one subscriber: where it receives, and the fields it may be told.
pub fn asyncapi_of(canon: &Canon, scope: &Scope, own: &Subscription) -> Json {
    let fields: Vec<&str> = scope.fields().map(|field| canon.field(field).path.as_str()).collect();
    document((&own.subscriber, &own.profile), &own.channel, Some(&fields))
}

fn document(names: (&str, &str), channel: &Channel, fields: Option<&[&str]>) -> Json {
    let schema = super::event();
    let kinds = kinds(&schema);
    let name = |kind: &String| kind.trim_start_matches("fr.dlnuf.").replace('.', "_");
    let messages: Map<String, Json> = kinds.iter().map(|kind| (name(kind), message(kind, fields))).collect();
    let Place { server, channels, receives } = match channel {
        Channel::Queue => queue(names, &kinds, fields.is_none()),
        Channel::Http => http(&kinds),
        Channel::Webhook { url, .. } => webhook(url, &kinds),
    };
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
        "servers": server,
        "channels": channels,
        "operations": { "recevoir": receives },
        "components": { "messages": messages, "schemas": { "Evenement": schema } }
    })
}

/// Where a subscriber receives.
struct Place {
    server: Json,
    channels: Json,
    receives: Json,
}

fn queue((subscriber, profile): (&str, &str), kinds: &[String], anybody: bool) -> Place {
    let mut channels = json!({
        "file": {
            "address": format!("dlnuf.abonne.{subscriber}"),
            "title": "La file de l'abonné",
            "description": "File quorum ; l'utilisateur de l'abonné y lit et n'a aucun autre droit. Ce qu'il refuse pour de bon va à ses rebuts.",
            "messages": in_channel(kinds),
            "bindings": { "amqp": { "is": "queue", "queue": { "name": format!("dlnuf.abonne.{subscriber}"), "durable": true, "exclusive": false, "autoDelete": false }, "bindingVersion": "0.3.0" } }
        },
        "profil": {
            "address": format!("dlnuf.profil.{profile}"),
            "title": "L'échange du profil",
            "description": "Où le hub publie, avec la clé `famille.fait.departement` ; les files des abonnés y sont liées par leurs territoires et familles.",
            "messages": in_channel(kinds),
            "bindings": { "amqp": { "is": "routingKey", "exchange": { "name": format!("dlnuf.profil.{profile}"), "type": "topic", "durable": true, "autoDelete": false }, "bindingVersion": "0.3.0" } }
        }
    });
    if anybody {
        channels["file"]["parameters"] = json!({ "abonne": { "description": "Le nom de l'abonné." } });
        channels["profil"]["parameters"] = json!({ "profil": { "description": "Le nom du profil." } });
    }
    let server = json!({ "courtier": { "host": "localhost:5672", "protocol": "amqp", "protocolVersion": "0.9.1", "description": "RabbitMQ ; l'adresse est celle donnée par `dlnuf subscriber add`." } });
    let receives = json!({
        "action": "receive",
        "channel": { "$ref": "#/channels/file" },
        "summary": "Lire sa file : vérifier, écarter ce qui est déjà venu, appliquer, acquitter.",
        "bindings": { "amqp": { "ack": true, "bindingVersion": "0.3.0" } }
    });
    Place { server, channels, receives }
}

fn http(kinds: &[String]) -> Place {
    let channels = json!({
        "evenements": {
            "address": "/v1/subscribers/me/events",
            "title": "Les événements, demandés",
            "description": "Par pages derrière un curseur, en attendant (`wait`) ou en flux (SSE), avec le jeton de l'abonné : voir l'OpenAPI.",
            "messages": in_channel(kinds)
        }
    });
    let server = json!({ "hub": { "host": "localhost:8080", "protocol": "http", "description": "Le hub ; l'adresse est celle que ses opérateurs donnent." } });
    let receives = json!({
        "action": "receive",
        "channel": { "$ref": "#/channels/evenements" },
        "summary": "Demander ce qui suit son curseur : vérifier, écarter ce qui est déjà venu, appliquer.",
        "bindings": { "http": { "method": "GET", "bindingVersion": "0.3.0" } }
    });
    Place { server, channels, receives }
}

/// The hub calls: its address is the tool's, as declared.
fn webhook(url: &str, kinds: &[String]) -> Place {
    let (protocol, rest) = url.split_once("://").unwrap_or(("https", url));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let channels = json!({
        "crochet": {
            "address": format!("/{path}"),
            "title": "Le crochet de l'abonné",
            "description": "Le hub y poste un événement à la fois, signé (Standard Webhooks : webhook-id, webhook-timestamp, webhook-signature).",
            "messages": in_channel(kinds)
        }
    });
    let server = json!({ "outil": { "host": host, "protocol": protocol, "description": "L'outil, à l'adresse déclarée." } });
    let receives = json!({
        "action": "receive",
        "channel": { "$ref": "#/channels/crochet" },
        "summary": "Vérifier la signature et l'heure, écarter ce qui est déjà venu, appliquer, répondre 2xx.",
        "bindings": { "http": { "method": "POST", "bindingVersion": "0.3.0" } }
    });
    Place { server, channels, receives }
}

fn in_channel(kinds: &[String]) -> Map<String, Json> {
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
