//! Small extracts with one corner each, and a hub to deliver them to. Every person is invented.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value as Json;

use super::program::{Ended, dlnuf};

/// What one member of a household is, as the CAF writes it.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    pub role: &'a str,
    pub name: &'a str,
    pub given: &'a str,
    pub born: &'a str,
    pub rank: &'a str,
    pub nir: &'a str,
}

pub const PAUL: Member<'static> = Member {
    role: "DEM",
    name: "VERDIER",
    given: "PAUL",
    born: "1980-01-02",
    rank: "1",
    nir: "1800152121009",
};
pub const JULIE: Member<'static> = Member {
    role: "CJT",
    name: "PETIT",
    given: "JULIE",
    born: "1982-05-06",
    rank: "1",
    nir: "1800152121009",
};

/// A dossier, in a state, of the body `521` or another.
pub fn household(dossier: &str, body: &str, state: &str, members: &[Member<'_>]) -> String {
    let mut persons = String::new();
    for Member { role, name, given, born, rank, nir } in members {
        let nir = if nir.is_empty() { String::new() } else { format!("<NIR>{nir}</NIR>") };
        let _ = write!(
            persons,
            "<Personne><Identification><NOM>{name}</NOM><NOMNAI>{name}</NOMNAI><PRENOM>{given}</PRENOM><DTNAI>{born}</DTNAI>\
<RGNAI>{rank}</RGNAI><TYPEDTNAI>N</TYPEDTNAI>{nir}</Identification><Prestations><NATPREST>RSA</NATPREST>\
<ROLEPERS>{role}</ROLEPERS><TOPCHAPERS>1</TOPCHAPERS></Prestations></Personne>"
        );
    }
    format!(
        "<InfosFoyerRSA><IdentificationRSA><Organisme><FONORG>CAF</FONORG><NUMORG>{body}</NUMORG><MATRICULE>{dossier}00000000\
</MATRICULE></Organisme><Partenaire><TYPEPARTE>CG </TYPEPARTE><IDEPARTE>052</IDEPARTE></Partenaire><DemandeRSA>\
<NUMDEMRSA>0{dossier}052</NUMDEMRSA></DemandeRSA></IdentificationRSA>{persons}<PrestationRSA><SituationDossierRSA>\
<EtatDossierRSA><ETATDOSRSA>{state}</ETATDOSRSA></EtatDossierRSA></SituationDossierRSA></PrestationRSA></InfosFoyerRSA>"
    )
}

/// A monthly file made on `created`, whose trailer announces `total` records.
pub fn monthly(created: &str, total: usize, households: &[String]) -> Vec<u8> {
    file("M", created, total, households)
}

/// A daily file.
pub fn daily(created: &str, households: &[String]) -> Vec<u8> {
    file("I", created, households.len(), households)
}

fn file(kind: &str, created: &str, total: usize, households: &[String]) -> Vec<u8> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"windows-1252\"?><Racine><IdentificationFlux><APPLIEME>CRI</APPLIEME>\
<TYPEFLUX>{kind}</TYPEFLUX><NATFLUX>D</NATFLUX>{created}<DTREF>2026-02-28</DTREF></IdentificationFlux>{}<TransmissionFlux>\
<NBTOTDOSRSATRANSM>{total:08}</NBTOTDOSRSATRANSM></TransmissionFlux></Racine>",
        households.concat()
    );
    text.into_bytes()
}

/// The header of a file made on a day at an hour.
pub fn made(day: &str, hour: &str) -> String {
    format!("<DTCREAFLUX>{day}</DTCREAFLUX><HEUCREAFLUX>{hour}</HEUCREAFLUX>")
}

/// A hub of its own, used as an operator would.
pub struct Hub(tempfile::TempDir);

impl Hub {
    pub fn fresh() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// One that holds nothing a source delivers for being unusual.
    pub fn unguarded(source: &str) -> Self {
        let hub = Self::fresh();
        let guards = "{ volume: off, rejects: off, closures: off, unknown_codes: off }";
        std::fs::create_dir_all(hub.home()).expect("a folder");
        let sources = format!("sources: {{ {source}: {{ guards: {guards} }} }}");
        std::fs::write(Path::new(&hub.home()).join("sources.yaml"), sources).expect("a file");
        hub
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn home(&self) -> String {
        self.0.path().join("hub").display().to_string()
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("a written file");
        path.display().to_string()
    }

    /// The report of one delivery.
    pub fn deliver(&self, source: &str, name: &str, bytes: &[u8]) -> Json {
        let file = self.file(name, bytes);
        let ended = self.ask(&["deliver", source, &file]);
        ended.json().pop().unwrap_or_else(|| panic!("a report: {}", ended.errors))
    }

    /// A command on this hub.
    pub fn ask(&self, command: &[&str]) -> Ended {
        let home = self.home();
        dlnuf(&[&["--home", &home, "--output", "json"][..], command].concat())
    }

    /// What is known of each person, those of one name together.
    pub fn persons(&self) -> Vec<Json> {
        let snapshot = self.ask(&["events", "snapshot"]).json();
        let known = |event: &Json| {
            let person = event.get("subject").and_then(Json::as_str).expect("a person").to_owned();
            self.ask(&["person", "show", &person]).json().pop().expect("a person")["dossier"].clone()
        };
        let mut persons: Vec<Json> = snapshot.iter().map(known).collect();
        persons.sort_by_key(|person| {
            ["/identite/nom_usage", "/identite/prenoms"].map(|at| person.pointer(at).map(Json::to_string))
        });
        persons
    }

    /// The journal, each event as its schema says.
    pub fn events(&self) -> Vec<Json> {
        let events = dlnuf(&["--home", &self.home(), "--output", "json", "events", "tail"]).json();
        let schema: Json =
            serde_json::from_str(include_str!("../../schemas/evenement/v1.json")).expect("JSON");
        let schema = jsonschema::validator_for(&schema).expect("a valid schema");
        for event in &events {
            let faults: Vec<String> =
                schema.iter_errors(event).map(|fault| fault.instance_path().to_string()).collect();
            assert!(faults.is_empty(), "an event is not what its schema says: {faults:?}");
        }
        events
    }

    /// The value a field of the only person whose name holds it was last announced with.
    pub fn last(&self, field: &str) -> Option<Json> {
        self.events().iter().rev().find_map(|event| {
            let changes = event.pointer("/data/changements")?.as_array()?;
            changes
                .iter()
                .find(|change| change.get("champ").is_some_and(|c| c == field))?
                .get("apres")
                .cloned()
        })
    }
}

/// The figures of a report, by name.
pub fn figures<const N: usize>(report: &Json, names: [&str; N]) -> [u64; N] {
    names
        .map(|name| report.get(name).and_then(Json::as_u64).unwrap_or_else(|| panic!("`{name}` in {report}")))
}

/// The codes of its warnings.
pub fn codes(report: &Json) -> Vec<&str> {
    let warnings = report.get("warnings").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    warnings.iter().filter_map(|warning| warning.get("code")?.as_str()).collect()
}

/// The name and birth of somebody who is like nobody of another number, below ten thousand.
pub fn somebody(number: u64) -> (String, String) {
    const SYLLABLES: [&str; 10] = ["BA", "CORI", "DUL", "FEN", "GIR", "LOMA", "MEU", "NAT", "PEROU", "SIV"];
    let digit = |place: u32| usize::try_from(number / 10_u64.pow(place) % 10).expect("a digit");
    let name = (0..4).map(|place| SYLLABLES[digit(place)]).collect();
    let (year, month, day) = (1950 + number * 7 % 50, 1 + number * 5 % 12, 2 + number * 11 % 26);
    (name, format!("{year}-{month:02}-{day:02}"))
}
