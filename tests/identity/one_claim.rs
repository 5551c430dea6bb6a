//! What it costs to find whom one new claim speaks of, in a small store and in a large one.
//!
//! The CAF's labelled extract fills an SQLite store; then one household after the other, each of a person France Travail knows too,
//! is taken in as a delivery of its own. Half of them took no longer than the figure.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use hub::installation;
use hub::settings::Settings;
use hub::sources::Sources;
use hub_core::pipeline::{Order, Pipeline};

use crate::write;

/// Claims that are timed, and those before that are not.
const CLAIMS: usize = 200;
const WARMING: usize = 20;

/// A person as France Travail writes it.
struct Person {
    name: String,
    given: String,
    born: String,
}

/// Prints the median of each size, and how they compare.
pub async fn in_stores(folder: &Path, sizes: [u64; 2]) {
    let mut medians = [0.0; 2];
    for (place, size) in medians.iter_mut().zip(sizes) {
        let folder = folder.join(format!("store-{size}"));
        std::fs::create_dir(&folder).expect("a folder");
        *place = median(&folder, size).await;
        std::fs::remove_dir_all(&folder).expect("a folder");
    }
    let ([small, large], [few, many]) = (medians, sizes);
    eprintln!("{} times the persons: {:.2} times the time of a claim", many / few, large / small);
}

async fn median(folder: &Path, size: u64) -> f64 {
    let data = folder.join("data");
    write(&data, size, "none");
    let settings = Settings::at(folder.join("home"));
    let pipeline = installation::pipeline(&settings).await.expect("a hub");
    let (loading, _) = deliver(&pipeline, &data.join("caf-vrsb0801-n1.xml")).await;
    let (persons, claims, _) = pipeline.store.sizes().await.expect("sizes");
    let known = people(&data.join("france-travail-spie-principal-n1.csv"));
    let mut times = Vec::new();
    for (number, person) in known.iter().enumerate() {
        let file = folder.join(format!("one-{number}.xml"));
        std::fs::write(&file, household(number, person)).expect("a file");
        times.push(deliver(&pipeline, &file).await);
    }
    let mut after = times.split_off(WARMING.min(times.len()));
    let found = after.iter().filter(|(_, made)| *made == 0).count();
    after.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let at = |share: usize| after.get(after.len() * share / 100).map(|(seconds, _)| seconds * 1_000.0);
    let (half, most) = (at(50).unwrap_or_default(), at(95).unwrap_or_default());
    eprintln!(
        "one claim, SQLite, {persons} persons, {claims} claims (filled in {loading:.0} s): {half:.2} ms, 95 in 100 within \
         {most:.2} ms, {found} of {} found somebody",
        after.len()
    );
    half
}

/// Takes a file in; how long it took, and how many persons it made.
async fn deliver(pipeline: &Pipeline, file: &Path) -> (f64, u64) {
    let start = Instant::now();
    let received = installation::receive(pipeline, &Sources::default(), "caf", file).await.expect("received");
    let mut made = 0;
    for delivery in received {
        let report = pipeline.run(Order::new(delivery), &()).await.expect("a run");
        assert!(report.run.is_some(), "{:?}", report.status);
        made += report.counts.persons;
    }
    (start.elapsed().as_secs_f64(), made)
}

/// Persons spread over the whole of France Travail's extract.
fn people(file: &Path) -> Vec<Person> {
    let text = std::fs::read_to_string(file).expect("the extract");
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().expect("a header").split(';').collect();
    let column = |name: &str| columns.iter().position(|column| *column == name).expect("a column");
    let at = ["nom", "prenom", "date_naissance"].map(column);
    let lines: Vec<&str> = lines.collect();
    let step = (lines.len() / (CLAIMS + WARMING)).max(1);
    let person = |line: &&str| {
        let cells: Vec<&str> = line.split(';').collect();
        let [name, given, born] = at.map(|column| cells.get(column).copied().unwrap_or_default().to_owned());
        Person { name, given, born: born.chars().take(10).collect() }
    };
    lines.iter().step_by(step).take(CLAIMS + WARMING).map(person).collect()
}

/// A household of one person, of another fund and number than any before.
fn household(number: usize, Person { name, given, born }: &Person) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "<Racine><IdentificationFlux><APPLIEME>CRI</APPLIEME><TYPEFLUX>I</TYPEFLUX><NATFLUX>D</NATFLUX>\
<DTCREAFLUX>2026-03-03</DTCREAFLUX><HEUCREAFLUX>01:00:00</HEUCREAFLUX><DTREF>2026-02-28</DTREF></IdentificationFlux>\
<InfosFoyerRSA><IdentificationRSA><Organisme><FONORG>CAF</FONORG><NUMORG>{:03}</NUMORG>\
<MATRICULE>9{number:06}00000000</MATRICULE></Organisme><DemandeRSA><NUMDEMRSA>09{number:06}052</NUMDEMRSA></DemandeRSA>\
</IdentificationRSA><Personne><Identification><NOM>{name}</NOM><NOMNAI>{name}</NOMNAI><PRENOM>{given}</PRENOM>\
<DTNAI>{born}</DTNAI><TYPEDTNAI>N</TYPEDTNAI></Identification><Prestations><NATPREST>RSA</NATPREST>\
<ROLEPERS>DEM</ROLEPERS><TOPCHAPERS>1</TOPCHAPERS></Prestations></Personne><PrestationRSA><SituationDossierRSA>\
<EtatDossierRSA><ETATDOSRSA>2</ETATDOSRSA></EtatDossierRSA></SituationDossierRSA></PrestationRSA></InfosFoyerRSA>\
<TransmissionFlux><NBTOTDOSRSATRANSM>00000001</NBTOTDOSRSATRANSM></TransmissionFlux></Racine>",
        600 + number % 300
    );
    text
}
