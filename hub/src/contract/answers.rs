//! The schemas of what enters and leaves by the doors, as components of the document. What is not listed here is an object whose keys its
//! own guide tells.

use serde_json::{Value as Json, json};

/// The components.
pub(super) fn components() -> Json {
    let mut components = questions();
    let more = [persons(), lookups(), subscriptions()];
    if let Some(all) = components.as_object_mut() {
        all.extend(more.into_iter().filter_map(|more| more.as_object().cloned()).flatten());
        all.insert("Evenement".to_owned(), super::event());
    }
    components
}

fn questions() -> Json {
    json!({
        "Probleme": {
            "description": "Un problème (RFC 9457), avec un code stable et ce qu'il faut faire, en anglais et en français.",
            "type": "object",
            "required": ["type", "title", "titre", "status", "code", "detail", "explication", "remedy", "remede"],
            "properties": {
                "type": { "type": "string" }, "title": { "type": "string" }, "titre": { "type": "string" },
                "status": { "type": "integer" }, "code": { "type": "string", "pattern": "^DLN\\d{4}$" }, "detail": { "type": "string" },
                "explication": { "type": "string" }, "remedy": { "type": "string" }, "remede": { "type": "string" }
            }
        },
        "Evenements": { "type": "array", "items": { "$ref": "#/components/schemas/Evenement" } },
        "Flux": { "type": "string", "description": "Événements envoyés par le serveur (SSE)." },
        "Texte": { "type": "string" },
        "Octets": { "type": "string", "description": "Des octets, tels quels." },
        "Objet": { "type": "object" },
        "Sante": {
            "type": "object",
            "required": ["etat", "evenements_en_attente", "evenements_aux_abonnes"],
            "properties": {
                "etat": { "type": "string" }, "evenements_en_attente": whole(), "evenements_aux_abonnes": whole()
            }
        },
        "Effets": {
            "type": "object",
            "additionalProperties": false,
            "required": ["effets"],
            "properties": { "effets": {
                "type": "array", "minItems": 1, "maxItems": 1_000,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["id", "etat"],
                    "properties": {
                        "id": { "type": "string", "format": "uuid", "description": "`id` de l'événement." },
                        "etat": { "enum": ["applique", "echec"] },
                        "time": { "type": "string", "format": "date-time", "description": "`time` de l'événement." },
                        "cause": { "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$", "description": "Un mot de l'outil ; jamais une valeur." }
                    }
                }
            } }
        },
        "EffetsRetenus": {
            "type": "object",
            "required": ["appliques", "en_echec"],
            "properties": { "appliques": whole(), "en_echec": whole() }
        }
    })
}

fn persons() -> Json {
    json!({
        "Empreintes": {
            "type": "object",
            "required": ["abonne", "profil", "lignes", "personnes", "compartiments"],
            "properties": {
                "abonne": { "type": "string" }, "profil": { "type": "string" }, "personnes": whole(),
                "lignes": lines(),
                "compartiments": { "type": "array", "items": {
                    "type": "object",
                    "required": ["compartiment", "personnes", "empreinte"],
                    "properties": {
                        "compartiment": { "type": "string", "pattern": "^[0-9a-f]{2}$" }, "personnes": whole(),
                        "empreinte": { "type": "string", "pattern": "^[0-9a-f]{64}$",
                            "description": "SHA-256 des lignes des personnes du compartiment, dans l'ordre, chacune close par un saut de ligne." }
                    }
                } }
            }
        },
        "Compartiment": {
            "type": "object",
            "required": ["compartiment", "lignes", "personnes"],
            "properties": {
                "compartiment": { "type": "string", "pattern": "^[0-9a-f]{2}$" }, "lignes": lines(),
                "personnes": { "type": "array", "items": {
                    "type": "object", "required": ["subject", "sequence"],
                    "properties": { "subject": { "type": "string", "format": "uuid" }, "sequence": { "type": "string", "pattern": "^\\d{1,20}$" } }
                } }
            }
        },
        "Reparations": {
            "type": "object", "additionalProperties": false, "required": ["subjects"],
            "properties": { "subjects": {
                "type": "array", "minItems": 1, "maxItems": 1_000, "items": { "type": "string", "format": "uuid" }
            } }
        },
        "ReparationsPrevues": {
            "type": "object", "required": ["a_montrer", "inconnus"],
            "properties": {
                "a_montrer": whole(),
                "inconnus": { "type": "array", "items": { "type": "string", "format": "uuid" },
                    "description": "Ceux que le profil n'a jamais connus : à oublier." }
            }
        }
    })
}

fn lookups() -> Json {
    json!({
        "Consultation": {
            "type": "object", "additionalProperties": false,
            "properties": {
                "nir": { "type": "string" }, "nom_naissance": { "type": "string" }, "nom_usage": { "type": "string" },
                "prenoms": { "type": "string" }, "date_naissance": { "type": "string" }, "sexe": { "type": "string" },
                "commune_naissance": { "type": "string" }, "code_postal": { "type": "string" }
            },
            "anyOf": [
                { "required": ["nir"] },
                { "required": ["nom_naissance", "prenoms", "date_naissance"] },
                { "required": ["nom_usage", "prenoms", "date_naissance"] }
            ]
        },
        "Consultee": {
            "type": "object", "required": ["resultat"],
            "properties": {
                "resultat": { "enum": ["une", "aucune", "plusieurs"] },
                "subject": { "type": "string", "format": "uuid" },
                "connu": { "type": "array", "items": {
                    "type": "object", "required": ["champ", "valeur", "source", "valide_le"],
                    "properties": {
                        "champ": { "type": "string" }, "valeur": {}, "source": { "type": "string" }, "valide_le": { "type": "string" }
                    }
                } }
            }
        }
    })
}

fn subscriptions() -> Json {
    json!({
        "Situation": {
            "type": "object",
            "required": ["etat", "en_attente", "plus_ancien", "effets"],
            "properties": {
                "etat": { "enum": ["en_service", "en_pause", "expire", "desactive"] },
                "ajoute": { "type": "boolean" },
                "en_attente": whole(),
                "plus_ancien": { "type": ["string", "null"], "format": "date-time" },
                "instantane_en_cours": { "type": ["integer", "null"] },
                "webhook": { "type": ["object", "null"] },
                "effets": {
                    "type": "object", "required": ["appliques", "en_echec", "applique_jusqu_a", "dernier_compte_rendu"],
                    "properties": {
                        "appliques": whole(), "en_echec": whole(),
                        "applique_jusqu_a": { "type": ["string", "null"] }, "dernier_compte_rendu": { "type": ["string", "null"] }
                    }
                }
            }
        },
        "Abonnement": {
            "type": "object",
            "required": ["abonne", "titre", "profil", "finalite", "base_legale", "expire", "expiree", "territoire", "evenements", "canal", "situation"],
            "properties": {
                "abonne": { "type": "string" }, "titre": { "type": "string" }, "profil": { "type": "string" }, "finalite": { "type": "string" },
                "base_legale": { "type": "string" }, "expire": { "type": "string", "format": "date" }, "expiree": { "type": "boolean" },
                "territoire": { "type": "array", "items": { "type": "string" } }, "evenements": { "type": "array", "items": { "type": "string" } },
                "canal": { "enum": ["file", "http", "webhook"] }, "consultations_par_jour": whole(),
                "champs": { "type": "array", "items": { "type": "string" } },
                "situation": { "$ref": "#/components/schemas/Situation" }
            }
        },
        "Abonnements": {
            "type": "object", "required": ["abonnements"],
            "properties": { "abonnements": { "type": "array", "items": { "$ref": "#/components/schemas/Abonnement" } } }
        },
        "Profils": {
            "type": "object", "required": ["profils"],
            "properties": { "profils": { "type": "array", "items": profile() } }
        },
        "Profil": profile(),
        "Ecrit": { "type": "object", "required": ["fichier"], "properties": { "fichier": { "type": "string" } } }
    })
}

fn profile() -> Json {
    json!({
        "type": "object", "required": ["profil", "champs"],
        "properties": { "profil": { "type": "string" }, "champs": { "type": "array", "items": { "type": "string" } } }
    })
}

fn whole() -> Json {
    json!({ "type": "integer", "minimum": 0 })
}

fn lines() -> Json {
    json!({
        "enum": ["subject sequence", "subject"],
        "description": "De quoi sont faites les lignes d'une empreinte : sans le rang pour qui n'est pas averti de toutes les familles."
    })
}
