//! The doors of the HTTP API, as data: where, how, who may, what enters and what leaves.

/// A door.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// `get`, `post`, …
    pub method: &'static str,
    /// With `{parameters}`.
    pub path: &'static str,
    /// Whom it is for.
    pub whom: Whom,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What may stand behind the question mark, each with what it is.
    pub query: &'static [(&'static str, &'static str, Type)],
    /// What enters: media type, and a schema of [`super::answers`].
    pub body: Option<(&'static str, &'static str)>,
    /// What leaves, besides problems: status, media type and schema.
    pub answers: &'static [Answer],
}

/// Whom a door is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Whoever is on the machine: loopback alone, without a token.
    House,
    /// An institution, by its token.
    Institution,
    /// A subscriber, by its token.
    Subscriber,
    /// Everybody.
    Anybody,
}

/// A kind of parameter.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// A whole number between two.
    Number(u64, u64),
    /// A text.
    Text,
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer(pub u16, pub &'static str, pub Option<(&'static str, &'static str)>);

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const EVENTS: &str = "application/cloudevents-batch+json";
const STREAM: &str = "text/event-stream";

const CURSOR: (&str, &str, Type) =
    ("after", "Curseur : ce qui vient derrière ; rien, depuis le début.", Type::Number(0, i64::MAX as u64));
const LIMIT: (&str, &str, Type) = ("limit", "Combien, au plus.", Type::Number(1, 1_000));
const WAIT: (&str, &str, Type) =
    ("wait", "Secondes à attendre que quelque chose vienne.", Type::Number(0, 30));

const NOTHING: Door =
    Door { method: "get", path: "", whom: Whom::House, summary: "", query: &[], body: None, answers: &[] };

/// Every door there is.
pub const DOORS: &[Door] = &[
    Door {
        path: "/v1/subscribers/me/events",
        whom: Whom::Subscriber,
        summary: "Ce qui est dit à l'abonné, derrière un curseur ; attendu avec `wait`, ou en flux (SSE) avec `Accept: text/event-stream`.",
        query: &[CURSOR, LIMIT, WAIT],
        answers: &[
            Answer(
                200,
                "Une page d'événements ; l'en-tête `dlnuf-cursor` est le curseur suivant.",
                Some((EVENTS, "Evenements")),
            ),
            Answer(
                200,
                "Un flux : une ligne `id` (le curseur) et une ligne `data` par événement.",
                Some((STREAM, "Flux")),
            ),
        ],
        ..NOTHING
    },
    Door {
        method: "post",
        path: "/v1/subscribers/me/snapshot",
        whom: Whom::Subscriber,
        summary: "Demander toutes les personnes que l'abonné peut connaître, par son propre canal.",
        answers: &[Answer(202, "Elles seront montrées.", None)],
        ..NOTHING
    },
    Door {
        path: "/v1/subscribers/me",
        whom: Whom::Subscriber,
        summary: "Où en est l'abonné : ce qui l'attend, depuis quand, ce qu'il a dit avoir appliqué.",
        answers: &[Answer(200, "Sa situation.", Some((JSON, "Situation")))],
        ..NOTHING
    },
    Door {
        method: "post",
        path: "/v1/subscribers/me/effects",
        whom: Whom::Subscriber,
        summary: "Dire ce que sont devenus des événements : appliqués, ou en échec et pourquoi, en un mot.",
        body: Some((JSON, "Effets")),
        answers: &[Answer(200, "Ce qui en est retenu.", Some((JSON, "EffetsRetenus")))],
        ..NOTHING
    },
    Door {
        path: "/v1/subscribers/me/digests",
        whom: Whom::Subscriber,
        summary: "Empreintes des personnes que l'abonné doit connaître, par compartiment (les deux premiers chiffres de `subject`).",
        answers: &[Answer(200, "Les empreintes.", Some((JSON, "Empreintes")))],
        ..NOTHING
    },
    Door {
        path: "/v1/subscribers/me/digests/{compartiment}",
        whom: Whom::Subscriber,
        summary: "Les personnes d'un compartiment, chacune avec son rang.",
        answers: &[Answer(200, "Les personnes.", Some((JSON, "Compartiment")))],
        ..NOTHING
    },
    Door {
        method: "post",
        path: "/v1/subscribers/me/repairs",
        whom: Whom::Subscriber,
        summary: "Demander que des personnes soient montrées à nouveau, par le canal de l'abonné ; elles seules.",
        body: Some((JSON, "Reparations")),
        answers: &[Answer(202, "Elles seront montrées.", Some((JSON, "ReparationsPrevues")))],
        ..NOTHING
    },
    Door {
        method: "post",
        path: "/v1/persons/lookup",
        whom: Whom::Subscriber,
        summary: "Demander ce qui est déjà connu d'une personne, par son NIR ou par qui elle est ; chaque appel est consigné.",
        body: Some((JSON, "Consultation")),
        answers: &[Answer(
            200,
            "Ce que l'abonné peut en savoir ; une personne hors de son territoire n'est personne pour lui.",
            Some((JSON, "Consultee")),
        )],
        ..NOTHING
    },
    Door {
        method: "post",
        path: "/v1/deliveries",
        whom: Whom::Institution,
        summary: "Déposer un extrait ; la réponse vient une fois l'extrait archivé durablement.",
        body: Some(("application/octet-stream", "Octets")),
        answers: &[
            Answer(201, "Acquitté.", Some((JSON, "Objet"))),
            Answer(200, "Déjà reçu.", Some((JSON, "Objet"))),
        ],
        ..NOTHING
    },
    Door {
        path: "/v1/deliveries/{id}",
        whom: Whom::Institution,
        summary: "Le compte rendu d'une livraison ; attendu avec `wait`.",
        query: &[("wait", "Secondes à attendre la fin du traitement.", Type::Number(0, 60))],
        answers: &[Answer(200, "Le compte rendu.", Some((JSON, "Objet")))],
        ..NOTHING
    },
    Door {
        path: "/v1/deliveries/{id}/receipt.csv",
        whom: Whom::Institution,
        summary: "Le compte rendu, en tableau.",
        answers: &[Answer(200, "Le tableau.", Some(("text/csv", "Octets")))],
        ..NOTHING
    },
    Door {
        path: "/v1/deliveries/{id}/refused",
        whom: Whom::Institution,
        summary: "Les enregistrements refusés, dans la forme de l'extrait, à corriger et renvoyer.",
        answers: &[Answer(200, "Les enregistrements.", Some(("application/octet-stream", "Octets")))],
        ..NOTHING
    },
    Door {
        method: "post",
        path: "/v1/uploads",
        whom: Whom::Institution,
        summary: "Commencer un dépôt en plusieurs morceaux (tus 1.0).",
        answers: &[Answer(201, "`Location` dit où envoyer les morceaux.", None)],
        ..NOTHING
    },
    Door {
        method: "options",
        path: "/v1/uploads",
        whom: Whom::Institution,
        summary: "Ce que le dépôt en morceaux sait faire.",
        answers: &[Answer(204, "Dans les en-têtes.", None)],
        ..NOTHING
    },
    Door {
        method: "head",
        path: "/v1/uploads/{id}",
        whom: Whom::Institution,
        summary: "Jusqu'où un dépôt est arrivé.",
        answers: &[Answer(200, "Dans `Upload-Offset`.", None)],
        ..NOTHING
    },
    Door {
        method: "patch",
        path: "/v1/uploads/{id}",
        whom: Whom::Institution,
        summary: "Envoyer un morceau.",
        body: Some(("application/offset+octet-stream", "Octets")),
        answers: &[Answer(204, "Pris ; `Upload-Offset` dit jusqu'où.", None)],
        ..NOTHING
    },
    Door {
        method: "delete",
        path: "/v1/uploads/{id}",
        whom: Whom::Institution,
        summary: "Abandonner un dépôt.",
        answers: &[Answer(204, "Abandonné.", None)],
        ..NOTHING
    },
    Door {
        method: "options",
        path: "/v1/uploads/{id}",
        whom: Whom::Institution,
        summary: "Ce que le dépôt en morceaux sait faire.",
        answers: &[Answer(204, "Dans les en-têtes.", None)],
        ..NOTHING
    },
    Door {
        path: "/v1/evenements",
        summary: "Le journal des événements, derrière un curseur.",
        query: &[CURSOR, LIMIT],
        answers: &[Answer(200, "Une page d'événements.", Some((EVENTS, "Evenements")))],
        ..NOTHING
    },
    Door {
        path: "/v1/personnes",
        summary: "Tout ce qui est connu, personne par personne.",
        query: &[("after", "Identifiant de la dernière personne lue.", Type::Text), LIMIT],
        answers: &[Answer(200, "Une page de lectures.", Some((EVENTS, "Evenements")))],
        ..NOTHING
    },
    Door {
        path: "/sante",
        summary: "Si le hub se porte bien, et ce qui attend le courtier.",
        answers: &[Answer(200, "Il est en service.", Some((JSON, "Sante")))],
        ..NOTHING
    },
    Door {
        path: "/v1/identite/questions",
        summary: "Ce que le hub ne sait trancher : qui est qui.",
        query: &[LIMIT],
        answers: &[Answer(200, "Les questions.", Some((JSON, "Objet")))],
        ..NOTHING
    },
    Door {
        path: "/v1/identite/questions/{one}/{other}",
        summary: "Deux personnes côte à côte, ce que pèse chaque trait, et l'effet des deux réponses.",
        answers: &[Answer(200, "La comparaison.", Some((JSON, "Objet")))],
        ..NOTHING
    },
    Door {
        path: "/v1/identite/decisions",
        summary: "Ce que des personnes ont décidé.",
        query: &[LIMIT],
        answers: &[Answer(200, "Les décisions.", Some((JSON, "Objet")))],
        ..NOTHING
    },
    Door {
        method: "post",
        path: "/v1/identite/decisions",
        summary: "Décider que deux personnes n'en sont qu'une, ou non, ou qu'une en est deux (409 si c'est déjà décidé ainsi).",
        body: Some((JSON, "Objet")),
        answers: &[Answer(201, "Décidé, écrit et annoncé.", Some((JSON, "Objet")))],
        ..NOTHING
    },
    Door {
        method: "post",
        path: "/v1/identite/decisions/{id}/annulation",
        summary: "Revenir sur une décision.",
        body: Some((JSON, "Objet")),
        answers: &[Answer(200, "Annulée, écrit et annoncé.", Some((JSON, "Objet")))],
        ..NOTHING
    },
    Door {
        path: "/v1/abonnements",
        summary: "Les abonnements déclarés, et où en est chaque abonné.",
        answers: &[Answer(200, "Les abonnements.", Some((JSON, "Abonnements")))],
        ..NOTHING
    },
    Door {
        path: "/v1/abonnements/{nom}",
        summary: "Un abonnement, chaque champ qu'il peut connaître, et où en est l'abonné.",
        answers: &[Answer(200, "L'abonnement.", Some((JSON, "Abonnement")))],
        ..NOTHING
    },
    Door {
        method: "put",
        path: "/v1/abonnements/{nom}",
        summary: "Écrire le fichier d'un abonnement ; une faute n'en change rien, et est dite (422).",
        body: Some((YAML, "Texte")),
        answers: &[
            Answer(201, "Écrit, nouveau.", Some((JSON, "Ecrit"))),
            Answer(200, "Écrit.", Some((JSON, "Ecrit"))),
        ],
        ..NOTHING
    },
    Door {
        method: "delete",
        path: "/v1/abonnements/{nom}",
        summary: "Retirer le fichier d'un abonnement : plus rien ne lui est dit.",
        answers: &[Answer(204, "Retiré.", None)],
        ..NOTHING
    },
    Door {
        path: "/v1/profils",
        summary: "Les profils, et chaque champ qu'ils portent.",
        answers: &[Answer(200, "Les profils.", Some((JSON, "Profils")))],
        ..NOTHING
    },
    Door {
        path: "/v1/profils/{nom}",
        summary: "Un profil, et chaque champ qu'il porte.",
        answers: &[Answer(200, "Le profil.", Some((JSON, "Profil")))],
        ..NOTHING
    },
    Door {
        method: "delete",
        path: "/v1/profils/{nom}",
        summary: "Retirer le fichier d'un profil auquel personne n'est abonné (sinon 409).",
        answers: &[Answer(204, "Retiré.", None)],
        ..NOTHING
    },
    Door {
        method: "put",
        path: "/v1/profils/{nom}",
        summary: "Écrire le fichier d'un profil ; une faute n'en change rien, et est dite (422).",
        body: Some((YAML, "Texte")),
        answers: &[
            Answer(201, "Écrit, nouveau.", Some((JSON, "Ecrit"))),
            Answer(200, "Écrit.", Some((JSON, "Ecrit"))),
        ],
        ..NOTHING
    },
    Door {
        path: "/v1/openapi.json",
        whom: Whom::Anybody,
        summary: "Ce document.",
        answers: &[Answer(200, "OpenAPI 3.1.", Some((JSON, "Objet")))],
        ..NOTHING
    },
    Door {
        path: "/v1/asyncapi.json",
        whom: Whom::Anybody,
        summary: "Les événements.",
        answers: &[Answer(200, "AsyncAPI 3.", Some((JSON, "Objet")))],
        ..NOTHING
    },
];
