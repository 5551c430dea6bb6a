//! The rules of a mapping as rows of a table: a canonical field each, in words.
//!
//! The rules' YAML, the canon and its schema enter; sections of rows in the order of the schema leave.

use hub_core::canonical::{Canon, FieldId, Kind};
use serde_json::Value as Json;

use crate::mappings::PERSON_SCHEMA;

use super::transformations::{condition, operation};
use super::words::Tongue;
use super::{Row, Section, code, elements, members, scalar, text_of};

/// Characters of paths that stand on one line.
const LINE: usize = 60;

struct Writer<'p> {
    canon: &'p Canon,
    schema: &'p Json,
    tongue: Tongue,
}

/// The sections of the canonical record a mapping fills.
pub(super) fn sections(mapping: &Json, canon: &Canon, schema: &Json, tongue: Tongue) -> Vec<Section> {
    let writer = Writer { canon, schema, tongue };
    let mut sections: Vec<Section> = Vec::new();
    let Some(rules) = members(mapping.pointer("/persons/fields")) else { return sections };
    for (id, field) in canon.fields().filter(|(_, field)| field.list.is_none()) {
        let Some(rule) = rules.get(&field.path) else { continue };
        let name = field.path.split('.').next().unwrap_or_default();
        if sections.last().is_none_or(|section| section.name != name) {
            let description = described(schema, name);
            sections.push(Section { name: name.to_owned(), description, rows: Vec::new() });
        }
        if let Some(section) = sections.last_mut() {
            section.rows.extend(writer.rule(id, rule));
        }
    }
    // As the schema is written, the person first.
    sections.sort_by_key(|section| PERSON_SCHEMA.find(&format!("\n    \"{}\": {{", section.name)));
    sections
}

/// What the schema says of a field.
fn described(schema: &Json, path: &str) -> String {
    let down = |at: &'_ Json, name: &str| -> Option<Json> {
        let object = at.get("items").unwrap_or(at);
        object.get("properties")?.get(name).cloned()
    };
    let found = path.replace("[]", "").split('.').try_fold(schema.clone(), |at, name| down(&at, name));
    found.map(|field| text_of(&field, "description")).unwrap_or_default()
}

impl Writer<'_> {
    fn rule(&self, id: FieldId, rule: &Json) -> Vec<Row> {
        if self.canon.field(id).kind != Kind::List {
            return vec![self.row(id, rule)];
        }
        let mut rows = vec![self.group(id, rule)];
        if let Some(piece) = rule.get("as").and_then(|name| self.canon.member(id, &scalar(name))) {
            let whole = self.tongue.say("chaque morceau", "each piece");
            rows.push(Row { from: whole, ..self.row(piece, rule) });
        }
        let inside = members(rule.get("fields"));
        let of_group = self.canon.fields().filter(|(_, field)| field.list == Some(id));
        let written = of_group.filter_map(|(member, field)| Some((member, inside?.get(field.name())?)));
        rows.extend(written.map(|(member, rule)| self.row(member, rule)));
        rows
    }

    /// The row of a repeated group itself.
    fn group(&self, id: FieldId, rule: &Json) -> Row {
        let tongue = self.tongue;
        let from = if rule.get("each").is_some() {
            let each = self.alternatives(rule.get("each"));
            tongue.say(&format!("un élément par {each}"), &format!("one element for each {each}"))
        } else if rule.get("split").is_some() {
            let (from, mark) = (self.joined(rule.get("from")), tongue.quote(&text_of(rule, "split")));
            tongue.say(&format!("{from}, coupé à chaque {mark}"), &format!("{from}, cut at each {mark}"))
        } else {
            tongue.say("un seul élément", "a single element")
        };
        let mut row = Row { done: Vec::new(), list: None, ..self.row(id, rule) };
        row.from = self.only_if(from, rule);
        row.otherwise.retain(|_| text_of(rule, "missing") == "reject");
        row.otherwise.truncate(1);
        row
    }

    fn row(&self, id: FieldId, rule: &Json) -> Row {
        let field = self.canon.field(id);
        let from = if rule.is_object() { self.from(rule) } else { code(&scalar(rule)) };
        Row {
            field: field.path.clone(),
            description: described(self.schema, &field.path),
            classification: field.classification,
            from: self.only_if(from, rule),
            done: self.done(rule),
            list: rule.get("codes").map(scalar),
            otherwise: self.otherwise(field.kind, rule),
        }
    }

    fn only_if(&self, from: String, rule: &Json) -> String {
        let Some(when) = rule.get("when") else { return from };
        let when = condition(&scalar(when), self.tongue);
        self.tongue.say(&format!("{from}, seulement si : {when}"), &format!("{from}, only if: {when}"))
    }

    fn from(&self, rule: &Json) -> String {
        let tongue = self.tongue;
        if let Some(value) = rule.get("value") {
            let value = tongue.quote(&scalar(value));
            return tongue.say(&format!("toujours {value}"), &format!("always {value}"));
        }
        if rule.get("join").is_some() {
            let from = self.joined(rule.get("from"));
            return tongue.say(&format!("{from}, mis bout à bout"), &format!("{from}, put end to end"));
        }
        let agree = text_of(rule, "agree") == "true";
        let from = self.alternatives(rule.get("from"));
        let both = || {
            tongue.say(
                &format!("{from}, qui doivent dire la même chose"),
                &format!("{from}, which must say the same"),
            )
        };
        if agree { both() } else { from }
    }

    /// Paths of which the first that holds text counts.
    fn alternatives(&self, paths: Option<&Json>) -> String {
        let paths: Vec<String> = elements(paths).into_iter().map(|path| code(&scalar(path))).collect();
        listed(&paths, &self.tongue.say(", à défaut", ", failing that"))
    }

    /// Parts that are put together, each with its names.
    fn joined(&self, parts: Option<&Json>) -> String {
        let part = |part: &Json| {
            let names: Vec<String> =
                elements(Some(part)).into_iter().map(|name| code(&scalar(name))).collect();
            self.tongue.or(&names)
        };
        listed(&elements(parts).into_iter().map(part).collect::<Vec<_>>(), ",")
    }

    fn done(&self, rule: &Json) -> Vec<String> {
        let tongue = self.tongue;
        let mut done: Vec<String> =
            elements(rule.get("do")).into_iter().map(|text| operation(&scalar(text), tongue)).collect();
        let french = |form: String| tongue.say(&form.replace('Y', "A").replace('D', "J"), &form);
        let forms: Vec<String> =
            elements(rule.get("forms")).into_iter().map(|form| code(&french(scalar(form)))).collect();
        if !forms.is_empty() {
            let forms = tongue.or(&forms);
            done.push(tongue.say(&format!("date écrite {forms}"), &format!("date written {forms}")));
        }
        if let Some(precision) = rule.get("precision") {
            let path = code(&text_of(precision, "from"));
            for (key, french, english) in [
                ("mois", "seuls le mois et l'année comptent", "only month and year count"),
                ("annee", "seule l'année compte", "only the year counts"),
            ] {
                let words: Vec<String> = elements(precision.get(key)).into_iter().map(scalar).collect();
                if !words.is_empty() {
                    let words = tongue.any_of(&words);
                    done.push(tongue.say(
                        &format!("{path} vaut {words} : {french}"),
                        &format!("{path} is {words}: {english}"),
                    ));
                }
            }
        }
        done
    }

    fn otherwise(&self, kind: Kind, rule: &Json) -> Vec<String> {
        let tongue = self.tongue;
        if rule.get("value").is_some() {
            return Vec::new();
        }
        let rejects = |key: &str| text_of(rule, key) == "reject";
        let mut words = vec![if rejects("missing") {
            tongue.say("absente : l'enregistrement est refusé", "missing: the record is refused")
        } else {
            tongue.say("absente : pas de valeur", "missing: no value")
        }];
        if rule.get("codes").is_some() {
            words.push(
                tongue.say(
                    "code inconnu : gardé tel quel et signalé",
                    "unknown code: kept as it stands and told",
                ),
            );
        } else if rejects("invalid") {
            words.push(tongue.say("fausse : l'enregistrement est refusé", "wrong: the record is refused"));
        } else if !matches!(kind, Kind::Texte | Kind::Nom | Kind::Code | Kind::List) {
            words.push(
                tongue
                    .say("fausse : signalée, ce qui était connu reste", "wrong: told, what was known stays"),
            );
        }
        words
    }
}

/// Paths one after another, a line each when they are long.
fn listed(paths: &[String], between: &str) -> String {
    let long = paths.iter().map(String::len).sum::<usize>() > LINE;
    paths.join(&format!("{between}{}", if long { '\n' } else { ' ' }))
}
