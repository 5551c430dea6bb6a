//! A [`MemoryStore`] that is kept in a file of JSON lines, one a transaction.
//!
//! A line is appended and synced before `write` returns. A last line that was cut short counts for nothing, so a line is
//! all there or not at all. The file is rewritten beside its place and renamed when it is opened and when it has grown,
//! so it holds little more than one line a person. The TypeScript kit reads and writes the same file.

use crate::store::{OpenSnapshot, Step};
use crate::{Decision, Fields, Marks, MemoryStore, Person, Store};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Persons and sequences in a file. One process a file.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    memory: MemoryStore,
    file: File,
    length: u64,
    lines: usize,
}

impl FileStore {
    /// Opens a file, or makes it. Fails when a line is not of this form.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let mut memory = MemoryStore::default();
        // After the last line break there is nothing, or a line that was cut short and never acknowledged.
        for line in text.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            memory.replay(read_line(line).ok_or(io::ErrorKind::InvalidData)?);
        }
        let (file, length, lines) = rewrite(&path, &memory)?;
        Ok(Self { path, memory, file, length, lines })
    }

    /// What is held.
    pub fn memory(&self) -> &MemoryStore {
        &self.memory
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        // What a failed append left behind goes first.
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(line)?;
        self.file.sync_data()
    }
}

impl Store for FileStore {
    fn person(&self, person: &str) -> io::Result<Option<Person>> {
        self.memory.person(person)
    }

    fn snapshot(&self, snapshot: &str) -> io::Result<Option<Marks>> {
        self.memory.snapshot(snapshot)
    }

    fn unseen(&self, snapshot: &str) -> io::Result<Vec<String>> {
        self.memory.unseen(snapshot)
    }

    fn write(&mut self, decision: &Decision, gone: &[String]) -> io::Result<()> {
        let step = self.memory.step(decision, gone);
        if step == Step::default() {
            return Ok(());
        }
        if self.lines > 1000 + 2 * self.memory.persons.len() {
            (self.file, self.length, self.lines) = rewrite(&self.path, &self.memory)?;
        }
        let line = line_of(&step);
        self.append(&line)?;
        self.length += line.len() as u64;
        self.lines += 1;
        self.memory.replay(step);
        Ok(())
    }
}

fn rewrite(path: &Path, memory: &MemoryStore) -> io::Result<(File, u64, usize)> {
    let mut lines = Vec::new();
    for (id, person) in &memory.persons {
        lines.push(line_of(&Step { persons: vec![(id.clone(), person.clone())], ..Step::default() }));
    }
    if !memory.snapshots.is_empty() {
        let snapshots = memory.snapshots.clone().into_iter().collect();
        lines.push(line_of(&Step { snapshots, ..Step::default() }));
    }
    let beside = path.with_added_extension("new");
    let mut file = private().open(&beside)?;
    file.write_all(&lines.concat())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // A rename outlives a power cut once its folder is synced.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    let length = file.stream_position()?;
    Ok((file, length, lines.len()))
}

fn private() -> fs::OpenOptions {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn line_of(step: &Step) -> Vec<u8> {
    let mut line = Fields::new();
    let mut put = |name: &str, there: bool, value: Value| there.then(|| line.insert(name.to_owned(), value));
    let person = |person: &Person| json!({"last": person.last, "state": person.state});
    let persons: Fields = step.persons.iter().map(|(id, held)| (id.clone(), person(held))).collect();
    let open = |open: &OpenSnapshot| json!({"read": open.read, "seen": open.seen});
    let snapshots: Fields = step
        .snapshots
        .iter()
        .map(|(id, marks)| (id.clone(), marks.as_ref().map_or(Value::Null, open)))
        .collect();
    put("persons", !persons.is_empty(), persons.into());
    put("read", step.read.is_some(), json!(step.read));
    put("ended", step.ended.is_some(), json!(step.ended));
    put("snapshots", !snapshots.is_empty(), snapshots.into());
    let mut bytes = Value::Object(line).to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

fn read_line(line: &[u8]) -> Option<Step> {
    let line: Value = serde_json::from_slice(line).ok()?;
    let object = |name| line.get(name).and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts = |value: &Value| value.as_array()?.iter().map(text).collect::<Option<_>>();
    let person = |held: &Value| {
        Some(Person { last: held.get("last")?.as_u64()?, state: held.get("state")?.as_object().cloned() })
    };
    let marks = |marks: &Value| match marks {
        Value::Null => Some(None),
        open => Some(Some(OpenSnapshot { read: texts(open.get("read")?)?, seen: texts(open.get("seen")?)? })),
    };
    Some(Step {
        persons: object("persons")
            .map(|(id, held)| Some((id.clone(), person(held)?)))
            .collect::<Option<_>>()?,
        read: line.get("read").and_then(|read| Some((text(read.get(0)?)?, text(read.get(1)?)?))),
        ended: line.get("ended").and_then(text),
        snapshots: object("snapshots")
            .map(|(id, open)| Some((id.clone(), marks(open)?)))
            .collect::<Option<_>>()?,
    })
}
