//! How right the matcher is on labelled extracts: pairs of claims it makes one, against pairs that truly are.
//!
//! A folder of extracts with its `truth.csv` (`dlnuf synth --truth`, or any other of the same columns) enters; precision, recall and
//! what became of the pairs that were missed leave. Extracts are read through the installed mappings, as a run reads them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use connectors::BuiltIn;
use hub_core::canonical::Canon;
use hub_core::clock::Clock as _;
use hub_core::code::Code;
use hub_core::connector::{Fault, Formats as _};
use hub_core::delivery::DeliveryId;
use hub_core::identity::crowd::{Sorted, sort};
use hub_core::identity::{Bond, IdentityFields, Likeness, Member, Policy, Profile, Span, Trait, relate};
use hub_core::mapping::{Catalogue, Mapping};
use serde::Serialize;
use uuid::Uuid;

use crate::clock::MachineClock;
use crate::workbench::reading::Reading;

/// Likenesses told at most.
const MOST_LIKENESSES: usize = 20;
/// Bytes a mapping is recognised by.
const HEAD: u64 = 64 << 10;

/// Labels of a file: source, and who each claim speaks of, by record and rank in it.
#[derive(Default)]
struct Labels {
    source: String,
    persons: HashMap<(u64, usize), u32>,
}

/// Claims with who they truly speak of.
pub struct Labelled {
    /// What identity hears.
    pub members: Vec<Member>,
    truth: Vec<u32>,
    files: Vec<String>,
    left: Left,
}

/// Labels and values nothing was measured on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Labels of records that were refused, or that are not there.
    pub refused: u64,
    /// Labels of claims of nobody known by name.
    pub nameless: u64,
    /// Values that could not be read.
    pub values: u64,
}

/// How right it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// Claims compared.
    pub claims: u64,
    /// What was left out.
    pub left: Left,
    /// Persons they truly speak of.
    pub persons: u64,
    /// Persons they were taken for.
    pub found: u64,
    /// Pairs of claims that are one person's.
    pub pairs: u64,
    /// Of the pairs made one, those that are.
    pub precision: f64,
    /// Of the pairs that are one, those made one; a pair asked about is not.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
    /// Questions, as a share of the claims.
    pub review: f64,
    /// Claims whose person somebody is asked about, as a share of all.
    pub asked: f64,
    /// Questions, by reason.
    pub questions: BTreeMap<&'static str, u64>,
    /// Of these, how many are about one person.
    pub questions_of_one: BTreeMap<&'static str, u64>,
    /// Pairs that were missed, by how they stand to one another.
    pub missed: BTreeMap<&'static str, u64>,
    /// Pairs wrongly made one, likewise.
    pub wrong: BTreeMap<&'static str, u64>,
    /// Likenesses of the pairs missed, the most frequent first: levels, never values.
    pub missed_likenesses: Vec<Likened>,
    /// Likenesses of the pairs wrongly made one.
    pub wrong_likenesses: Vec<Likened>,
    /// Pairs compared.
    pub compared: u64,
    /// Keys too many share.
    pub crowded: u64,
    /// Seconds it took to compare and group.
    pub seconds: f64,
}

/// Pairs of one likeness.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Likened {
    /// How they stand to one another.
    pub stand: &'static str,
    /// Level of each trait.
    pub likeness: String,
    /// How many pairs.
    pub pairs: u64,
    /// Where the first of them stands: file, record and rank of both.
    pub such_as: String,
}

/// Reads the labelled claims of a folder; those of nobody known by name are left out.
///
/// # Errors
/// When a file is missing or not what it should be, or no mapping reads it.
pub fn read(folder: &Path, canon: &Canon, catalogue: &Catalogue) -> anyhow::Result<Labelled> {
    let files = labels(&folder.join("truth.csv"))?;
    let identity = IdentityFields::of(canon);
    let mut labelled = Labelled {
        members: Vec::new(),
        truth: Vec::new(),
        files: files.keys().cloned().collect(),
        left: Left::default(),
    };
    for (number, (file, labels)) in (0..).zip(&files) {
        let path = folder.join(file);
        let reading = || format!("reading `{}`", path.display());
        labelled.add((&path, number), labels, (catalogue, &identity)).with_context(reading)?;
    }
    Ok(labelled)
}

/// Reads `source,file,record,rank,person` under a header; no cell holds a comma.
fn labels(truth: &Path) -> anyhow::Result<BTreeMap<String, Labels>> {
    let text = fs::read_to_string(truth).with_context(|| format!("reading `{}`", truth.display()))?;
    let header = text.lines().next().map(str::trim_end);
    let expected = "`truth.csv`: expected the header source,file,record,rank,person";
    anyhow::ensure!(header == Some("source,file,record,rank,person"), expected);
    let mut files: BTreeMap<String, Labels> = BTreeMap::new();
    let mut persons: HashMap<&str, u32> = HashMap::new();
    for (number, line) in (2..).zip(text.lines().skip(1)) {
        let cells: Vec<&str> = line.trim_end().split(',').collect();
        let expected = || format!("`truth.csv` line {number}: expected source,file,record,rank,person");
        let [source, file, record, rank, person] = cells.as_slice() else { anyhow::bail!(expected()) };
        let beside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
        anyhow::ensure!(beside, "`truth.csv` line {number}: expected a file of this folder");
        let place = (record.parse().with_context(expected)?, rank.parse().with_context(expected)?);
        let next = u32::try_from(persons.len()).context("too many persons")?;
        let person = *persons.entry(person).or_insert(next);
        let labels = files.entry((*file).to_owned()).or_default();
        (*source).clone_into(&mut labels.source);
        let twice = labels.persons.insert(place, person).is_some_and(|before| before != person);
        anyhow::ensure!(!twice, "`truth.csv` line {number}: this record and rank have another label above");
    }
    Ok(files)
}

impl Labelled {
    fn add(
        &mut self,
        (path, number): (&Path, u64),
        labels: &Labels,
        (catalogue, identity): (&Catalogue, &IdentityFields),
    ) -> anyhow::Result<()> {
        let open = || -> Result<Box<dyn Read + Send>, Fault> {
            let unreadable = |error: std::io::Error| Fault::new(Code::ArchiveFailed, error.to_string());
            Ok(Box::new(File::open(path).map_err(unreadable)?))
        };
        let mapping = mapping(path, &labels.source, catalogue)?;
        let today: String = MachineClock.now().to_string().chars().take(10).collect();
        let said = |fault: Fault| anyhow::anyhow!("{}: {}", fault.code, fault.detail);
        let mut reading = Reading::open(&mapping, &open).map_err(said)?;
        let (mut placed, mut nameless) = (0, 0);
        while let Some((record, decoded)) = reading.next().map_err(said)? {
            let mapped = decoded.ok().and_then(|decoded| mapping.map(decoded, &today).ok());
            let Some(mapped) = mapped else { continue };
            self.left.values += mapped.remarks.len() as u64;
            for (rank, claim) in (1..).zip(&mapped.claims) {
                let traits = identity.traits(&claim.fields, &mapping.source, &mapped.emitter);
                let Some(person) = labels.persons.get(&(record, rank)) else { continue };
                if !traits.has_a_name() {
                    nameless += 1;
                    continue;
                }
                placed += 1;
                let (stands, span) =
                    ((number << 40 | record, rank as u64), Span::since(DeliveryId(Uuid::nil())));
                self.members.push(Member { profile: Profile::of(&traits, span), stands, span });
                self.truth.push(*person);
            }
        }
        self.left.nameless += nameless;
        self.left.refused += labels.persons.len() as u64 - placed - nameless;
        Ok(())
    }

    /// Sorts the claims by a policy, and says how right that is.
    pub fn measure(&self, policy: &Policy) -> Measure {
        let start = Instant::now();
        let sorted: Sorted = sort(&self.members, policy);
        let seconds = start.elapsed().as_secs_f64();
        let of_person = grouped(self.truth.iter().map(|person| *person as usize));
        let of_group = grouped(sorted.group_of.iter().copied());
        let (pairs, made) = (pairs_in(&of_person), pairs_in(&of_group));
        let right: u64 = of_group.values().map(|group| self.right_in(group)).sum();
        let (precision, recall) = (share(right, made), share(right, pairs));
        let mut questions = BTreeMap::new();
        let mut questions_of_one = BTreeMap::new();
        let mut concerned = HashSet::new();
        for question in &sorted.questions {
            *questions.entry(question.doubt.word()).or_default() += 1;
            let of = |group: usize| of_group.get(&group).map(Vec::as_slice).unwrap_or_default();
            if self.meet(of(question.of.0), of(question.of.1)) {
                *questions_of_one.entry(question.doubt.word()).or_default() += 1;
            }
            concerned.extend([question.of.0, question.of.1]);
        }
        let asked = sorted.group_of.iter().filter(|group| concerned.contains(*group)).count() as u64;
        let claims = self.members.len() as u64;
        let missed = apart(&of_person, &sorted.group_of);
        let wrong = apart(&of_group, &self.truth);
        Measure {
            claims,
            left: self.left,
            persons: of_person.len() as u64,
            found: sorted.groups as u64,
            pairs,
            precision,
            recall,
            f1: 2.0 * precision * recall / (precision + recall),
            review: share(sorted.questions.len() as u64, claims),
            asked: share(asked, claims),
            questions,
            questions_of_one,
            missed: Self::counted(&missed, |one, other| self.stand(one, other, policy)),
            wrong: Self::counted(&wrong, |one, other| self.stand(one, other, policy)),
            missed_likenesses: self.likenesses(&missed, policy),
            wrong_likenesses: self.likenesses(&wrong, policy),
            compared: sorted.compared,
            crowded: sorted.crowded,
            seconds,
        }
    }

    /// Whether a claim of one group and one of another are one person's.
    fn meet(&self, one: &[usize], other: &[usize]) -> bool {
        one.iter().any(|a| other.iter().any(|b| self.truth.get(*a) == self.truth.get(*b)))
    }

    /// Pairs of a group that are one person's.
    fn right_in(&self, group: &[usize]) -> u64 {
        let persons =
            grouped(group.iter().filter_map(|at| self.truth.get(*at)).map(|person| *person as usize));
        pairs_in(&persons)
    }

    fn counted(
        pairs: &[(usize, usize)],
        word: impl Fn(usize, usize) -> &'static str,
    ) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for (one, other) in pairs {
            *counts.entry(word(*one, *other)).or_default() += 1;
        }
        counts
    }

    fn likenesses(&self, pairs: &[(usize, usize)], policy: &Policy) -> Vec<Likened> {
        type Counted = (u64, (usize, usize));
        let mut counts: HashMap<(&'static str, String), Counted> = HashMap::new();
        for (one, other) in pairs {
            let Some((a, b)) = self.members.get(*one).zip(self.members.get(*other)) else { continue };
            let likeness = Likeness::of(&a.profile, &b.profile);
            let word = |of: Trait| Some(format!("{} {}", of.word(), likeness.word(of)?));
            let words: Vec<String> = Trait::ALL.into_iter().filter_map(word).collect();
            let stand = self.stand(*one, *other, policy);
            counts.entry((stand, words.join(", "))).or_insert((0, (*one, *other))).0 += 1;
        }
        let likened = |((stand, likeness), (pairs, (one, other)))| {
            let such_as = format!("{} / {}", self.place(one), self.place(other));
            Likened { stand, likeness, pairs, such_as }
        };
        let mut counts: Vec<Likened> = counts.into_iter().map(likened).collect();
        let told = |counted: &Likened| (counted.stand, counted.likeness.clone());
        counts.sort_by(|a, b| b.pairs.cmp(&a.pairs).then_with(|| told(a).cmp(&told(b))));
        counts.truncate(MOST_LIKENESSES);
        counts
    }

    /// Where a claim stands.
    fn place(&self, at: usize) -> String {
        let Some((place, rank)) = self.members.get(at).map(|member| member.stands) else {
            return String::new();
        };
        let file = usize::try_from(place >> 40).ok().and_then(|file| self.files.get(file));
        format!("{} {}.{rank}", file.map_or("", String::as_str), place & ((1 << 40) - 1))
    }

    /// How two claims stand to one another.
    fn stand(&self, one: usize, other: usize, policy: &Policy) -> &'static str {
        let Some((a, b)) = self.members.get(one).zip(self.members.get(other)) else { return "no claim" };
        match relate(&a.profile, &b.profile, policy).map(|relation| relation.found) {
            None if !a.profile.shares_a_key(&b.profile) => "no shared key",
            None => "too unlike",
            Some(Err(doubt)) => doubt.word(),
            Some(Ok(Bond::Number(_) | Bond::FormerNumber(_) | Bond::NirNearly)) => "bound by a number",
            Some(Ok(Bond::WholeName | Bond::Name)) => "bound by name",
            Some(Ok(Bond::Likeness)) => "bound by likeness",
        }
    }
}

/// A part of a whole; all of nothing.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { count(part) / count(whole) }
}

/// A count as a number that can be divided.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 claims")]
pub fn count(count: u64) -> f64 {
    count as f64
}

fn mapping(path: &Path, source: &str, catalogue: &Catalogue) -> anyhow::Result<Arc<Mapping>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let chosen = BuiltIn.probe(&head).and_then(|probe| catalogue.choose(source, &probe, name.as_deref()));
    chosen.map_err(|fault| anyhow::anyhow!("{}: {}", fault.code, fault.detail))
}

fn grouped(of: impl Iterator<Item = usize>) -> HashMap<usize, Vec<usize>> {
    let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, group) in of.enumerate() {
        groups.entry(group).or_default().push(at);
    }
    groups
}

fn pairs_in(groups: &HashMap<usize, Vec<usize>>) -> u64 {
    groups.values().map(|group| group.len() as u64 * (group.len() as u64 - 1) / 2).sum()
}

/// Pairs that stand together in one way and apart in another.
fn apart<T: PartialEq>(together: &HashMap<usize, Vec<usize>>, other: &[T]) -> Vec<(usize, usize)> {
    let pairs = together.values().flat_map(|claims| pairs_of(claims));
    pairs.filter(|(one, two)| other.get(*one) != other.get(*two)).collect()
}

fn pairs_of(claims: &[usize]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let others = |nth: usize| claims.get(nth + 1..).unwrap_or_default();
    claims.iter().enumerate().flat_map(move |(nth, one)| others(nth).iter().map(move |other| (*one, *other)))
}
