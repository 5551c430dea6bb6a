//! Small worlds full of namesakes, twins and mistakes: three sources that deliver twice each, in whatever interleaving, leave the same
//! persons with the same values, also when rulings were made in between and taken back. A world is drawn from its seed; `DLNUF_TEST_WORLDS` asks for more of them.

use hub::installation::pipeline;
use hub::settings::Settings;
use hub_core::delivery::PersonId;
use hub_core::pipeline::{Order, Pipeline, RulingError, Verdict};
use hub_core::ruling::Word;
use uuid::Uuid;

use crate::support::extracts::{Member, household, made, monthly};
use crate::support::population::{everybody, known};
use crate::support::received;

const WORLDS: u64 = 24;
const INTERLEAVINGS: usize = 4;

/// Chance that only the seed decides.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).expect("small")]
    }
}

/// Somebody, as somebody writes them.
#[derive(Clone, PartialEq)]
struct Row {
    id: u64,
    name: &'static str,
    given: &'static str,
    born: &'static str,
    nir: String,
}

const NAMES: [&str; 5] = ["LEGRAND", "LEGRANT", "VERDIER", "DUPONT MARTIN", "DUPONT"];
const GIVEN: [&str; 7] = ["MARIE", "MARIE LOUISE", "LOUISE", "MARIE ANNE", "PAUL", "JEAN", "JEANNE"];
const BORN: [&str; 5] = ["1980-01-01", "1980-02-03", "1980-03-02", "1980-02-13", "1991-06-17"];

fn somebody(dice: &mut Dice, id: u64) -> Row {
    let nir = if dice.percent(60) { format!("28001521210{id:02}") } else { String::new() };
    Row { id, name: dice.one(&NAMES), given: dice.one(&GIVEN), born: dice.one(&BORN), nir }
}

/// As a source writes somebody: mostly right.
fn written(dice: &mut Dice, truth: &Row, source: usize) -> Row {
    let mut row = truth.clone();
    if dice.percent(15) {
        row.name = dice.one(&NAMES);
    }
    if dice.percent(15) {
        row.given = dice.one(&GIVEN);
    }
    if dice.percent(15) {
        row.born = dice.one(&BORN);
    }
    if source == 1 && dice.percent(30) {
        row.nir.clear();
    }
    row
}

/// A source's two deliveries.
fn nights(dice: &mut Dice, persons: &[Row], source: usize) -> [Vec<Row>; 2] {
    let first: Vec<Row> = persons.iter().filter(|_| dice.percent(75)).cloned().collect();
    let first: Vec<Row> = first.iter().map(|truth| written(dice, truth, source)).collect();
    let mut second = Vec::new();
    for row in &first {
        match dice.below(10) {
            0 => {}
            1 | 2 => {
                let truth = persons.iter().find(|truth| truth.id == row.id).expect("somebody");
                second.push(written(dice, truth, source));
            }
            _ => second.push(row.clone()),
        }
    }
    [first, second]
}

fn file(source: usize, night: usize, rows: &[Row]) -> (&'static str, Vec<u8>) {
    let day = ["2026-03-05", "2026-04-05"][night];
    match source {
        0 => {
            let dossier = |row: &Row| {
                let Row { id, name, given, born, nir } = row;
                let member = Member { role: "DEM", name, given, born, rank: "", nir };
                household(&format!("20559{id:02}"), "521", "2", &[member]).replace("<RGNAI></RGNAI>", "")
            };
            let dossiers: Vec<String> = rows.iter().map(dossier).collect();
            ("caf", monthly(&made(day, "01:00:00"), dossiers.len(), &dossiers))
        }
        1 => {
            let row = |row: &Row| {
                let born: Vec<&str> = row.born.split('-').rev().collect();
                format!("{};{};{};{};SI-{}\n", row.name, row.given, born.join("/"), row.nir, row.id)
            };
            let rows: String = rows.iter().map(row).collect();
            let head = "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;NIR;ID IODAS\n";
            ("departement", format!("{head}{rows}").into_bytes())
        }
        _ => {
            let row = |row: &Row| {
                format!("de-{};{};{};{} 00:00:00.0;1;SUI\n", row.id, row.name, row.given, row.born)
            };
            let rows: String = rows.iter().map(row).collect();
            let head = "identifiant_unique_de;nom;prenom;date_naissance;categorie_inscription;modalite_accompagnement\n";
            ("france-travail", format!("{head}{rows}").into_bytes())
        }
    }
}

/// Which source delivers when: each twice.
fn interleaving(dice: &mut Dice) -> Vec<usize> {
    let (mut left, mut order) = ([2, 2, 2], Vec::new());
    while order.len() < 6 {
        let source = usize::try_from(dice.below(3)).expect("small");
        if left[source] > 0 {
            left[source] -= 1;
            order.push(source);
        }
    }
    order
}

/// Who delivers what, in turn.
struct World {
    files: [[Vec<Row>; 2]; 3],
}

impl World {
    fn drawn(dice: &mut Dice) -> Self {
        let count = 3 + dice.below(4);
        let persons: Vec<Row> = (0..count).map(|id| somebody(dice, id)).collect();
        Self { files: [0, 1, 2].map(|source| nights(dice, &persons, source)) }
    }

    /// What is known once all has come; `dice` are for rulings made between deliveries, each taken back in the end.
    async fn played(&self, order: &[usize], mut dice: Option<&mut Dice>) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let hub = pipeline(&Settings::at(folder.path().join("home"))).await.expect("an installation");
        let (mut night, mut rulings) = ([0, 0, 0], Vec::new());
        for source in order {
            let rows = &self.files[*source][night[*source]];
            let (name, bytes) = file(*source, night[*source], rows);
            night[*source] += 1;
            if rows.is_empty() {
                continue;
            }
            let path = folder.path().join(format!("{source}-{}", night[*source]));
            std::fs::write(&path, bytes).expect("a file");
            let delivery = received(&hub, name, &path).await;
            let report = hub.run(Order::new(delivery), &()).await.expect("a run");
            assert_ne!(report.status, hub_core::delivery::Status::Held, "{order:?}");
            if let Some(dice) = &mut dice {
                rulings.extend(ruled(&hub, dice).await);
            }
        }
        while let (Some(dice), false) = (&mut dice, rulings.is_empty()) {
            let at = usize::try_from(dice.below(rulings.len() as u64)).expect("small");
            hub.rule(&Verdict::Undo(rulings.swap_remove(at)), word(), &()).await.expect("taken back");
        }
        known(&hub.canon, &everybody(hub.store.as_ref()).await.0)
    }
}

fn word() -> Word {
    Word { by: "agent".to_owned(), note: "essai".to_owned() }
}

/// A ruling on two persons, or on the claims of one, that chance chooses.
async fn ruled(hub: &Pipeline, dice: &mut Dice) -> Option<Uuid> {
    let persons = hub.store.people(PersonId(Uuid::nil()), 100).await.expect("persons");
    let one = dice.one(&persons);
    let verdict = if dice.percent(70) {
        let others: Vec<PersonId> = persons.into_iter().filter(|person| *person != one).collect();
        let other = if others.is_empty() { return None } else { dice.one(&others) };
        Verdict::Rule { persons: (one, other), one: dice.percent(60) }
    } else {
        let person = hub.store.persons(&[one]).await.expect("a person").pop().expect("a person");
        let mut claims: Vec<i64> = person.statements.iter().filter_map(|claim| claim.id).collect();
        let all = claims.len();
        claims.retain(|_| dice.percent(50));
        if claims.is_empty() || claims.len() == all {
            return None;
        }
        Verdict::Part { person: one, claims }
    };
    match hub.rule(&verdict, word(), &()).await {
        Ok(outcome) => Some(outcome.ruling.id),
        Err(RulingError::Ruled(_)) => None,
        Err(error) => panic!("a ruling: {error}"),
    }
}

/// The worlds tried.
fn worlds() -> std::ops::Range<u64> {
    let asked = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = asked("DLNUF_TEST_WORLD").unwrap_or(0);
    first..first + asked("DLNUF_TEST_WORLDS").unwrap_or(WORLDS)
}

#[tokio::test(flavor = "multi_thread")]
async fn rulings_made_between_deliveries_and_taken_back_leave_the_same_persons() {
    let mut differing = Vec::new();
    for seed in worlds() {
        let mut dice = Dice(seed);
        let world = World::drawn(&mut dice);
        let order = interleaving(&mut dice);
        let wanted = world.played(&order, None).await;
        let found = world.played(&order, Some(&mut dice)).await;
        if wanted != found {
            differing.push(format!("world {seed}: {order:?}: {} and {} persons", wanted.len(), found.len()));
        }
    }
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_sources_in_any_interleaving_leave_the_same_persons() {
    let (mut differing, mut compared) = (Vec::new(), 0);
    for seed in worlds() {
        let mut dice = Dice(seed);
        let world = World::drawn(&mut dice);
        let mut wanted: Option<(Vec<usize>, Vec<String>)> = None;
        for _ in 0..INTERLEAVINGS {
            let order = interleaving(&mut dice);
            let found = world.played(&order, None).await;
            let (before, wanted) = wanted.get_or_insert_with(|| (order.clone(), found.clone()));
            compared += 1;
            if *wanted != found {
                differing.push(format!(
                    "world {seed}: {before:?} and {order:?}: {} and {} persons",
                    wanted.len(),
                    found.len()
                ));
            }
        }
    }
    assert!(compared > 0);
    assert!(differing.is_empty(), "{} of {compared}:\n{}", differing.len(), differing.join("\n"));
}
