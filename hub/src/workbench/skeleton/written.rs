//! Writes the skeleton: a mapping that compiles at once, every field of the source in it, to be verified line by line.
//!
//! A sample enters, YAML leaves. Names are quoted, so that none is taken for YAML.

use hub_core::connector::{Layout, fold_header};

use super::proposals::{Proposal, of, readable};
use super::shape::Shape;
use super::{Sample, SourceField};
use crate::workbench::put;

/// What the names of numbers begin with.
const NUMBERED: [&str; 8] = ["id", "num", "n°", "no ", "matricule", "cle", "ref", "dossier"];
/// What tells a person without a number.
const PERSON: [&str; 4] =
    ["identite.nom_naissance", "identite.nom_usage", "identite.prenoms", "identite.date_naissance"];

/// Writes the mapping `SOURCE/NAME` of a sample.
pub fn to_yaml(sample: &Sample, id: &str) -> String {
    let proposals = of(sample);
    let source = id.split('/').next().unwrap_or_default();
    let mut text = format!(
        "# Squelette fait d'après {}.\n\
# Chaque ligne marquée « à vérifier » est une proposition : confirmez-la auprès de l'émetteur, ou effacez-la.\n\
mapping: {id}\nversion: \"1\"\nsource: {source}\ntitle: \"{id}, à décrire\"\n\nformat:\n",
        seen(sample)
    );
    format_of(&mut text, sample);
    detect(&mut text, sample, &proposals);
    text.push_str(
        "\n# delivery:\n#   snapshot: true       # à vérifier : l'extrait porte-t-il tout le stock de l'émetteur ?\n\
#   reference: …         # date à laquelle les faits valent, lue dans l'en-tête (XML)\n\
#   created: […]         # date et heure de fabrication, lues dans l'en-tête (XML)\n",
    );
    put(
        &mut text,
        format_args!(
            "\nrecord:\n  key: [{}]  # à vérifier : ce qui reconnaît un enregistrement d'une livraison à l'autre\n",
            key(sample, &proposals).join(", ")
        ),
    );
    persons(&mut text, sample, &proposals);
    rest(&mut text, sample, &proposals);
    text
}

/// What was looked at; a schema has no record.
fn seen(sample: &Sample) -> String {
    let looked = match sample.records {
        0 => return "un schéma XML".to_owned(),
        1 => "un enregistrement regardé".to_owned(),
        count => format!("{count} enregistrements regardés"),
    };
    format!("la forme d'un extrait, dont aucune valeur n'est reprise ({looked})")
}

/// A name as a YAML text; JSON's quotes are YAML's too.
fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

fn format_of(text: &mut String, sample: &Sample) {
    match &sample.layout {
        Layout::Xml { record, header, trailer } => {
            put(
                text,
                format_args!("  xml:\n    record: {}  # à vérifier : l'élément répété\n", record.join("/")),
            );
            for (key, path) in [("header", header), ("trailer", trailer)] {
                if let Some(path) = path {
                    put(text, format_args!("    {key}: {}\n", path.join("/")));
                }
            }
        }
        Layout::Fixed { .. } => {}
        Layout::Csv { separator, columns, .. } => {
            let separator = separator
                .map(|byte| if byte == b'\t' { "tab".to_owned() } else { char::from(byte).to_string() });
            text.push_str(if separator.is_none() && columns.is_none() { "  csv: {}\n" } else { "  csv:\n" });
            if let Some(separator) = separator {
                put(text, format_args!("    separator: {}\n", quoted(&separator)));
            }
            if let Some(columns) = columns {
                text.push_str("    # La première ligne ne nomme pas les colonnes : nommez-les ici, et dans les règles.\n");
                put(text, format_args!("    columns: [{}]\n", columns.join(", ")));
            }
        }
        Layout::Json { records } if records.is_empty() => text.push_str("  json: {}\n"),
        Layout::Json { records } => {
            put(text, format_args!("  json: {{records: {}}}\n", quoted(&records.join("/"))));
        }
    }
    match &sample.encoding {
        Some(encoding) => put(text, format_args!("  encoding: {encoding}\n")),
        None => {
            text.push_str("  # encoding: windows-1252   # quand les octets ne le disent pas ; UTF-8 sinon\n");
        }
    }
    text.push_str("  # nulls: [\"NULL\", \"-\"]      # les textes qui ne veulent rien dire\n");
}

fn detect(text: &mut String, sample: &Sample, proposals: &[Proposal<'_>]) {
    let names: Vec<&str> = proposals.iter().map(|p| p.field.name.as_str()).collect();
    let all = sample.fields.iter().map(|field| field.name.as_str());
    let names: Vec<&str> =
        if names.is_empty() { all.take(4).collect() } else { names.into_iter().take(6).collect() };
    let condition = match &sample.layout {
        Layout::Xml { record, .. } => format!("{{present: {}}}", quoted(&record.join("/"))),
        Layout::Fixed { .. } | Layout::Csv { columns: Some(_), .. } => {
            text.push_str(
                "\n# detect:\n#   - {filename: \"*…*.csv\"}   # sans en-tête, seul le nom du fichier reste\n",
            );
            return;
        }
        Layout::Csv { .. } => {
            format!("{{columns: [{}]}}", names.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        Layout::Json { records } => {
            let first = names.into_iter().find(|name| !name.contains('@')).unwrap_or_default();
            let path = records.iter().map(String::as_str).chain([first]).collect::<Vec<_>>().join("/");
            format!("{{present: {}}}", quoted(&path))
        }
    };
    put(text, format_args!("\ndetect:\n  - {condition}  # à vérifier : à quoi ce flux se reconnaît\n"));
}

/// What names a record: a field that is a number of something and never the same twice, else who the person is.
fn key(sample: &Sample, proposals: &[Proposal<'_>]) -> Vec<String> {
    let always = |field: &SourceField| field.filled * 10 >= sample.records * 9;
    let proposed = |wanted: &str| {
        let found = proposals.iter().find(|p| p.canonical == wanted && always(p.field));
        found.map(|p| quoted(&p.field.name))
    };
    let outside = |field: &&SourceField| {
        sample.each.as_ref().is_none_or(|each| !field.name.starts_with(&format!("{each}/")))
    };
    let number = |field: &&SourceField| {
        let name = fold_header(field.last(sample.delimited()));
        let numbered = NUMBERED.iter().any(|start| name.starts_with(start));
        let other =
            matches!(field.shape, Some(Shape::IsoDate | Shape::FrenchDate | Shape::Nir | Shape::Phone));
        numbered && !other && !field.repeats && always(field)
    };
    let fields = || sample.fields.iter().filter(|field| readable(sample, field));
    if let Some(field) = fields().filter(outside).find(number) {
        return vec![quoted(&field.name)];
    }
    if let Some(nir) = proposed("identite.nir") {
        return vec![nir];
    }
    let person: Vec<String> = PERSON.into_iter().filter_map(proposed).collect();
    if person.len() >= 2 {
        return person;
    }
    let first = fields().find(|field| always(field)).or_else(|| fields().next());
    first.map(|field| quoted(&field.name)).into_iter().collect()
}

fn persons(text: &mut String, sample: &Sample, proposals: &[Proposal<'_>]) {
    text.push_str("\npersons:\n");
    if let Some(each) = &sample.each {
        put(text, format_args!("  each: {}  # à vérifier : une personne par élément\n", quoted(each)));
        let below = format!("{each}/");
        let inside = |p: &&Proposal<'_>| PERSON.contains(&p.canonical) && p.field.name.starts_with(&below);
        let names: Vec<String> = proposals.iter().filter(inside).map(|p| path(sample, p.field)).collect();
        let why = "ce qui distingue les personnes d'un enregistrement";
        put(text, format_args!("  key: [{}]  # à vérifier : {why}\n", names.join(", ")));
    }
    text.push_str("  # blanks: keep         # une case vide ne dit rien ; « clear » retire ce qui était dit\n  fields:\n");
    for proposal in proposals.iter().filter(|p| !p.canonical.starts_with("contacts.")) {
        value_rule(text, sample, proposal);
    }
    for (group, member) in [("contacts.telephones", "numero"), ("contacts.courriels", "courriel")] {
        let of_group: Vec<&Proposal<'_>> = proposals.iter().filter(|p| p.canonical == group).collect();
        let from: Vec<String> = of_group.iter().map(|p| path(sample, p.field)).collect();
        if let Some(first) = of_group.first() {
            let (from, why) = (from.join(", "), why(first));
            let rule = format!("{group}: {{from: [{from}], split: \",\", as: {member}}}");
            put(text, format_args!("    {rule}  # à vérifier : {why}\n"));
        }
    }
    if !identifies(proposals) {
        // What names a record names its person better than whatever stands first.
        let names = |field: &&SourceField| key(sample, proposals).contains(&quoted(&field.name));
        let fields = || sample.fields.iter().filter(|field| readable(sample, field));
        let field = fields().find(names).or_else(|| fields().next());
        let from = field.map(|field| path(sample, field)).unwrap_or_default();
        put(
            text,
            format_args!(
                "    # Rien de reconnu ne dit qui est la personne : un NIR, un identifiant, un nom avec la date de naissance.\n    \
identifiants.identifiant_departement: {from}  # À REMPLACER par ce qui identifie vraiment\n"
            ),
        );
    }
}

fn value_rule(text: &mut String, sample: &Sample, proposal: &Proposal<'_>) {
    let (field, from, why) = (proposal.canonical, path(sample, proposal.field), why(proposal));
    if proposal.coded {
        let list = field.rsplit('.').next().unwrap_or(field);
        let rule = format!("{field}: {{from: {from}, codes: {list}}}");
        let first = format!("écrire d'abord codes/{list}.csv");
        put(text, format_args!("    # {rule}  # à vérifier : {why} ; {first}\n"));
    } else {
        put(text, format_args!("    {field}: {from}  # à vérifier : {why}\n"));
    }
}

/// Whether the proposals can tell who a person is, as the compiler asks.
fn identifies(proposals: &[Proposal<'_>]) -> bool {
    let has = |wanted: &str| proposals.iter().any(|p| !p.coded && p.canonical == wanted);
    let number = proposals.iter().any(|p| p.canonical.starts_with("identifiants.identifiant_"));
    let name = has("identite.nom_naissance") || has("identite.nom_usage");
    has("identite.nir") || number || (name && has("identite.date_naissance"))
}

/// The field as a person's rule reads it.
fn path(sample: &Sample, field: &SourceField) -> String {
    let inside = sample.each.as_ref().map(|each| field.name.strip_prefix(&format!("{each}/")));
    match inside {
        Some(Some(inside)) => quoted(inside),
        Some(None) => quoted(&format!("/{}", field.name)),
        None => quoted(&field.name),
    }
}

fn why(proposal: &Proposal<'_>) -> String {
    let shape = proposal.field.shape.map_or("toujours vide", Shape::in_words);
    match (proposal.named, proposal.doubtful) {
        (true, false) => "d'après le nom".to_owned(),
        (true, true) => format!("d'après le nom seul ; contenu : {shape}"),
        (false, _) => format!("d'après la forme ({shape})"),
    }
}

/// The fields nothing reads yet.
fn rest(text: &mut String, sample: &Sample, proposals: &[Proposal<'_>]) {
    let read = |field: &&SourceField| proposals.iter().any(|p| p.field.name == field.name);
    let left: Vec<&SourceField> = sample.fields.iter().filter(|field| !read(field)).collect();
    if !left.is_empty() {
        text.push_str("\n    # Ce que la source a de plus, et qu'aucune règle ne lit. Ne reprendre que le nécessaire (CASF R. 263-5).\n");
    }
    for field in left {
        let shape = field.shape.map_or("toujours vide", Shape::in_words);
        let note = if field.note.is_empty() { String::new() } else { format!(" — {}", field.note) };
        let unreadable = if readable(sample, field) { "" } else { " ; nom qu'un chemin ne peut pas écrire" };
        put(text, format_args!("    # …: {}  # {shape}{unreadable}{note}\n", path(sample, field)));
    }
    if sample.left_out > 0 {
        put(
            text,
            format_args!(
                "    # {} champs laissés de côté : leur nom ressemble à une valeur.\n",
                sample.left_out
            ),
        );
    }
}
