//! What the generator promises: same plan, same bytes; a night changes what it says and nothing else; faults are few.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use hub_core::canonical::nir;
use hub_core::code::Code;

use super::{Extract, Fault, Plan, write};

const HOUSEHOLDS: u64 = 5_000;

fn plan(night: u32) -> Plan {
    Plan { households: HOUSEHOLDS, seed: 1, night, changed_per_million: 20_000 }
}

fn written(plan: &Plan) -> (tempfile::TempDir, Vec<Extract>) {
    let folder = tempfile::tempdir().expect("a folder");
    let extracts = write(plan, folder.path(), &|_| {}).expect("files written");
    (folder, extracts)
}

fn text(file: &Path) -> String {
    fs::read(file).expect("a file").iter().map(|byte| char::from(*byte)).collect()
}

/// The households of a snapshot, by demand number.
fn foyers(file: &Path) -> HashMap<String, String> {
    let text = text(file);
    let foyers = text.split("<InfosFoyerRSA>").skip(1).map(|foyer| {
        let foyer = foyer.split("</InfosFoyerRSA>").next().unwrap_or_default();
        let key = between(foyer, "<NUMDEMRSA>", "</NUMDEMRSA>").next().unwrap_or_default();
        (key.to_owned(), foyer.to_owned())
    });
    foyers.collect()
}

fn between<'t>(text: &'t str, before: &'t str, after: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(before).skip(1).filter_map(move |rest| rest.split(after).next())
}

#[test]
fn the_same_plan_gives_the_same_bytes_and_another_seed_others() {
    let ((_one, first), (_two, second)) = (written(&plan(2)), written(&plan(2)));
    let (_three, other) = written(&Plan { seed: 2, ..plan(2) });
    for ((a, b), c) in first.iter().zip(&second).zip(&other) {
        assert_eq!(fs::read(&a.file).ok(), fs::read(&b.file).ok());
        assert_ne!(fs::read(&a.file).ok(), fs::read(&c.file).ok());
        assert_eq!((a.records, a.faults, &a.planted), (b.records, b.faults, &b.planted));
    }
}

#[test]
fn a_night_changes_about_its_share_and_leaves_the_others_byte_for_byte() {
    let ((_one, first), (_two, second)) = (written(&plan(1)), written(&plan(2)));
    let (before, after) = (foyers(&first[0].file), foyers(&second[0].file));
    assert_eq!(before.len() as u64, HOUSEHOLDS);
    let changed =
        before.iter().filter(|(key, foyer)| after.get(*key).is_some_and(|now| now != *foyer)).count();
    let gone = before.keys().filter(|key| !after.contains_key(*key)).count();
    let come = after.keys().filter(|key| !before.contains_key(*key)).count();
    assert!((60..=120).contains(&changed), "{changed} changed");
    assert!((1..=15).contains(&gone), "{gone} gone");
    assert_eq!(come, 5);
}

#[test]
fn changes_accumulate_from_night_to_night() {
    let nights = [1, 2, 3].map(|night| written(&plan(night)));
    let [one, two, three] = nights.each_ref().map(|(_, extracts)| foyers(&extracts[0].file));
    let moved = |a: &HashMap<String, String>, b: &HashMap<String, String>| -> HashSet<String> {
        a.iter().filter(|(key, foyer)| b.get(*key) != Some(foyer)).map(|(key, _)| key.clone()).collect()
    };
    let (second, third) = (moved(&one, &two), moved(&two, &three));
    let kept = second.difference(&third).filter(|key| two.get(*key) == three.get(*key)).count();
    assert!(kept > second.len() / 2, "what night 2 changed, night 3 keeps");
    assert!(third.len() < 150, "{} changed on night 3", third.len());
}

#[test]
fn nirs_are_valid_except_the_planted_ones() {
    let (_folder, extracts) = written(&plan(1));
    let text = text(&extracts[0].file);
    let wrong = between(&text, "<NIR>", "</NIR>").filter_map(|nir| nir::parse(nir).err());
    let mut keys = 0;
    for code in wrong {
        assert_eq!(code, Code::WrongNirKey);
        keys += 1;
    }
    let planted = extracts[0].planted.iter().find(|planted| planted.fault == Fault::WrongNirKey);
    assert_eq!(planted.map(|planted| planted.records), Some(keys));
}

#[test]
fn faults_are_about_two_in_a_thousand_and_totals_are_true() {
    let (_folder, extracts) = written(&Plan { households: 20_000, ..plan(1) });
    for extract in &extracts {
        let share = extract.faults * 10_000 / extract.records;
        assert!((8..=36).contains(&share), "{}: {share} in ten thousand", extract.file.display());
    }
    let total = format!("<NBTOTDOSRSATRANSM>{:08}<", extracts[0].records);
    assert!(text(&extracts[0].file).contains(&total));
}
