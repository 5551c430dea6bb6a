//! Loads schemas, mappings, code lists and the precedence policy: those built into the binary, or a folder's.
//!
//! Files enter, compiled mappings leave; every mistake of every file is told at once, with its file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::identity::Policy as IdentityPolicy;
use hub_core::identity::training::Declaration;
use hub_core::mapping::{Catalogue, CodeLists, Diagnostic, Mapping, compile_upon, extended};
use hub_core::merge::Precedence;
use rust_embed::RustEmbed;
use serde::Deserialize;

#[derive(RustEmbed)]
#[folder = "../mappings"]
struct BuiltInMappings;

/// The file that says which source is believed first.
pub const PRECEDENCE: &str = "precedence.yaml";
/// The file that says when two claims speak of one person.
const IDENTITY: &str = "identite.yaml";

/// The precedence policy as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    default: Vec<Place>,
    #[serde(default)]
    fields: BTreeMap<String, Vec<Place>>,
    #[serde(default)]
    prefer: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    replace: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    keep: Vec<String>,
}

/// A place in an order of sources: one, or several believed alike.
#[derive(Deserialize)]
#[serde(untagged)]
enum Place {
    One(String),
    Alike(Vec<String>),
}

impl Place {
    fn order(places: Vec<Self>) -> Vec<Vec<String>> {
        let sources = |place| match place {
            Self::One(source) => vec![source],
            Self::Alike(sources) => sources,
        };
        places.into_iter().map(sources).collect()
    }
}

/// The canonical schema the hub is built with.
pub const PERSON_SCHEMA: &str = include_str!("../../schemas/personne/v1.json");

/// Mapping files by path (`caf/vrsb0801.yaml`), code lists (`caf/codes/sexe.csv`), `precedence.yaml`.
#[derive(Debug, Clone, Default)]
pub struct MappingFiles {
    files: BTreeMap<String, Vec<u8>>,
}

/// A case beside a mapping: `SOURCE/cases/MAPPING/CASE/{input.*, expected.yaml}`. Its persons are invented.
#[derive(Debug)]
pub struct Case<'f> {
    /// Folder of the case.
    pub name: &'f str,
    /// Mapping it belongs to.
    pub mapping: String,
    /// Its input.
    pub input: &'f [u8],
    /// Its expectation, YAML.
    pub expected: &'f str,
}

/// A mistake in a file of the mappings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {diagnostic}")]
pub struct Mistake {
    /// The file, relative to the mappings folder.
    pub file: String,
    /// Its text, for underlining.
    pub text: String,
    /// What is wrong.
    pub diagnostic: Diagnostic,
}

impl Mistake {
    /// The line it stands at, from 1.
    pub fn line(&self) -> usize {
        let before = self.text.get(..self.diagnostic.span.start).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}

/// Mappings could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum MappingsError {
    /// A file or folder cannot be read.
    #[error("the mappings folder cannot be read")]
    Folder(#[from] std::io::Error),
    /// `precedence.yaml` is not what it should be.
    #[error("`precedence.yaml` is not readable: {0}")]
    Precedence(String),
    /// The canonical schema is broken.
    #[error(transparent)]
    Schema(#[from] hub_core::canonical::SchemaError),
    /// Mapping files hold mistakes.
    #[error("{} mistakes in the mappings; see `dlnuf mapping lint`", .0.len())]
    Mistakes(Vec<Mistake>),
}

impl MappingFiles {
    /// The files built into the binary.
    pub fn built_in() -> Self {
        let bytes = |name: &str| BuiltInMappings::get(name).map(|file| file.data.into_owned());
        let files = BuiltInMappings::iter().filter_map(|name| Some((name.to_string(), bytes(&name)?)));
        Self { files: files.collect() }
    }

    /// The files of a folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn folder(folder: &Path) -> Result<Self, MappingsError> {
        let mut files = BTreeMap::new();
        let mut pending = vec![folder.to_owned()];
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(directory)? {
                let path = entry?.path();
                if path.is_dir() {
                    pending.push(path);
                } else if let Ok(name) = path.strip_prefix(folder) {
                    files.insert(name.to_string_lossy().into_owned(), fs::read(&path)?);
                }
            }
        }
        Ok(Self { files })
    }

    /// Writes every file into a folder that is not there yet; returns how many.
    ///
    /// # Errors
    /// When the folder exists or cannot be written.
    pub fn write_to(&self, folder: &Path) -> std::io::Result<usize> {
        fs::create_dir(folder)?;
        for (name, bytes) in &self.files {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap_or(folder))?;
            fs::write(file, bytes)?;
        }
        Ok(self.files.len())
    }

    /// A file's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.files.get(name).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// Names and texts of the files that are text, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(name, bytes)| Some((name.as_str(), std::str::from_utf8(bytes).ok()?)))
    }

    /// The cases beside the mappings, sorted.
    pub fn cases(&self) -> impl Iterator<Item = Case<'_>> {
        self.iter().filter_map(|(file, expected)| {
            let name = file.strip_suffix("/expected.yaml")?;
            let (source, rest) = name.split_once("/cases/")?;
            let (mapping, _) = rest.split_once('/')?;
            let inputs = format!("{name}/input.");
            let (_, input) =
                self.files.range(inputs.clone()..).next().filter(|(file, _)| file.starts_with(&inputs))?;
            Some(Case { name, mapping: format!("{source}/{mapping}"), input, expected })
        })
    }

    /// Folders of cases that lack their input or their expectation.
    pub fn unfinished_cases(&self) -> BTreeSet<String> {
        let folder = |name: &String| {
            let (_, rest) = name.split_once("/cases/")?;
            let inside = rest.splitn(3, '/').collect::<Vec<_>>();
            let [_, _, file] = inside.as_slice() else { return None };
            Some(name.strip_suffix(file)?.trim_end_matches('/').to_owned())
        };
        let whole: BTreeSet<&str> = self.cases().map(|case| case.name).collect();
        self.files.keys().filter_map(folder).filter(|case| !whole.contains(case.as_str())).collect()
    }

    /// Compiles every mapping.
    ///
    /// # Errors
    /// Every mistake of every file.
    pub fn compile(&self, canon: &Canon) -> Result<Catalogue, MappingsError> {
        let (mappings, mistakes) = self.compile_all(canon);
        if mistakes.is_empty() {
            Ok(Catalogue::new(mappings))
        } else {
            Err(MappingsError::Mistakes(mistakes))
        }
    }

    /// What compiles, and every mistake of every file; one of a code list once, however many mappings read it.
    pub fn compile_all(&self, canon: &Canon) -> (Vec<Arc<Mapping>>, Vec<Mistake>) {
        let mut mistakes = self.unreadable();
        mistakes.extend(self.precedence_mistakes(canon));
        if let Err(MappingsError::Mistakes(of_identity)) = self.identity() {
            mistakes.extend(of_identity);
        }
        let mut mappings: Vec<Arc<Mapping>> = Vec::new();
        for (name, text) in self.iter().filter(|(name, _)| is_mapping(name)) {
            match self.compile_one(name, text, canon) {
                Ok(mapping) => mappings.push(Arc::new(mapping)),
                Err(found) => {
                    for mistake in found {
                        if !mistakes.contains(&mistake) {
                            mistakes.push(mistake);
                        }
                    }
                }
            }
        }
        (mappings, mistakes)
    }

    /// The code list a mapping reads under a name: its file and text. One of its own wins over one of the mapping it extends.
    pub fn code_list(&self, mapping: &str, name: &str) -> Option<(String, &str)> {
        let base = self.text(&format!("{mapping}.yaml")).and_then(extended);
        [Some(mapping.to_owned()), base].into_iter().flatten().find_map(|of| {
            let file = format!("{}/codes/{name}.csv", of.split('/').next()?);
            self.text(&file).map(|text| (file.clone(), text))
        })
    }

    /// The files that are not UTF-8: left aside without a word, a mapping would be missed where it is not looked for.
    pub fn unreadable(&self) -> Vec<Mistake> {
        let texts = self.files.iter().filter(|(name, _)| is_mapping(name) || name.contains("/codes/"));
        let broken = texts.filter(|(_, bytes)| std::str::from_utf8(bytes).is_err());
        broken
            .map(|(name, _)| Mistake {
                file: name.clone(),
                text: String::new(),
                diagnostic: Diagnostic::new(
                    Code::MappingSyntax,
                    0..0,
                    "expected UTF-8, found other bytes: save it as UTF-8",
                ),
            })
            .collect()
    }

    /// Compiles one mapping, upon the one it extends, with the code lists beside both; its own list wins over one of the same name.
    ///
    /// # Errors
    /// Every mistake found.
    pub fn compile_one(&self, name: &str, text: &str, canon: &Canon) -> Result<Mapping, Vec<Mistake>> {
        let base = extended(text);
        let mut lists = CodeLists::default();
        let mut mistakes = Vec::new();
        for of in base.iter().map(String::as_str).chain([name]) {
            mistakes.extend(self.add_lists(of, &mut lists));
        }
        let base = base.and_then(|base| self.text(&format!("{base}.yaml")));
        let mistake = |diagnostic: Diagnostic| {
            let at = diagnostic.list.as_ref().and_then(|(list, line)| self.in_list(name, list, *line));
            match at {
                Some((file, text, span)) => {
                    Mistake { file, text: text.to_owned(), diagnostic: Diagnostic { span, ..diagnostic } }
                }
                None => Mistake { file: name.to_owned(), text: text.to_owned(), diagnostic },
            }
        };
        match compile_upon(base, text, canon, &lists) {
            Ok(mapping) => {
                mistakes.extend(misplaced(name, text, &mapping).map(mistake));
                if mistakes.is_empty() { Ok(mapping) } else { Err(mistakes) }
            }
            Err(found) => {
                mistakes.extend(found.into_iter().map(mistake));
                Err(mistakes)
            }
        }
    }

    /// The line of a code list a mapping file reads: file, text, and place.
    fn in_list(&self, name: &str, list: &str, line: u32) -> Option<(String, &str, Range<usize>)> {
        let (file, text) = self.code_list(name.strip_suffix(".yaml")?, list)?;
        let above = usize::try_from(line).ok()?.checked_sub(1)?;
        let start = text.split_inclusive('\n').take(above).map(str::len).sum();
        let length = text.get(start..)?.lines().next()?.len();
        Some((file, text, start..start + length))
    }

    /// Adds the code lists that stand beside a mapping.
    fn add_lists(&self, mapping: &str, lists: &mut CodeLists) -> Vec<Mistake> {
        let source = mapping.split('/').next().unwrap_or_default();
        let folder = format!("{source}/codes/");
        let beside = self
            .iter()
            .filter_map(|(file, csv)| Some((file, file.strip_prefix(&folder)?.strip_suffix(".csv")?, csv)));
        let added = beside.filter_map(|(file, list, csv)| {
            let diagnostic = lists.add(list, csv).err()?;
            Some(Mistake { file: file.to_owned(), text: csv.to_owned(), diagnostic })
        });
        added.collect()
    }

    /// The declared authority of sources.
    ///
    /// # Errors
    /// When the file is not readable.
    pub fn precedence(&self) -> Result<Precedence, MappingsError> {
        let Some(text) = self.text(PRECEDENCE) else { return Ok(Precedence::default()) };
        let written: Policy =
            serde_saphyr::from_str(text).map_err(|error| MappingsError::Precedence(error.to_string()))?;
        let fields = written.fields.into_iter().map(|(field, places)| (field, Place::order(places)));
        Ok(Precedence::new(Place::order(written.default), fields.collect())
            .preferring(written.prefer)
            .replacing(written.replace)
            .keeping(written.keep))
    }

    /// When two claims speak of one person: as declared, else as built in.
    ///
    /// # Errors
    /// Every mistake of the file.
    pub fn identity(&self) -> Result<IdentityPolicy, MappingsError> {
        self.of_identity(IdentityPolicy::read)
    }

    /// The same as it is written: with the shares that weights are made of.
    ///
    /// # Errors
    /// Every mistake of the file.
    pub fn declaration(&self) -> Result<Declaration, MappingsError> {
        self.of_identity(Declaration::read)
    }

    fn of_identity<T>(&self, read: impl Fn(&str) -> Result<T, Vec<Diagnostic>>) -> Result<T, MappingsError> {
        let built_in = || Self::built_in().text(IDENTITY).map(str::to_owned).unwrap_or_default();
        let text = self.text(IDENTITY).map_or_else(built_in, str::to_owned);
        let mistake = |diagnostic| Mistake { file: IDENTITY.to_owned(), text: text.clone(), diagnostic };
        read(&text).map_err(|mistakes| MappingsError::Mistakes(mistakes.into_iter().map(mistake).collect()))
    }

    /// What is wrong with the precedence policy: its syntax, or a section or field nobody has.
    pub fn precedence_mistakes(&self, canon: &Canon) -> Vec<Mistake> {
        let Some(text) = self.text(PRECEDENCE) else { return Vec::new() };
        let mistake = |code, of: &str, message: String| {
            let start = text.find(of).unwrap_or_default();
            let diagnostic = Diagnostic::new(code, start..start + of.len(), message);
            Mistake { file: PRECEDENCE.to_owned(), text: text.to_owned(), diagnostic }
        };
        let written: Policy = match serde_saphyr::from_str(text) {
            Ok(written) => written,
            Err(error) => {
                let at = error.location().map_or(0, |at| at.line().saturating_sub(1));
                let line = text.lines().nth(usize::try_from(at).unwrap_or(0)).unwrap_or_default();
                return vec![mistake(Code::MappingSyntax, line, error.without_snippet().to_string())];
            }
        };
        let inside = |path: &str, section: &str| {
            path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let known = |section: &str| canon.fields().any(|(_, field)| inside(&field.path, section));
        let sections = written.fields.keys().chain(&written.keep).filter(|section| !known(section));
        let fields = written.prefer.keys().chain(written.replace.values().flatten());
        let fields: BTreeSet<&String> = fields.filter(|path| canon.find(path).is_none()).collect();
        let unknown = |path: &String| {
            let message = format!("there is no section or field `{path}` in the canonical schema");
            mistake(Code::UnknownField, path, message)
        };
        sections.chain(fields).map(unknown).collect()
    }
}

/// A mapping is named by its place, so that no two bear one name.
fn misplaced(name: &str, text: &str, mapping: &Mapping) -> Option<Diagnostic> {
    let place = name.strip_suffix(".yaml").unwrap_or(name);
    let folder = place.split('/').next().unwrap_or_default();
    let (key, found, expected) = if mapping.id != place {
        ("mapping:", &mapping.id, place)
    } else if mapping.source != folder {
        ("source:", &mapping.source, folder)
    } else {
        return None;
    };
    let start = text.find(key).unwrap_or_default();
    let end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| start + length);
    let message = format!("`{key}` is `{found}`, but the file stands at `{name}`: expected `{expected}`");
    Some(Diagnostic::new(Code::DuplicateMapping, start..end, message))
}

/// A mapping stands directly in its source's folder.
pub fn is_mapping(name: &str) -> bool {
    name.matches('/').count() == 1 && Path::new(name).extension().is_some_and(|ext| ext == "yaml")
}
