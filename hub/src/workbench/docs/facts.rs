//! The feed and the person, in words: format, recognition, delivery, what names a record, who is read.
//!
//! A mapping's YAML enters; facts with their names leave, those that are not stated left out.

use serde_json::Value as Json;

use super::transformations::condition;
use super::words::Tongue;
use super::{code, elements, scalar, text_of};

type Facts = Vec<(String, String)>;

/// The chapters of a page, before its fields.
pub(super) fn chapters(mapping: &Json, tongue: Tongue) -> Vec<(String, Facts)> {
    let (feed, person) = (tongue.say("Le flux", "The feed"), tongue.say("La personne", "The person"));
    vec![(feed, of_feed(mapping, tongue)), (person, of_person(mapping, tongue))]
}

fn of_feed(mapping: &Json, tongue: Tongue) -> Facts {
    let none = Json::Null;
    let delivery = mapping.get("delivery").unwrap_or(&none);
    let mut facts = vec![
        (tongue.say("Qui l'envoie", "Who sends it"), code(&text_of(mapping, "source"))),
        (tongue.say("Forme du fichier", "Form of the file"), format(mapping, tongue)),
    ];
    let detect: Vec<String> =
        elements(mapping.get("detect")).iter().map(|one| recognised(one, tongue)).collect();
    if !detect.is_empty() {
        let and = tongue.say(" ; et ", "; and ");
        facts.push((tongue.say("À quoi on le reconnaît", "How it is recognised"), detect.join(&and)));
    }
    facts.push((tongue.say("Stock ou changements", "Stock or changes"), snapshot(delivery, tongue)));
    for (key, french, english) in [
        ("reference", "Date à laquelle les faits valent", "Date the facts are valid at"),
        ("created", "Date de fabrication", "When it was made"),
        ("flow", "Flux dans lequel les livraisons se suivent", "Flow inside which deliveries are in order"),
    ] {
        let written: Vec<String> =
            elements(delivery.get(key)).into_iter().map(|path| code(&scalar(path))).collect();
        if !written.is_empty() {
            facts.push((tongue.say(french, english), written.join(" ")));
        }
    }
    let totals: Vec<String> =
        elements(delivery.get("totals")).iter().map(|total| code(&text_of(total, "from"))).collect();
    if !totals.is_empty() {
        let total = tongue.say("Nombre d'enregistrements annoncé", "Number of records announced");
        facts.push((total, totals.join(" ")));
    }
    if let Some(absence) = delivery.get("absence").and_then(Json::as_object) {
        let stated = absence.iter().map(|(field, value)| match value {
            Json::Null => tongue.say(
                &format!("{} n'est plus dit", code(field)),
                &format!("{} is stated no more", code(field)),
            ),
            value => format!("{} = {}", code(field), tongue.quote(&scalar(value))),
        });
        let stated = stated.collect::<Vec<_>>().join(", ");
        facts.push((
            tongue.say("Ce que dit l'absence d'une personne", "What a person's absence says"),
            stated,
        ));
    }
    facts
}

fn format(mapping: &Json, tongue: Tongue) -> String {
    let none = Json::Null;
    let format = mapping.get("format").unwrap_or(&none);
    let mut words = if let Some(xml) = format.get("xml") {
        let record = code(&text_of(xml, "record"));
        tongue.say(
            &format!("XML, un enregistrement par élément {record}"),
            &format!("XML, one record for each element {record}"),
        )
    } else if let Some(json) = format.get("json") {
        let records = text_of(json, "records");
        let place = if records.is_empty() { String::new() } else { format!(" ({})", code(&records)) };
        tongue.say(
            &format!("JSON, un enregistrement par objet{place}"),
            &format!("JSON, one record for each object{place}"),
        )
    } else if let Some(fixed) = format.get("fixed") {
        let columns = elements(fixed.get("columns")).len();
        tongue.say(
            &format!("texte en {columns} colonnes de largeur fixe, une ligne par enregistrement"),
            &format!("text in {columns} columns of fixed width, one line for each record"),
        )
    } else {
        let columns = elements(format.get("csv").and_then(|csv| csv.get("columns"))).len();
        let named = if columns == 0 {
            tongue.say("la première ligne nomme les colonnes", "the first line names the columns")
        } else {
            tongue.say(
                &format!("{columns} colonnes, reconnues à leur rang"),
                &format!("{columns} columns, known by their place"),
            )
        };
        tongue.say(
            &format!("texte délimité (CSV), une ligne par enregistrement, {named}"),
            &format!("delimited text (CSV), one row for each record, {named}"),
        )
    };
    let encoding = text_of(format, "encoding");
    if !encoding.is_empty() {
        words += &tongue.say(&format!(" ; encodage {encoding}"), &format!("; encoding {encoding}"));
    }
    let nulls: Vec<String> = elements(format.get("nulls")).into_iter().map(scalar).collect();
    if !nulls.is_empty() {
        let nulls = tongue.any_of(&nulls);
        words += &tongue.say(&format!(" ; {nulls} : rien"), &format!("; {nulls}: nothing"));
    }
    words
}

fn recognised(one: &Json, tongue: Tongue) -> String {
    let texts = |key: &str| elements(one.get(key)).into_iter().map(scalar).collect::<Vec<_>>();
    let last = |path: &str| code(path.rsplit('/').next().unwrap_or(path));
    if let Some(path) = one.get("path") {
        let words = tongue.any_of(&texts("in"));
        let path = last(&scalar(path));
        return tongue.say(&format!("{path} vaut {words}"), &format!("{path} is {words}"));
    }
    if let Some(path) = one.get("present") {
        let path = last(&scalar(path));
        return tongue.say(&format!("{path} est là"), &format!("{path} is there"));
    }
    if let Some(path) = one.get("absent") {
        let path = last(&scalar(path));
        return tongue.say(&format!("{path} n'y est pas"), &format!("{path} is not there"));
    }
    if one.get("columns").is_some() {
        let columns = texts("columns").iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
        return tongue.say(&format!("les colonnes {columns}"), &format!("the columns {columns}"));
    }
    let name = code(&text_of(one, "filename"));
    tongue.say(&format!("le nom du fichier ressemble à {name}"), &format!("the file's name is like {name}"))
}

fn snapshot(delivery: &Json, tongue: Tongue) -> String {
    match delivery.get("snapshot") {
        Some(Json::Bool(true)) => tongue.say(
            "tout le stock de l'émetteur : qui n'y est plus est jugé absent",
            "the emitter's whole stock: who is no longer in it is judged absent",
        ),
        Some(when @ Json::Object(_)) => {
            let words: Vec<String> = elements(when.get("in")).into_iter().map(scalar).collect();
            let (path, words) = (code(&text_of(when, "from")), tongue.any_of(&words));
            tongue.say(
                &format!("tout le stock quand {path} vaut {words}, sinon des changements"),
                &format!("the whole stock when {path} is {words}, else changes"),
            )
        }
        _ => tongue.say(
            "des changements : une absence n'y signifie rien",
            "changes: an absence means nothing in it",
        ),
    }
}

fn of_person(mapping: &Json, tongue: Tongue) -> Facts {
    let none = Json::Null;
    let (record, persons) = (mapping.get("record").unwrap_or(&none), mapping.get("persons").unwrap_or(&none));
    let mut facts = vec![(
        tongue.say("Ce qui reconnaît un enregistrement", "What recognises a record"),
        key(record.get("key"), tongue),
    )];
    for (section, name, french, english) in
        [(record, "or", "À défaut", "Failing that"), (record, "emitter", "Qui le déclare", "Who states it")]
    {
        if section.get(name).is_some() {
            facts.push((tongue.say(french, english), key(section.get(name), tongue)));
        }
    }
    if let Some(as_of) = record.get("as_of") {
        let path = if as_of.is_object() { text_of(as_of, "from") } else { scalar(as_of) };
        facts.push((tongue.say("Date de l'enregistrement", "Date of the record"), code(&path)));
    }
    let each = persons.get("each").map_or_else(
        || tongue.say("l'enregistrement est la personne", "the record is the person"),
        |each| {
            let each = code(&scalar(each));
            tongue.say(&format!("une personne par {each}"), &format!("one person for each {each}"))
        },
    );
    facts.push((tongue.say("Les personnes d'un enregistrement", "The persons of a record"), each));
    if persons.get("key").is_some() {
        facts.push((
            tongue.say("Ce qui les distingue", "What tells them apart"),
            key(persons.get("key"), tongue),
        ));
    }
    if let Some(when) = persons.get("when") {
        facts.push((
            tongue.say("À quelle condition elles sont lues", "On which condition they are read"),
            condition(&scalar(when), tongue),
        ));
    }
    let blanks = if text_of(persons, "blanks") == "keep" {
        tongue.say("ne dit rien : ce qui était connu reste", "says nothing: what was known stays")
    } else {
        tongue.say("retire ce que cet enregistrement disait", "takes back what this record stated")
    };
    facts.push((tongue.say("Une case vide", "An empty value"), blanks));
    facts
}

fn key(key: Option<&Json>, tongue: Tongue) -> String {
    let part = |part: &Json| {
        let from = part.get("from").unwrap_or(part);
        let names: Vec<String> = elements(Some(from)).into_iter().map(|name| code(&scalar(name))).collect();
        let shapes: Vec<String> =
            elements(part.get("like")).into_iter().map(|shape| code(&scalar(shape))).collect();
        match tongue.or(&shapes) {
            shapes if shapes.is_empty() => tongue.or(&names),
            shapes => tongue.say(
                &format!("{} (de forme {shapes})", tongue.or(&names)),
                &format!("{} (of the shape {shapes})", tongue.or(&names)),
            ),
        }
    };
    elements(key).into_iter().map(part).collect::<Vec<_>>().join(" + ")
}
