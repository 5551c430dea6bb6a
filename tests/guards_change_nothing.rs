//! What guards ask while they look on spares the run the same questions, and changes nothing: with and without them, nights are
//! taken in to the same persons and the same events, also when records come again and again within one file.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, figures, household, made, monthly};

/// More than are looked at at once, and on a night that changes much more than are taken in at once.
const DOSSIERS: usize = 5_000;
/// Dossiers that are stated again at the end, and otherwise in between.
const TWICE: usize = 40;
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
            rows.insert(TWICE * 2, (dossier, (state + 1) % STATES.len()));
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

/// What there is to compare of events: what is said, and of which record; deliveries are called otherwise in each hub.
fn said(events: &[Json]) -> Vec<String> {
    let of = |event: &Json, at: &str| event.pointer(at).cloned().unwrap_or_default();
    let parts = ["/type", "/sequence", "/data/provenance/enregistrement", "/data/changements"];
    let said = events.iter().map(|event| parts.map(|at| nameless(of(event, at)).to_string()).join(" "));
    let mut said: Vec<String> = said.collect();
    said.sort();
    said
}

fn nameless(mut said: Json) -> Json {
    let changes = said.as_array_mut().into_iter().flatten();
    for provenance in changes.filter_map(|change| change.get_mut("provenance")?.as_object_mut()) {
        provenance.remove("livraison");
    }
    said
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
        let counted = ["records", "unchanged", "changed", "persons", "gone", "events"];
        assert_eq!(figures(&with, counted), figures(&without, counted), "{day}");
    }
    assert_eq!(said(&guarded.events()), said(&unguarded.events()));
    let states = [&guarded, &unguarded].map(|hub| said(&hub.ask(&["events", "snapshot"]).json()));
    let [with, without] = &states;
    assert_eq!(with.len(), DOSSIERS);
    assert_eq!(with, without);
}
