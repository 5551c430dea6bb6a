//! The input of a first case: two persons nobody is, in the form of the sample.
//!
//! A sample enters, the bytes of a small extract leave. Values are ours, of the shapes seen.

use hub_core::connector::Layout;

use super::proposals::of;
use super::shape::Shape;
use super::{Sample, SourceField};
use crate::workbench::put;

/// Two invented records in the form of a sample.
pub fn input(sample: &Sample) -> Vec<u8> {
    let text = match &sample.layout {
        Layout::Csv { separator, .. } => delimited(sample, char::from(separator.unwrap_or(b';'))),
        // No sample shows how wide its columns are, so none is taken for such.
        Layout::Fixed { .. } => String::new(),
        Layout::Xml { record, .. } => xml(sample, record),
        Layout::Json { records } => json(sample, records),
    };
    if sample.encoding.is_some() { text.chars().map(windows).collect() } else { text.into_bytes() }
}

/// A character in windows-1252; our own texts have none beyond.
fn windows(c: char) -> u8 {
    match c {
        '€' => 0x80,
        'Œ' => 0x8C,
        '’' => 0x92,
        'œ' => 0x9C,
        c => u8::try_from(u32::from(c)).unwrap_or(b'?'),
    }
}

/// The values of one person, in the order of the fields.
fn values(sample: &Sample, person: usize) -> Vec<(&SourceField, String)> {
    let proposals = of(sample);
    let canonical = |field: &SourceField| {
        proposals.iter().find(|p| p.field.name == field.name && !p.doubtful).map(|p| p.canonical)
    };
    sample.fields.iter().map(|field| (field, value(canonical(field), field.shape, person))).collect()
}

fn value(canonical: Option<&str>, shape: Option<Shape>, person: usize) -> String {
    let pick = |pair: [&str; 2]| pair.get(person % 2).copied().unwrap_or_default().to_owned();
    match (canonical, shape) {
        (Some("identite.nom_usage" | "identite.nom_naissance"), _) => pick(["FICTIF", "INVENTÉ"]),
        (Some("identite.prenoms"), _) => pick(["Camille", "Andréa"]),
        (Some("adresse.voie"), _) => pick(["1 rue de l'Exemple", "2 rue de l'Exemple"]),
        (Some("adresse.commune"), _) => pick(["VILLE-EXEMPLE", "BOURG-EXEMPLE"]),
        (_, None) => String::new(),
        (_, Some(Shape::Nir)) => pick(["1900501001001", "2910601001002"]),
        (_, Some(Shape::Email)) => pick(["camille@example.org", "andrea@example.org"]),
        (_, Some(Shape::IsoDate)) => pick(["1990-05-04", "1991-06-05"]),
        (_, Some(Shape::FrenchDate)) => pick(["04/05/1990", "05/06/1991"]),
        (_, Some(Shape::Phone)) => pick(["0639980001", "0639980002"]),
        (_, Some(Shape::Siret)) => pick(["00000000000018", "00000000000026"]),
        (_, Some(Shape::Rome)) => pick(["A1101", "A1203"]),
        (_, Some(Shape::Postcode)) => pick(["01000", "02000"]),
        (_, Some(Shape::Digits)) => (person + 1).to_string(),
        (_, Some(Shape::Text)) => format!("exemple {}", person + 1),
    }
}

fn delimited(sample: &Sample, separator: char) -> String {
    let cell = |text: &str| {
        let quoted = text.contains([separator, '"', '\n', '\r']);
        if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    };
    let row = |cells: Vec<String>| {
        cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(&separator.to_string()) + "\n"
    };
    let mut text = String::new();
    if !sample.headless {
        text += &row(sample.fields.iter().map(|field| field.name.clone()).collect());
    }
    for person in 0..2 {
        text += &row(values(sample, person).into_iter().map(|(_, value)| value).collect());
    }
    text
}

/// A tree of names with the values of one record.
#[derive(Default)]
struct Branch {
    text: String,
    inside: Vec<(String, Branch)>,
}

impl Branch {
    fn of(sample: &Sample, person: usize) -> Self {
        let mut root = Self::default();
        for (field, value) in values(sample, person) {
            let mut at = &mut root;
            for name in field.name.split('/') {
                let place = at.inside.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                    at.inside.push((name.to_owned(), Self::default()));
                    at.inside.len() - 1
                });
                let Some((_, below)) = at.inside.get_mut(place) else { break };
                at = below;
            }
            at.text = value;
        }
        root
    }

    fn to_xml(&self, name: &str, text: &mut String) {
        put(text, format_args!("<{name}"));
        for (name, inside) in &self.inside {
            if let Some(attribute) = name.strip_prefix('@') {
                put(text, format_args!(" {attribute}=\"{}\"", inside.text));
            }
        }
        put(text, format_args!(">{}", self.text));
        for (name, inside) in self.inside.iter().filter(|(name, _)| !name.starts_with('@')) {
            inside.to_xml(name, text);
        }
        put(text, format_args!("</{name}>"));
    }

    fn to_json(&self) -> serde_json::Value {
        if self.inside.is_empty() {
            return serde_json::Value::from(self.text.as_str());
        }
        self.inside.iter().map(|(name, inside)| (name.clone(), inside.to_json())).collect()
    }
}

fn xml(sample: &Sample, record: &[String]) -> String {
    let Some((name, above)) = record.split_last() else { return String::new() };
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    for name in above {
        put(&mut text, format_args!("<{name}>"));
    }
    for person in 0..2 {
        text.push('\n');
        Branch::of(sample, person).to_xml(name, &mut text);
    }
    text.push('\n');
    for name in above.iter().rev() {
        put(&mut text, format_args!("</{name}>"));
    }
    text + "\n"
}

fn json(sample: &Sample, records: &[String]) -> String {
    let persons: Vec<_> = (0..2).map(|person| Branch::of(sample, person).to_json()).collect();
    let wrapped = records
        .iter()
        .rev()
        .fold(serde_json::Value::from(persons), |inside, name| serde_json::json!({ name: inside }));
    format!("{wrapped:#}\n")
}
