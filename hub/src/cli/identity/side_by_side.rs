//! Two persons side by side: what each is known by, how alike that is, what it weighs, and what either answer would do.

use std::sync::Arc;

use anyhow::Context as _;
use hub_core::canonical::Canon;
use hub_core::delivery::PersonId;
use hub_core::identity::{Comparison, Trait};
use hub_core::pipeline::{Pipeline, Verdict};
use hub_core::rehearsal::Rehearsal;
use hub_core::ruling::Word;
use hub_core::store::{KnownPerson, Store};
use serde_json::json;

use super::{Two, bits, both, in_bits, why};
use crate::cli::language::{counted, either};
use crate::cli::{Exit, Output, show};
use crate::installation;
use crate::settings::Settings;

pub(super) async fn run(two: Two, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
    let pipeline = installation::pipeline(settings).await?;
    let persons = both(pipeline.store.as_ref(), (PersonId(two.one), PersonId(two.other))).await?;
    let find = |id| persons.iter().find(|person| person.id == PersonId(id));
    let missing =
        |id| either(format!("il n'y a pas de personne `{id}`"), format!("there is no person `{id}`"));
    let one = find(two.one).with_context(|| missing(two.one))?;
    let other = find(two.other).with_context(|| missing(two.other))?;
    let compared = Comparison::of((&one.statements, &other.statements), &pipeline.identity, &pipeline.policy);
    let mut previews = Vec::new();
    for is_one in [true, false] {
        let verdict = Verdict::Rule { persons: (one.id, other.id), one: is_one };
        previews.push(preview(settings, &verdict).await?);
    }
    if output == Output::Json {
        in_json(&pipeline, (one, other), &compared, &previews);
    } else {
        for_people(&pipeline, (one, other), &compared, &previews);
    }
    Ok(Exit::Done)
}

/// The events a verdict would announce, on a store that only pretends.
pub(super) async fn preview(settings: &Settings, verdict: &Verdict) -> anyhow::Result<Vec<&'static str>> {
    let mut pipeline = installation::pipeline(settings).await?;
    pipeline.store = Arc::new(Rehearsal::over(Arc::clone(&pipeline.store))) as Arc<dyn Store>;
    let word = Word { by: String::new(), note: String::new() };
    Ok(pipeline.rule(verdict, word, &()).await.map_err(super::rule::in_words)?.events)
}

/// Events, counted, for people.
pub(super) fn events(kinds: &[&'static str]) -> String {
    let count = counted(kinds.len() as u64, ["événement", "événements"], ["event", "events"]);
    let mut names: Vec<&str> = kinds.iter().map(|kind| kind.trim_start_matches("fr.dlnuf.")).collect();
    names.dedup();
    if names.is_empty() { count } else { format!("{count} ({})", names.join(", ")) }
}

fn for_people(
    pipeline: &Pipeline,
    (one, other): (&KnownPerson, &KnownPerson),
    compared: &Comparison,
    previews: &[Vec<&'static str>],
) {
    let canon = &pipeline.canon;
    for person in [one, other] {
        show::line(format_args!("{}  {}", person.id, name(canon, person)));
    }
    let rows = Trait::ALL.into_iter().filter_map(|of| {
        let values = [one, other].map(|person| values(canon, person, of));
        if values.iter().all(String::is_empty) {
            return None;
        }
        let line = compared.lines.iter().find(|line| line.of == of);
        let [left, right] = values;
        let level = line.map_or("", |line| line.level).to_owned();
        let weight = line.map_or_else(String::new, |line| format!("{:+.1}", in_bits(line.weight)));
        Some(vec![of.word().to_owned(), left, right, level, weight])
    });
    let headings = either(
        ["trait", "l'une", "l'autre", "ressemblance", "bits"],
        ["trait", "one", "other", "likeness", "bits"],
    );
    show::table(&headings, rows.collect());
    let (link, review) = (bits(pipeline.policy.link), bits(pipeline.policy.review));
    let total = bits(compared.weight);
    show::line(either(
        format_args!(
            "En tout {total} ; rapprochées seules à partir de {link}, examinées à partir de {review}."
        ),
        format_args!("In all {total}; made one alone from {link}, asked about from {review}."),
    ));
    if let Some(Err(doubt)) = compared.relation.map(|relation| relation.found) {
        show::line(either(format_args!("Pourquoi : {}.", why(doubt)), format_args!("Why: {}.", why(doubt))));
    }
    let [same, apart] = [0, 1].map(|at| events(previews.get(at).map(Vec::as_slice).unwrap_or_default()));
    let ids = format!("{} {}", one.id, other.id);
    show::line(either(
        format_args!(
            "Une seule personne : {same}\n  dlnuf identity decide {ids} --one --note \"…\"\nDeux personnes : {apart}\n  dlnuf identity decide {ids} --two --note \"…\""
        ),
        format_args!(
            "One person: {same}\n  dlnuf identity decide {ids} --one --note \"…\"\nTwo persons: {apart}\n  dlnuf identity decide {ids} --two --note \"…\""
        ),
    ));
}

fn in_json(
    pipeline: &Pipeline,
    (one, other): (&KnownPerson, &KnownPerson),
    compared: &Comparison,
    previews: &[Vec<&'static str>],
) {
    let lines = compared.lines.iter().map(|line| {
        json!({ "trait": line.of.word(), "level": line.level, "bits": in_bits(line.weight),
            "one": values(&pipeline.canon, one, line.of), "other": values(&pipeline.canon, other, line.of) })
    });
    let doubt =
        compared.relation.and_then(|relation| relation.found.err()).map(hub_core::identity::Doubt::word);
    show::json_line(&json!({
        "persons": [one.id, other.id], "traits": lines.collect::<Vec<_>>(), "bits": in_bits(compared.weight),
        "link": in_bits(pipeline.policy.link), "review": in_bits(pipeline.policy.review), "doubt": doubt,
        "if_one": previews.first(), "if_two": previews.get(1),
    }));
}

/// Every value a person's claims state of a trait.
fn values(canon: &Canon, person: &KnownPerson, of: Trait) -> String {
    let mut values: Vec<String> = Vec::new();
    for statement in &person.statements {
        let fields = of.fields().iter().filter_map(|path| canon.find(path));
        let stated = fields.filter_map(|field| statement.stated.get(field));
        let text: Vec<String> = stated.map(|(value, _)| plain(&value.to_json(canon))).collect();
        let text = text.join(" ");
        if !text.is_empty() && !values.contains(&text) {
            values.push(text);
        }
    }
    values.join(" / ")
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        serde_json::Value::Object(members) => members.values().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// Who somebody is, in a few words.
pub(super) fn name(canon: &Canon, person: &KnownPerson) -> String {
    let paths =
        ["identite.nom_naissance", "identite.nom_usage", "identite.prenoms", "identite.date_naissance"];
    let stated = paths.iter().filter_map(|path| person.state.get(canon.find(path)?));
    let mut words: Vec<&str> = stated.filter_map(|(value, _)| value.as_text()).collect();
    words.dedup();
    let mut sources: Vec<&str> =
        person.statements.iter().map(|statement| statement.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    format!("{} ({})", words.join(" "), sources.join(", "))
}
