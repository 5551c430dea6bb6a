//! What guards ask while they look on spares the run the same questions, and changes nobody: with and without them, nights are
//! taken in to the same persons, also when records come again and again within one file.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, figures, household, made, monthly};

/// More than are looked at at once, and on a night that changes much more than are taken in at once.
const DOSSIERS: usize = 5_000;
/// Dossiers that are stated again at the end, and otherwise in between: not in the batch they stand in first, nor near the last.
const TWICE: usize = 40;
const BETWEEN: usize = 1_500;
/// States a dossier turns to, none of which ends the right.
const STATES: [&str; 3] = ["2", "3", "4"];

/// How each dossier stands.
struct World {
    states: Vec<usize>,
    chance: StdRng,
}

impl World {
    fn begin(seed: u64) -> Self {
        Self { states: vec![0; DOSSIERS], chance: StdRng::seed_from_u64(seed) }
    }

    /// The next night, on which one dossier in so many changes; some stand in the file twice or thrice, in other states or their own.
    fn night(&mut self, day: &str, one_in: usize) -> Vec<u8> {
        let mut rows: Vec<(usize, usize)> = Vec::new();
        for (dossier, state) in self.states.iter_mut().enumerate() {
            if self.chance.random_range(0..one_in) == 0 {
                *state = (*state + 1) % STATES.len();
            }
            rows.push((dossier, *state));
        }
        for _ in 0..DOSSIERS / 50 {
            let (dossier, at) =
                (self.chance.random_range(0..DOSSIERS), self.chance.random_range(0..=rows.len()));
            rows.insert(at, (dossier, self.chance.random_range(0..STATES.len())));
        }
        // Unchanged, otherwise, and unchanged again, further apart than there are batches on their way.
        for (dossier, state) in
            self.states.iter().enumerate().take(TWICE).map(|(dossier, state)| (dossier, *state))
        {
            rows.insert(BETWEEN, (dossier, (state + 1) % STATES.len()));
            rows.push((dossier, state));
        }
        let written: Vec<String> = rows.iter().map(|(dossier, state)| written(*dossier, *state)).collect();
        monthly(&made(day, "01:00:00"), written.len(), &written)
    }
}

fn written(dossier: usize, state: usize) -> String {
    let letter = |digit: u8| char::from(digit - b'0' + b'A');
    let name: String = format!("{dossier:05}").bytes().map(letter).collect();
    let state = STATES.get(state).copied().unwrap_or_default();
    household(&format!("1{dossier:06}"), "521", state, &[Member { name: &name, nir: "", ..PAUL }])
}

/// What is known of everybody. How many events told it depends on where batches end, where a file says one thing and another in turns.
fn known(hub: &Hub) -> Vec<String> {
    let of = |change: &Json| format!("{} {}", change["champ"], change["apres"]);
    let person = |event: &Json| -> String {
        let changes = event.pointer("/data/changements").and_then(Json::as_array);
        changes.into_iter().flatten().map(of).collect::<Vec<_>>().join(" ")
    };
    let mut persons: Vec<String> = hub.ask(&["events", "snapshot"]).json().iter().map(person).collect();
    persons.sort();
    persons
}

#[test]
fn nights_are_taken_in_as_without_guards() {
    let (guarded, unguarded) = (Hub::fresh(), Hub::unguarded("caf"));
    let mut world = World::begin(11);
    for (day, one_in) in [("2026-01-31", 1_000), ("2026-02-28", 50), ("2026-03-31", 2), ("2026-04-30", 50)] {
        let bytes = world.night(day, one_in);
        let name = format!("{day}.xml");
        let [with, without] = [&guarded, &unguarded].map(|hub| hub.deliver("caf", &name, &bytes));
        assert_eq!(with["status"], "done", "{with}");
        let counted = ["records", "persons", "gone"];
        assert_eq!(figures(&with, counted), figures(&without, counted), "{day}");
        let [with, without] = [&guarded, &unguarded].map(known);
        assert_eq!(with.len(), DOSSIERS);
        let differ = with.iter().zip(&without).filter(|(with, without)| with != without).count();
        assert_eq!(differ, 0, "{day}");
    }
}
