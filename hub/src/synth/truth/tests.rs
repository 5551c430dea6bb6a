//! What labelled extracts promise: same wish, same bytes; every label names a record; noise keeps to its table; twins are there.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use hub_core::canonical::nir;

use super::super::fault::Fault;
use super::who::{Kin, Person, head};
use super::*;

const WISH: Wish = Wish { households: 12_000, seed: 1, noise: Noise::Real, nirs: Nirs::Two };

/// File, record, rank.
type Place = (String, u64, u64);

fn written(wish: &Wish) -> (tempfile::TempDir, Labelled) {
    let folder = tempfile::tempdir().expect("a folder");
    let labelled = write(wish, folder.path(), &|_| {}).expect("files written");
    (folder, labelled)
}

fn text(file: &Path) -> String {
    fs::read(file).expect("a file").iter().map(|byte| char::from(*byte)).collect()
}

/// The labels, by what they label.
fn labels(labelled: &Labelled) -> HashMap<Place, String> {
    let text = text(&labelled.truth);
    assert_eq!(text.lines().next(), Some("source,file,record,rank,person"));
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse().expect("a number");
        ((cells[1].to_owned(), number(2), number(3)), cells[4].to_owned())
    });
    rows.collect()
}

/// A column of a CSV extract with the label of each row that has one.
fn column(labelled: &Labelled, extract: usize, at: usize) -> Vec<(String, String)> {
    let (labels, file) = (labels(labelled), &labelled.extracts[extract].file);
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let text = text(file);
    let rows = text.lines().skip(1).zip(1..).filter_map(|(line, number)| {
        let label = labels.get(&(name.clone(), number, 1))?;
        Some((label.clone(), line.split(';').nth(at).unwrap_or_default().to_owned()))
    });
    rows.collect()
}

/// A tag of the CAF's adults, by label.
fn tag(labelled: &Labelled, tag: &str) -> Vec<(String, String)> {
    let (labels, text) = (labels(labelled), text(&labelled.extracts[0].file));
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let mut found = Vec::new();
    for (foyer, number) in text.split("<InfosFoyerRSA>").skip(1).zip(1..) {
        for (person, rank) in foyer.split("<Personne>").skip(1).zip(1..) {
            let Some(label) = labels.get(&("caf-vrsb0801-n1.xml".to_owned(), number, rank)) else { continue };
            let value = person.split(&open).nth(1).and_then(|rest| rest.split(&close).next());
            found.push((label.clone(), value.unwrap_or_default().to_owned()));
        }
    }
    found
}

#[test]
fn the_same_wish_gives_the_same_bytes_and_another_seed_others() {
    let ((_one, first), (_two, second)) = (written(&WISH), written(&WISH));
    let (_three, other) = written(&Wish { seed: 2, ..WISH });
    let files = |labelled: &Labelled| {
        let extracts = labelled.extracts.iter().map(|extract| extract.file.clone());
        extracts
            .chain([labelled.truth.clone()])
            .map(|file| fs::read(file).expect("a file"))
            .collect::<Vec<_>>()
    };
    assert_eq!(files(&first), files(&second));
    assert!(files(&first).iter().zip(files(&other)).all(|(a, b)| *a != b));
}

#[test]
fn every_record_that_is_no_fault_has_its_labels_and_every_label_its_record() {
    let (_folder, labelled) = written(&WISH);
    let labels = labels(&labelled);
    assert_eq!(labels.len() as u64, labelled.rows, "no claim is labelled twice");
    for extract in &labelled.extracts {
        let name = extract.file.file_name().expect("a name").to_string_lossy();
        let records: HashSet<u64> =
            labels.keys().filter(|(file, ..)| *file == name).map(|(_, record, _)| *record).collect();
        assert!(records.iter().all(|record| (1..=extract.records).contains(record)), "{name}");
        let refused = extract.planted.iter().filter(|planted| Fault::refuses(planted.fault));
        let refused: u64 = refused.map(|planted| planted.records).sum();
        assert_eq!(records.len() as u64, extract.records - refused, "{name}");
    }
}

#[test]
fn labels_line_up_with_the_persons_of_a_household() {
    let (_folder, labelled) = written(&Wish { noise: Noise::Calm, ..WISH });
    let caf: HashMap<String, String> = tag(&labelled, "NIR").into_iter().collect();
    let stated = column(&labelled, 3, 4);
    let known: Vec<_> = stated.iter().filter_map(|(label, nir)| Some((caf.get(label)?, nir))).collect();
    let same = known.iter().filter(|(caf, nir)| caf.get(..13) == nir.get(..13)).count();
    assert!(known.len() > 3_000 && same * 100 > known.len() * 98, "{same} of {}", known.len());
}

#[test]
fn sources_overlap_and_some_persons_are_in_one_only() {
    let (_folder, labelled) = written(&WISH);
    let mut sources: HashMap<String, HashSet<String>> = HashMap::new();
    for line in text(&labelled.truth).lines().skip(1) {
        let (source, label) = (line.split(',').next(), line.rsplit(',').next());
        sources.entry(label.unwrap_or_default().to_owned()).or_default().extend(source.map(str::to_owned));
    }
    let share =
        |source: &str| sources.values().filter(|of| of.contains(source)).count() * 100 / sources.len();
    assert!((89..=94).contains(&share("caf")), "{}", share("caf"));
    assert!((52..=60).contains(&share("france-travail")), "{}", share("france-travail"));
    assert!((33..=40).contains(&share("departement")), "{}", share("departement"));
    let alone = sources.values().filter(|of| of.len() == 1 && !of.contains("caf")).count();
    assert!(alone * 100 > sources.len() * 2, "{alone}");
}

#[test]
fn no_file_holds_a_nir_when_none_is_wished_and_the_departement_always_when_two_are() {
    let (_folder, none) = written(&Wish { nirs: Nirs::None, ..WISH });
    assert!(!text(&none.extracts[0].file).contains("<NIR>"));
    assert!(column(&none, 3, 4).iter().all(|(_, nir)| nir.is_empty()));
    let numbers = none.extracts.iter().flat_map(|extract| extract.planted.iter());
    assert!(numbers.into_iter().all(|planted| !planted.fault.is_of_nir()));
    let (_folder, two) = written(&WISH);
    assert!(column(&two, 3, 4).iter().all(|(_, nir)| nir.len() >= 7));
    let (_folder, all) = written(&Wish { nirs: Nirs::All, ..WISH });
    let missing = column(&all, 3, 4).iter().filter(|(_, nir)| nir.is_empty()).count();
    assert!(missing * 100 > column(&all, 3, 4).len() * 25);
}

#[test]
fn at_the_caf_a_nir_is_one_persons() {
    let (_folder, labelled) = written(&WISH);
    let mut owners: HashMap<String, String> = HashMap::new();
    for (label, nir) in tag(&labelled, "NIR") {
        let number = nir.get(..13).expect("a number").to_owned();
        assert_eq!(owners.entry(number).or_insert_with(|| label.clone()), &label);
        assert!(nir.ends_with("00") || nir::parse(&nir).is_ok(), "only a planted key is wrong");
    }
}

#[test]
fn noise_strikes_about_as_often_as_its_table_says() {
    for noise in [Noise::Calm, Noise::Real, Noise::Harsh] {
        let (_folder, labelled) = written(&Wish { noise, nirs: Nirs::All, ..WISH });
        for kind in Kind::all() {
            for source in Source::ALL {
                let (could, did) = labelled.tally.of(kind, source);
                let (declared, measured) = (could * u64::from(kind.share(noise, source)), did * 10_000);
                // Five deviations of what chance leaves, and a little for small numbers.
                let spread = 5 * (declared * 10_000).isqrt() + 60_000;
                let word = (kind.word(), source.word());
                assert!(declared.abs_diff(measured) <= spread, "{word:?}: {did} of {could}");
            }
        }
    }
}

#[test]
fn more_noise_leaves_fewer_birth_dates_alike() {
    let differing = [Noise::Calm, Noise::Real, Noise::Harsh].map(|noise| {
        let (_folder, labelled) = written(&Wish { noise, ..WISH });
        let caf: HashMap<String, String> = tag(&labelled, "DTNAI").into_iter().collect();
        let stated = column(&labelled, 1, 6);
        let both = stated.iter().filter_map(|(label, born)| Some((caf.get(label)?, born.get(..10)?)));
        both.filter(|(caf, stated)| caf.as_str() != *stated).count()
    });
    let [calm, real, harsh] = differing;
    assert!(calm * 2 < real && real * 2 < harsh, "{differing:?}");
}

#[test]
fn twins_share_all_but_their_given_names_and_their_nirs_are_neighbours() {
    let twins: Vec<(Person, Person)> = (0..80_000)
        .filter_map(|number| {
            let (person, kin) = head(3, number);
            (kin == Some(Kin::Twin)).then(|| (head(3, number - 1).0, person))
        })
        .collect();
    // Of some 104 000 persons, 1.5 in a hundred.
    assert!((650..=950).contains(&twins.len()), "{}", twins.len());
    for (one, other) in &twins {
        assert_eq!((&one.birth_name, one.born), (&other.birth_name, other.born));
        assert_eq!(one.birthplace.insee, other.birthplace.insee);
        assert_ne!(one.given[0], other.given[0]);
        let order = |person: &Person| person.nir[10..].parse::<u32>().expect("an order");
        assert_eq!(order(one) + 1, order(other));
    }
    let alike =
        twins.iter().filter(|(one, other)| one.given[0].chars().next() == other.given[0].chars().next());
    assert!(alike.count() * 10 > twins.len() * 3);
}

#[test]
fn namesakes_of_the_day_are_born_elsewhere_and_sons_later() {
    let mut met = HashSet::new();
    for number in 0..80_000 {
        let (person, kin) = head(3, number);
        let root = head(3, who::root_of(number)).0;
        match kin {
            Some(Kin::NamesakeOfTheDay) => {
                assert_eq!((&person.birth_name, &person.given[0]), (&root.birth_name, &root.given[0]));
                assert_eq!(person.born, root.born);
                assert_ne!(person.birthplace.name, root.birthplace.name);
                met.insert("namesake of the day");
            }
            Some(Kin::Son) => {
                assert_eq!((&person.birth_name, &person.given[0]), (&root.birth_name, &root.given[0]));
                assert_eq!(person.born.year, root.born.year + 25);
                met.insert("son");
            }
            Some(Kin::Sibling) => {
                assert_eq!((&person.birth_name, person.born.year), (&root.birth_name, root.born.year + 1));
                met.insert("sibling");
            }
            _ => {}
        }
    }
    assert_eq!(met.len(), 3, "{met:?}");
}

#[test]
fn surnames_have_a_long_tail() {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for rank in 0..100_000 {
        *counts.entry(Person::alone(7, rank).birth_name).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or_default();
    assert!((150..=600).contains(&most), "{most} of 100 000");
    assert!(counts.len() > 25_000, "{}", counts.len());
}
