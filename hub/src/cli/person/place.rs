//! Where what decided a value is written: the file that was read, the rule that stated it, the line of the policy.
//!
//! An origin and the mappings in force enter, files and lines leave; or why the line cannot be told: a rule is looked for only in the
//! very mapping that was used.

use std::collections::BTreeMap;

use hub_core::canonical::{Canon, FieldId};
use hub_core::delivery::DeliveryId;
use hub_core::mapping::{Catalogue, Mapping, extended};
use hub_core::merge::Precedence;
use hub_core::statement::Origin;
use hub_core::store::{Run, Store};

use super::super::language::either;
use crate::mappings::{MappingFiles, PRECEDENCE};

/// A place in a file of the mappings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub file: String,
    pub lines: Vec<u32>,
}

/// What the deliveries were called and which mappings read them.
pub(super) struct Library<'f> {
    files: &'f MappingFiles,
    canon: &'f Canon,
    catalogue: Catalogue,
    deliveries: BTreeMap<DeliveryId, (Option<String>, Vec<Run>)>,
}

impl<'f> Library<'f> {
    /// Asks the store of the deliveries of these origins.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) async fn of(
        store: &dyn Store,
        (files, canon): (&'f MappingFiles, &'f Canon),
        origins: impl Iterator<Item = &Origin>,
    ) -> anyhow::Result<Self> {
        let mut deliveries = BTreeMap::new();
        for origin in origins {
            if deliveries.contains_key(&origin.delivery) {
                continue;
            }
            let filename = store.delivery(origin.delivery).await?.and_then(|delivery| delivery.filename);
            deliveries.insert(origin.delivery, (filename, store.runs_of(origin.delivery).await?));
        }
        // A mapping with a mistake is missed; the others can still be looked into.
        let catalogue = Catalogue::new(files.compile_all(canon).0);
        Ok(Self { files, canon, catalogue, deliveries })
    }

    /// The name its file came under.
    pub(super) fn filename(&self, origin: &Origin) -> Option<&str> {
        self.deliveries.get(&origin.delivery)?.0.as_deref()
    }

    /// Where the rule stands that stated a field, or why that cannot be told.
    pub(super) fn rule(&self, field: FieldId, origin: &Origin) -> Result<Place, String> {
        let id = origin.mapping.split('@').next().unwrap_or_default();
        let Some(mapping) = self.catalogue.named(id) else {
            let french = format!("la correspondance `{id}` n'est plus installée");
            return Err(either(french, format!("the mapping `{id}` is not installed any more")));
        };
        let used = self.deliveries.get(&origin.delivery).map(|(_, runs)| runs.as_slice()).unwrap_or_default();
        let same = |run: &&Run| origin.mapping == run.mapping;
        let fingerprints: Vec<u64> = used.iter().filter(same).map(|run| run.fingerprint).collect();
        if mapping.name() != origin.mapping || !fingerprints.contains(&mapping.fingerprint) {
            let now = mapping.name();
            return Err(either(
                format!("`{}` a servi, `{now}` est installée et diffère", origin.mapping),
                format!("`{}` was used, `{now}` is installed and differs", origin.mapping),
            ));
        }
        if origin.record == 0 {
            return Ok(self.absence(&mapping));
        }
        Ok(self.place(&mapping, field))
    }

    /// The rules of a field; those taken over from another mapping stand in its file.
    fn place(&self, mapping: &Mapping, field: FieldId) -> Place {
        let lines = mapping.rule_lines(self.canon.field(field).list.unwrap_or(field));
        let file = format!("{}.yaml", mapping.id);
        let text = self.files.text(&file).unwrap_or_default();
        let taken_over = |line: &u32| line_of(text, *line).starts_with("extends:");
        let base = extended(text).and_then(|base| self.catalogue.named(&base));
        match base.filter(|_| lines.iter().any(taken_over)) {
            Some(base) => self.place(&base, field),
            None => Place { file, lines },
        }
    }

    /// What silence states stands under `absence`.
    fn absence(&self, mapping: &Mapping) -> Place {
        let in_file = |id: &str| {
            let file = format!("{id}.yaml");
            let text = self.files.text(&file)?;
            let line = (1..).zip(text.lines()).find(|(_, line)| line.trim_start().starts_with("absence:"))?.0;
            Some(Place { lines: vec![line], file })
        };
        let file = format!("{}.yaml", mapping.id);
        let base = || extended(self.files.text(&file)?);
        let found = in_file(&mapping.id).or_else(|| in_file(&base()?));
        found.unwrap_or(Place { file, lines: Vec::new() })
    }

    /// The line of the policy that orders the sources for a path.
    pub(super) fn authority(&self, precedence: &Precedence, path: &str) -> Place {
        self.policy(precedence.section(path).map_or(("default", None), |section| ("fields", Some(section))))
    }

    /// The lines of the policy that say which value of a field is preferred.
    pub(super) fn preference(&self, precedence: &Precedence) -> Place {
        self.policy(("prefer", precedence.preferred().next()))
    }

    fn policy(&self, (part, key): (&str, Option<&str>)) -> Place {
        let text = self.files.text(PRECEDENCE).unwrap_or_default();
        let opens = |line: &str, key: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
        let mut lines = (1u32..).zip(text.lines()).skip_while(|(_, line)| !opens(line, part));
        let line = match key {
            None => lines.next(),
            Some(key) => lines.find(|(_, line)| opens(line.trim_start(), key)),
        };
        Place { file: PRECEDENCE.to_owned(), lines: line.map(|(number, _)| number).into_iter().collect() }
    }
}

fn line_of(text: &str, number: u32) -> &str {
    let above = usize::try_from(number).unwrap_or(0).saturating_sub(1);
    text.lines().nth(above).unwrap_or_default()
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        let lines: Vec<String> = self.lines.iter().map(u32::to_string).collect();
        match lines.as_slice() {
            [] => Ok(()),
            [only] => write!(f, ", {} {only}", either("ligne", "line")),
            several => write!(f, ", {} {}", either("lignes", "lines"), several.join(", ")),
        }
    }
}
