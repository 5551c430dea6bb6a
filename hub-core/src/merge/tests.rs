//! The explanation of a merge and the merge tell the same, whatever is stated by whom.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::{Criterion, Precedence, Verdict, explain, merge};
use crate::canonical::{Canon, Value};
use crate::delivery::{DeliveryId, PersonId, RunId};
use crate::statement::{Origin, Stated, Statement};

const SCHEMA: &str = r#"{"type":"object","properties":{
  "nom":{"type":"string","x-type":"nom","x-classification":"identifiant"},
  "dossier":{"type":"string","x-type":"identifiant","x-classification":"identifiant"},
  "nir":{"type":"string","x-type":"nir","x-classification":"identifiant"},
  "droit":{"type":"object","x-bloc":true,"properties":{
    "etat":{"type":"string","x-type":"texte","x-classification":"ordinaire"},
    "date":{"type":"string","x-type":"date","x-classification":"ordinaire"}}},
  "actions":{"type":"array","items":{"type":"object","properties":{
    "code":{"type":"string","x-type":"texte","x-classification":"ordinaire"}}}}}}"#;

fn canon() -> Canon {
    Canon::from_schema(SCHEMA).expect("a schema")
}

fn policy() -> Precedence {
    let order = |sources: &[&str]| sources.iter().map(|s| vec![(*s).to_owned()]).collect::<Vec<_>>();
    let fields =
        BTreeMap::from([("droit".to_owned(), order(&["caf", "cd"])), ("nom".to_owned(), order(&["cd"]))]);
    let preferred = BTreeMap::from([("droit.etat".to_owned(), vec!["ouvert".to_owned(), "clos".to_owned()])]);
    let dossiers = BTreeMap::from([("caf".to_owned(), vec!["dossier".to_owned()])]);
    Precedence::new(order(&["caf", "ft"]), fields).preferring(preferred).replacing(dossiers)
}

/// A claim of a source, stated on a day of March, of these fields.
fn claim(canon: &Canon, source: &str, day: u8, fields: &[(&str, &str)]) -> Statement {
    let origin = Origin {
        source: source.into(),
        emitter: source.into(),
        delivery: DeliveryId(Uuid::from_u128(u128::from(day))),
        record: 1,
        line: 1,
        mapping: "x/y@1".into(),
        valid_at: format!("2026-03-{day:02}").into(),
    };
    let mut values: Vec<_> = fields
        .iter()
        .map(|(path, text)| {
            let field = canon.find(path).expect("a field");
            let item = || vec![(canon.member(field, "code").expect("a member"), Value::text(text))];
            let value = if *path == "actions" { Value::List(vec![item()]) } else { Value::text(text) };
            (field, value)
        })
        .collect();
    values.sort_by_key(|(field, _)| *field);
    Statement {
        id: Some(i64::from(day)),
        person: PersonId(Uuid::nil()),
        source: source.into(),
        emitter: source.into(),
        record_key: format!("{source}{day}").into(),
        key: "".into(),
        record_hash: None,
        absent: false,
        run: RunId(Uuid::from_u128(u128::from(day))),
        stated: Stated::restated(None, values, &origin),
    }
}

/// What decided against each claim but the one believed, by its source and the source it lost to.
fn losses<'s>(canon: &'s Canon, claims: &[&'s Statement], path: &str) -> Vec<(&'s str, &'s str, Criterion)> {
    let accounts = explain(canon, &policy(), claims, canon.find(path).expect("a field"));
    let lost = |verdict| match verdict {
        Verdict::Lost(to, by) => Some((to, by)),
        _ => None,
    };
    let told = accounts.iter().filter_map(|account| {
        let (to, by) = lost(account.verdict)?;
        Some((account.statement.source.as_str(), to.source.as_str(), by))
    });
    told.collect()
}

#[test]
fn each_loss_is_told_by_what_decided_it() {
    let canon = canon();
    let of = |source, day, fields: &[(&str, &str)]| claim(&canon, source, day, fields);
    let silent = |claim: Statement| Statement { absent: true, ..claim };
    let open = of("caf", 1, &[("droit.etat", "ouvert")]);
    for (one, other, path, expected) in [
        (
            open.clone(),
            of("cd", 9, &[("droit.etat", "clos")]),
            "droit.etat",
            ("cd", "caf", Criterion::Authority),
        ),
        (
            open.clone(),
            of("caf", 9, &[("droit.etat", "clos")]),
            "droit.etat",
            ("caf", "caf", Criterion::Preference),
        ),
        (
            open.clone(),
            of("caf", 9, &[("droit.date", "2026")]),
            "droit.etat",
            ("caf", "caf", Criterion::Preference),
        ),
        (
            of("caf", 1, &[("nom", "A")]),
            of("caf", 2, &[("nom", "B")]),
            "nom",
            ("caf", "caf", Criterion::Recency),
        ),
        (
            of("caf", 1, &[("nom", "A")]),
            silent(of("caf", 2, &[("nom", "B")])),
            "nom",
            ("caf", "caf", Criterion::Standing),
        ),
        (
            of("ft", 1, &[("nir", "1850578006048")]),
            of("caf", 2, &[("nir", "7850578006048")]),
            "nir",
            ("caf", "ft", Criterion::Doubt),
        ),
        (
            of("caf", 1, &[("nom", "A")]),
            of("caf", 1, &[("nom", "B")]),
            "nom",
            ("caf", "caf", Criterion::Content),
        ),
    ] {
        assert_eq!(losses(&canon, &[&one, &other], path), [expected]);
        assert_eq!(losses(&canon, &[&other, &one], path), [expected]);
    }
}

fn verdicts<'s>(canon: &'s Canon, claims: &[&'s Statement], path: &str) -> Vec<(Option<i64>, Verdict<'s>)> {
    let accounts = explain(canon, &policy(), claims, canon.find(path).expect("a field"));
    accounts.iter().map(|account| (account.statement.id, account.verdict)).collect()
}

#[test]
fn a_dossier_that_is_over_is_told_as_such_and_lists_of_one_source_as_united() {
    let canon = canon();
    let over = claim(&canon, "caf", 1, &[("dossier", "1"), ("nom", "A")]);
    let over = Statement { absent: true, ..over };
    let now = claim(&canon, "caf", 2, &[("dossier", "2"), ("nom", "B")]);
    assert_eq!(
        verdicts(&canon, &[&over, &now], "nom"),
        [(Some(2), Verdict::Kept), (Some(1), Verdict::Forgotten)]
    );
    let (one, two) =
        (claim(&canon, "ft", 1, &[("actions", "a")]), claim(&canon, "ft", 2, &[("actions", "b")]));
    let wanted = [(Some(2), Verdict::Kept), (Some(1), Verdict::United)];
    assert_eq!(verdicts(&canon, &[&one, &two], "actions"), wanted);
    assert_eq!(verdicts(&canon, &[&one, &two], "actions[].code"), wanted);
    assert_eq!(verdicts(&canon, &[&one], "nom"), []);
}

fn claims() -> impl Strategy<Value = Vec<Statement>> {
    let field = prop::sample::select(vec![
        ("nom", "A"),
        ("nom", "B"),
        ("dossier", "1"),
        ("dossier", "2"),
        ("nir", "1850578006048"),
        ("nir", "7850578006048"),
        ("droit.etat", "ouvert"),
        ("droit.etat", "clos"),
        ("droit.date", "2026-01-01"),
        ("actions", "a"),
        ("actions", "b"),
    ]);
    let fields = prop::collection::btree_map(field, Just(()), 0..6);
    let source = prop::sample::select(vec!["caf", "ft", "cd", "autre"]);
    let one = (source, 1..6_u8, fields, any::<bool>()).prop_map(|(source, day, fields, absent)| {
        let mut by_path: BTreeMap<&str, &str> = BTreeMap::new();
        by_path.extend(fields.into_keys());
        let fields: Vec<_> = by_path.into_iter().collect();
        Statement { absent, ..claim(&canon(), source, day, &fields) }
    });
    prop::collection::vec(one, 1..6)
}

proptest! {
    #[test]
    fn the_claim_told_as_kept_is_the_one_the_state_holds(claims in claims()) {
        let canon = canon();
        let claims: Vec<&Statement> = claims.iter().collect();
        let state = merge(&canon, &policy(), &claims);
        for (field, named) in canon.fields().filter(|(_, field)| field.list.is_none()) {
            let accounts = explain(&canon, &policy(), &claims, field);
            let kept: Vec<_> = accounts.iter().filter(|a| a.verdict == Verdict::Kept).collect();
            prop_assert!(kept.len() <= 1);
            let told = kept.first().and_then(|account| account.statement.stated.get(field));
            let held = state.get(field);
            prop_assert_eq!(told.map(|(_, origin)| origin), held.map(|(_, origin)| origin), "{}", named.path);
            if named.list.is_none() && named.path != "actions" {
                prop_assert_eq!(told.map(|(value, _)| value), held.map(|(value, _)| value), "{}", named.path);
            }
        }
    }
}

#[test]
fn what_a_dossier_that_is_over_says_of_a_kept_section_stays_known_and_of_another_is_told_as_forgotten() {
    let canon = canon();
    let over = claim(
        &canon,
        "caf",
        1,
        &[("dossier", "1"), ("nir", "1850578006048"), ("nom", "A"), ("droit.etat", "ouvert")],
    );
    let over = Statement { absent: true, ..over };
    let now = claim(&canon, "caf", 2, &[("dossier", "2"), ("nom", "B")]);
    let known = |policy: &Precedence, path| {
        let state = merge(&canon, policy, &[&over, &now]);
        state.get(canon.find(path).expect("a field")).map(|(value, _)| value.clone())
    };
    let keeping = policy().keeping(vec!["nir".to_owned(), "nom".to_owned()]);
    assert_eq!(known(&keeping, "nir"), Some(Value::text("1850578006048")));
    assert_eq!(known(&keeping, "nom"), Some(Value::text("B")), "the dossier that goes on is believed");
    assert_eq!(known(&keeping, "droit.etat"), None);
    assert_eq!(known(&policy(), "nir"), None);
    assert_eq!(verdicts(&canon, &[&over, &now], "droit.etat"), [(Some(1), Verdict::Forgotten)]);
}
