//! The survey of a delivery: cut once to its end without decoding, before anything of it is applied.
//!
//! A delivery that cannot be read to its end leaves a fault, any other what there is to know of it: how many records, what its
//! envelope says, which columns it lacks, how its letters are written.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use crate::code::Code;
use crate::connector::{Accents, Decoder, Dialect, Fault, Formats, Frames};
use crate::mapping::{self, Envelope, Mapping};
use crate::record::Record;

use super::repeated::Hashes;
use super::unread::{Partly, Unread};
use super::{BATCH_BYTES, BATCH_RECORDS};

/// What cutting a delivery without decoding it shows.
pub(super) struct Survey {
    pub records: u64,
    pub envelope: Envelope,
    pub totals: Vec<Option<u64>>,
    /// Fields some of whose columns the header does not have.
    pub unread: Unread,
    /// Those columns, when their absence is worth telling.
    pub unread_columns: BTreeSet<String>,
    /// The hashes of its frames.
    pub hashes: Hashes,
    /// Emitter of the first record that can be read; empty when there is none among the first batch.
    pub emitter: String,
    pub decoder: Arc<dyn Decoder>,
    /// How its bytes are read.
    pub dialect: Dialect,
    /// It is read as windows-1252 although nothing declares it.
    pub of_windows: bool,
    accents: Accents,
}

/// Surveys a delivery, which `open` opens. Delimited text in which not one letter is UTF-8 is what spreadsheets on a French Windows
/// write when nobody asks for another encoding.
///
/// # Errors
/// When the bytes cannot be opened.
pub(super) fn survey(
    formats: &dyn Formats,
    open: &dyn Fn() -> io::Result<Box<dyn Read + Send>>,
    mapping: &Mapping,
) -> io::Result<Result<Survey, Fault>> {
    let surveyed = cut_through(formats, open()?, mapping, mapping.dialect.clone());
    let foreign = Accents::are_foreign(surveyed.as_ref().map(|survey| survey.accents));
    let Some(windows) = mapping.dialect.of_windows().filter(|_| foreign) else { return Ok(surveyed) };
    Ok(match cut_through(formats, open()?, mapping, windows) {
        Ok(survey) if !survey.accents.other => Ok(Survey { of_windows: true, ..survey }),
        _ => surveyed,
    })
}

/// Cuts a whole delivery.
fn cut_through(
    formats: &dyn Formats,
    bytes: Box<dyn Read + Send>,
    mapping: &Mapping,
    dialect: Dialect,
) -> Result<Survey, Fault> {
    let mut opened = formats.open(bytes, &dialect)?;
    let envelope = mapping.envelope(opened.framer.header());
    let mut records = 0;
    let mut frames = Frames::default();
    let (mut emitter, mut hashes) = (String::new(), Hashes::default());
    let mut accents = opened.columns.as_deref().map(Accents::of_header).unwrap_or_default();
    loop {
        opened.framer.next_batch(&mut frames, BATCH_RECORDS, BATCH_BYTES)?;
        if frames.frames.is_empty() {
            break;
        }
        if records == 0 {
            emitter = first_emitter(opened.decoder.as_ref(), mapping, &frames).unwrap_or_default();
        }
        records += frames.frames.len() as u64;
        frames.frames.iter().for_each(|frame| hashes.insert(mapping.seeded(frame.hash)));
        accents.see(&frames);
    }
    if records == 0 && (envelope.snapshot || envelope.created.is_empty()) {
        return Err(Fault::new(Code::EmptyDelivery, "expected at least one record, found none"));
    }
    let totals = mapping.announced_totals(opened.framer.trailer());
    let unread = opened.columns.as_deref().map(|header| mapping.unread(header)).unwrap_or_default();
    let told = unread.iter().filter(|_| !mapping.keeps_blanks());
    let unread_columns =
        told.flat_map(|unread| unread.columns.iter().map(|name| (*name).to_owned())).collect();
    let partly =
        |unread: mapping::Unread<'_>| (unread.field, Partly { there: unread.there, members: unread.members });
    let unread = unread.into_iter().map(partly).collect();
    let (decoder, of_windows) = (Arc::from(opened.decoder), false);
    Ok(Survey {
        records,
        envelope,
        totals,
        unread,
        unread_columns,
        hashes,
        emitter,
        decoder,
        dialect,
        of_windows,
        accents,
    })
}

fn first_emitter(decoder: &dyn Decoder, mapping: &Mapping, frames: &Frames) -> Option<String> {
    let mut record = Record::default();
    let mut whole = frames.frames.iter().filter(|frame| frame.fault.is_none());
    whole.find_map(|frame| {
        decoder.decode(frames.bytes_of(frame), &mut record).ok()?;
        Some(mapping.identify(&record)?.0.into())
    })
}
