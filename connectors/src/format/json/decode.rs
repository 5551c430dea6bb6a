//! From the bytes of one JSON object to a `Record`.
//!
//! `serde_json` checks the whole object first, so that the walk after it meets only valid JSON. Members a mapping reads
//! become nodes, numbers keep the digits they were written with, `null` leaves nothing. Depth and nodes are capped.

use hub_core::code::Code;
use hub_core::connector::{Decoder, Fault, Limits};
use hub_core::record::{NameId, Names, Record};
use serde_json::value::RawValue;

use super::scan::{blank, value_end};
use crate::format::cut::{control_character, holds_control, not_utf8};
use crate::format::lookup::Lookup;

/// Decodes JSON objects.
#[derive(Debug)]
pub(super) struct JsonDecoder {
    names: Lookup,
    limits: Limits,
}

impl JsonDecoder {
    /// A decoder that keeps `names`.
    pub(super) fn new(names: &Names, limits: Limits) -> Self {
        Self { names: Lookup::all(names), limits }
    }
}

impl Decoder for JsonDecoder {
    fn decode(&self, frame: &[u8], record: &mut Record) -> Result<(), Fault> {
        record.clear();
        let text = std::str::from_utf8(frame).map_err(|_| not_utf8())?;
        let valid: Result<&RawValue, _> = serde_json::from_str(text);
        let text = valid.map_err(|e| malformed(&e))?.get();
        if !text.starts_with('{') {
            return Err(Fault::new(Code::MalformedJson, "expected an object, found another value"));
        }
        let mut walk = Walk { decoder: self, record, text, at: 0, nodes: 0 };
        walk.object(1)?;
        record.finish();
        Ok(())
    }
}

/// A walk over valid JSON.
struct Walk<'d> {
    decoder: &'d JsonDecoder,
    record: &'d mut Record,
    text: &'d str,
    at: usize,
    nodes: usize,
}

impl<'d> Walk<'d> {
    fn object(&mut self, depth: usize) -> Result<(), Fault> {
        self.deeper(depth)?;
        self.at += 1;
        while let Some(byte) = self.next_byte() {
            match byte {
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                b',' => self.at += 1,
                _ => self.member(depth)?,
            }
        }
        Ok(())
    }

    fn member(&mut self, depth: usize) -> Result<(), Fault> {
        let raw = self.token();
        let name = self.name(raw)?;
        self.next_byte();
        self.at += 1;
        if let Some(name) = name {
            return self.value(name, depth);
        }
        self.next_byte();
        self.token();
        self.count()
    }

    fn name(&self, raw: &str) -> Result<Option<NameId>, Fault> {
        Ok(match plain(raw) {
            Some(name) => self.decoder.names.get(name),
            None => self.decoder.names.get(&unescaped(raw)?),
        })
    }

    fn value(&mut self, name: NameId, depth: usize) -> Result<(), Fault> {
        match self.next_byte() {
            Some(b'{') => {
                self.count()?;
                self.record.open(name);
                self.object(depth + 1)?;
                self.record.close();
                Ok(())
            }
            Some(b'[') => self.array(name, depth + 1),
            _ => self.scalar(name),
        }
    }

    fn array(&mut self, name: NameId, depth: usize) -> Result<(), Fault> {
        self.deeper(depth)?;
        self.at += 1;
        while let Some(byte) = self.next_byte() {
            match byte {
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                b',' => self.at += 1,
                _ => self.value(name, depth)?,
            }
        }
        Ok(())
    }

    fn scalar(&mut self, name: NameId) -> Result<(), Fault> {
        self.count()?;
        let raw = self.token();
        match plain(raw) {
            Some(text) => self.record.leaf(name, text),
            None if raw.starts_with('"') => self.record.leaf(name, &unescaped(raw)?),
            None if raw == "null" => {}
            None => self.record.leaf(name, raw),
        }
        Ok(())
    }

    fn next_byte(&mut self) -> Option<u8> {
        self.at = blank(self.text.as_bytes(), self.at);
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes the value at hand and gives it as written.
    fn token(&mut self) -> &'d str {
        let text = self.text;
        let from = self.at;
        self.at = value_end(text.as_bytes(), from).unwrap_or(text.len());
        text.get(from..self.at).unwrap_or_default()
    }

    fn count(&mut self) -> Result<(), Fault> {
        self.nodes += 1;
        let most = self.decoder.limits.nodes;
        if self.nodes > most {
            return Err(Fault::new(Code::TooDeep, format!("expected at most {most} members, found more")));
        }
        Ok(())
    }

    fn deeper(&self, depth: usize) -> Result<(), Fault> {
        let most = self.decoder.limits.depth;
        if depth > most {
            return Err(Fault::new(Code::TooDeep, format!("expected at most {most} levels, found more")));
        }
        Ok(())
    }
}

/// The inside of a string that needs no unescaping.
fn plain(raw: &str) -> Option<&str> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    memchr::memchr(b'\\', inside.as_bytes()).is_none().then_some(inside)
}

fn unescaped(raw: &str) -> Result<String, Fault> {
    let text: String = serde_json::from_str(raw).map_err(|e| malformed(&e))?;
    if holds_control(text.as_bytes()) { Err(control_character()) } else { Ok(text) }
}

fn malformed(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let detail =
        format!("expected valid JSON, found a mistake at line {line}, column {column} of the record");
    Fault::new(Code::MalformedJson, detail)
}
