//! Two persons side by side: what each is known by, how alike that is, what it weighs, and what either answer would do.

use anyhow::Context as _;
use hub_core::delivery::PersonId;
use hub_core::identity::{Comparison, Doubt, Trait};
use hub_core::pipeline::{Pipeline, Verdict};
use hub_core::ruling::Word;
use hub_core::store::KnownPerson;
use serde_json::Value as Json;

use super::told::{already_one, follows, in_words};
use super::{Two, bits, both, why};
use crate::cli::language::either;
use crate::cli::{Exit, Output, show};
use crate::court::Effect;
use crate::examining::{doubt, in_bits, in_both_cases, name, values};
use crate::installation;
use crate::settings::Settings;

pub(super) async fn run(two: Two, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
    let court = installation::court(settings).await?;
    let pipeline = &*court.pipeline;
    let persons = both(pipeline.store.as_ref(), (PersonId(two.one), PersonId(two.other))).await?;
    let find = |id| persons.iter().find(|person| person.id == PersonId(id));
    let missing =
        |id| either(format!("il n'y a pas de personne `{id}`"), format!("there is no person `{id}`"));
    let one = find(two.one).with_context(|| missing(two.one))?;
    let other = find(two.other).with_context(|| missing(two.other))?;
    if one.merged_into == Some(other.id) || other.merged_into == Some(one.id) {
        anyhow::bail!("{}", already_one(pipeline.store.as_ref(), (one.id, other.id)).await?);
    }
    if output == Output::Json {
        let answer = in_both_cases(&court, one, other).await.map_err(in_words)?;
        show::json_line(&Json::Object(answer));
        return Ok(Exit::Done);
    }
    let mut previews = Vec::new();
    for is_one in [true, false] {
        let verdict = Verdict::Rule { persons: (one.id, other.id), one: is_one };
        previews.push(court.preview(&verdict, Word::default()).await.map_err(in_words)?);
    }
    let compared = Comparison::of((&one.statements, &other.statements), &pipeline.identity, &pipeline.policy);
    let asked = doubt(pipeline.store.as_ref(), (one.id, other.id)).await?;
    for_people(pipeline, (one, other), &compared, (asked, &previews));
    Ok(Exit::Done)
}

fn for_people(
    pipeline: &Pipeline,
    (one, other): (&KnownPerson, &KnownPerson),
    compared: &Comparison,
    (doubt, previews): (Option<Doubt>, &[Effect]),
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
    let kin = compared.against.map(|(kin, rarity)| {
        let rare = format!("{:+.1}", in_bits(rarity));
        vec![
            either("parenté", "kinship").to_owned(),
            String::new(),
            String::new(),
            kin.word().to_owned(),
            rare,
        ]
    });
    let headings = either(
        ["trait", "l'une", "l'autre", "ressemblance", "bits"],
        ["trait", "one", "other", "likeness", "bits"],
    );
    show::table(&headings, rows.chain(kin).collect());
    let (link, review) = (bits(pipeline.policy.link), bits(pipeline.policy.review));
    let total = bits(compared.weight);
    show::line(either(
        format_args!(
            "En tout {total} ; rapprochées seules à partir de {link}, examinées à partir de {review}."
        ),
        format_args!("In all {total}; made one alone from {link}, asked about from {review}."),
    ));
    if !compared.shares_a_key && compared.weight >= pipeline.policy.review {
        show::line(uncompared());
    }
    if let Some(doubt) = doubt {
        show::line(either(format_args!("Pourquoi : {}.", why(doubt)), format_args!("Why: {}.", why(doubt))));
    }
    let [same, apart] = [0, 1].map(|at| previews.get(at).map(follows).unwrap_or_default());
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

/// Why nobody is asked about two who are alike.
fn uncompared() -> &'static str {
    either(
        "Le hub ne les a pas comparées : aucune clé de recherche ne leur est commune.",
        "The hub did not compare them: they share no look-up key.",
    )
}
