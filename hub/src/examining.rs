//! Who is who, examined: questions, rulings and two persons side by side, in the words of the command line and of HTTP alike.
//!
//! Questions, rulings and persons enter; JSON leaves.

use hub_core::canonical::Canon;
use hub_core::delivery::PersonId;
use hub_core::identity::{Centibits, Comparison, Doubt, Kin, Trait};
use hub_core::pipeline::{Pipeline, RulingError, Verdict};
use hub_core::ruling::{Question, Ruling, Word};
use hub_core::store::{KnownPerson, Store, StoreError};
use serde_json::{Map, Value as Json, json};

use crate::court::Court;

/// A question as JSON.
pub fn of_question(question: &Question) -> Json {
    json!({
        "personnes": [question.persons.0, question.persons.1], "doute": question.doubt.word(),
        "bits": in_bits(question.weight), "depuis": question.since.to_string(),
    })
}

/// A ruling as JSON.
pub fn of_ruling(ruling: &Ruling) -> Json {
    let undone = ruling.undone.as_ref();
    json!({
        "decision": ruling.id, "personnes": [ruling.persons.0, ruling.persons.1], "une": ruling.one,
        "declarations": ruling.claims, "le": ruling.at.to_string(), "par": ruling.word.by, "note": ruling.word.note,
        "annulee": undone.map(|(at, word)| json!({ "le": at.to_string(), "par": word.by, "note": word.note })),
    })
}

/// Two persons side by side as JSON, with what either answer would announce.
///
/// # Errors
/// When the store fails.
pub async fn in_both_cases(
    court: &Court,
    one: &KnownPerson,
    other: &KnownPerson,
) -> Result<Map<String, Json>, RulingError> {
    let pipeline = &*court.pipeline;
    let mut answer = compared(pipeline, one, other);
    answer.insert(
        "doute".to_owned(),
        json!(doubt(pipeline.store.as_ref(), (one.id, other.id)).await?.map(Doubt::word)),
    );
    for (key, is_one) in [("si_une", true), ("si_deux", false)] {
        let verdict = Verdict::Rule { persons: (one.id, other.id), one: is_one };
        let effect = court.preview(&verdict, Word::default()).await?;
        answer.insert(key.to_owned(), json!(effect.events));
        answer.insert(format!("{key}_abonnes"), effect.told_in_json());
        answer.insert(format!("{key}_autres"), json!(effect.others));
    }
    Ok(answer)
}

/// Why it is asked whether two are one, if it is.
///
/// # Errors
/// When the store fails.
pub async fn doubt(store: &dyn Store, persons: (PersonId, PersonId)) -> Result<Option<Doubt>, StoreError> {
    let persons = (persons.0.min(persons.1), persons.0.max(persons.1));
    let questions = store.questions_of(&[persons.0]).await?;
    Ok(questions.into_iter().find(|question| question.persons == persons).map(|question| question.doubt))
}

fn compared(pipeline: &Pipeline, one: &KnownPerson, other: &KnownPerson) -> Map<String, Json> {
    let compared = Comparison::of((&one.statements, &other.statements), &pipeline.identity, &pipeline.policy);
    let lines = Trait::ALL.into_iter().filter_map(|of| {
        let [own, theirs] = [one, other].map(|person| values(&pipeline.canon, person, of));
        let line = compared.lines.iter().find(|line| line.of == of);
        let known = !own.is_empty() || !theirs.is_empty();
        known.then(|| {
            json!({ "trait": of.word(), "niveau": line.map(|line| line.level), "bits": line.map(|line| in_bits(line.weight)),
                "l_une": own, "l_autre": theirs })
        })
    });
    Map::from_iter([
        ("personnes".to_owned(), json!([one.id, other.id])),
        ("traits".to_owned(), lines.collect()),
        ("parente".to_owned(), compared.against.map_or(Json::Null, kin)),
        ("bits".to_owned(), json!(in_bits(compared.weight))),
        ("lien".to_owned(), json!(in_bits(pipeline.policy.link))),
        ("examen".to_owned(), json!(in_bits(pipeline.policy.review))),
        ("cle_commune".to_owned(), json!(compared.shares_a_key)),
    ])
}

/// Who the two may be instead, and what the rarity of such kin weighs.
fn kin((kin, rarity): (Kin, Centibits)) -> Json {
    json!({ "lien": kin.word(), "bits": in_bits(rarity) })
}

/// A weight in bits.
pub fn in_bits(weight: Centibits) -> f64 {
    f64::from(weight) / 100.0
}

/// Every value a person's claims state of a trait.
pub fn values(canon: &Canon, person: &KnownPerson, of: Trait) -> String {
    if of == Trait::Sources {
        return sources(person).join(", ");
    }
    let mut values: Vec<String> = Vec::new();
    for statement in &person.statements {
        let fields = of.fields().iter().filter_map(|path| canon.find(path));
        let stated = fields.filter_map(|field| statement.stated.get(field));
        let mut text: Vec<String> = stated.map(|(value, _)| plain(&value.to_json(canon))).collect();
        text.dedup();
        let text = text.join(" ");
        if !text.is_empty() && !values.contains(&text) {
            values.push(text);
        }
    }
    values.join(" / ")
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Json::Object(members) => members.values().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// Who somebody is, in a few words.
pub fn name(canon: &Canon, person: &KnownPerson) -> String {
    let paths =
        ["identite.nom_naissance", "identite.nom_usage", "identite.prenoms", "identite.date_naissance"];
    let stated = paths.iter().filter_map(|path| person.state.get(canon.find(path)?));
    let mut words: Vec<&str> = stated.filter_map(|(value, _)| value.as_text()).collect();
    words.dedup();
    format!("{} ({})", words.join(" "), sources(person).join(", "))
}

/// Who states a person.
fn sources(person: &KnownPerson) -> Vec<&str> {
    let mut sources: Vec<&str> =
        person.statements.iter().map(|statement| statement.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}
