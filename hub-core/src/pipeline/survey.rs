//! The survey of a delivery: cut once to its end without decoding, before anything of it is applied.
//!
//! A delivery that cannot be read to its end leaves a fault, any other what there is to know of it: how many records, what its
//! envelope says, which columns it lacks, how its letters are written. Its frames are shown to whoever looks on meanwhile.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::SendError;

use crate::code::Code;
use crate::connector::{Accents, Decoder, Dialect, Fault, Formats, Frames, Opened};
use crate::mapping::{self, Envelope, Mapping};
use crate::record::Record;

use super::BATCH_BYTES;
use super::look::Look;
use super::repeated::Hashes;
use super::unread::{Partly, Unread};

/// Frames shown at once at most.
const SHOWN: usize = 4_096;

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
    /// What those who looked on saw; nobody did when left out.
    pub look: Option<Look>,
    pub accents: Accents,
}

/// What a survey shows while it goes on.
pub(super) enum Shown {
    /// It begins, or begins again because it read the letters wrongly.
    Begins {
        /// Decodes the frames to come.
        decoder: Arc<dyn Decoder>,
        /// Emitter of the first record that can be read.
        emitter: String,
    },
    /// The next frames.
    Frames(Frames),
}

/// Surveys a delivery, which `open` opens, and shows it to `onlooker`, who may have gone. Delimited text in which not one letter is UTF-8 is what spreadsheets on a French Windows
/// write when nobody asks for another encoding.
///
/// # Errors
/// When the bytes cannot be opened.
pub(super) fn survey(
    formats: &dyn Formats,
    open: &dyn Fn() -> io::Result<Box<dyn Read + Send>>,
    mapping: &Mapping,
    onlooker: &Sender<Shown>,
) -> io::Result<Result<Survey, Fault>> {
    let cut_through = |dialect: Dialect| -> io::Result<Result<Survey, Fault>> {
        let opened = formats.open(open()?, &dialect);
        Ok(cut_through(opened, mapping, dialect, onlooker))
    };
    let surveyed = cut_through(mapping.dialect.clone())?;
    let foreign = Accents::are_foreign(surveyed.as_ref().map(|survey| survey.accents));
    let Some(windows) = mapping.dialect.of_windows().filter(|_| foreign) else { return Ok(surveyed) };
    Ok(match cut_through(windows)? {
        Ok(survey) if !survey.accents.other => Ok(Survey { of_windows: true, ..survey }),
        _ => surveyed,
    })
}

/// Cuts a whole delivery.
fn cut_through(
    opened: Result<Opened, Fault>,
    mapping: &Mapping,
    dialect: Dialect,
    onlooker: &Sender<Shown>,
) -> Result<Survey, Fault> {
    let Opened { mut framer, decoder, columns } = opened?;
    let decoder: Arc<dyn Decoder> = Arc::from(decoder);
    let envelope = mapping.envelope(framer.header());
    let mut records = 0;
    let mut frames = Frames::default();
    let (mut emitter, mut hashes) = (String::new(), Hashes::default());
    let mut accents = columns.as_deref().map(Accents::of_header).unwrap_or_default();
    loop {
        framer.next_batch(&mut frames, SHOWN, BATCH_BYTES)?;
        if frames.frames.is_empty() {
            break;
        }
        if records == 0 {
            emitter = first_emitter(decoder.as_ref(), mapping, &frames).unwrap_or_default();
            let begins = Shown::Begins { decoder: Arc::clone(&decoder), emitter: emitter.clone() };
            // Nobody may look on.
            drop(onlooker.blocking_send(begins));
        }
        records += frames.frames.len() as u64;
        frames.frames.iter().for_each(|frame| hashes.insert(mapping.seeded(frame.hash)));
        accents.see(&frames);
        frames = show(frames, onlooker);
    }
    if records == 0 && (envelope.snapshot || envelope.created.is_empty()) {
        return Err(Fault::new(Code::EmptyDelivery, "expected at least one record, found none"));
    }
    let totals = mapping.announced_totals(framer.trailer());
    let unread = columns.as_deref().map(|header| mapping.unread(header)).unwrap_or_default();
    let told = unread.iter().filter(|_| !mapping.keeps_blanks());
    let unread_columns =
        told.flat_map(|unread| unread.columns.iter().map(|name| (*name).to_owned())).collect();
    let partly =
        |unread: mapping::Unread<'_>| (unread.field, Partly { there: unread.there, members: unread.members });
    let unread = unread.into_iter().map(partly).collect();
    let (look, of_windows) = (None, false);
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
        look,
        accents,
    })
}

/// Shows frames; a buffer for the next ones comes back.
fn show(frames: Frames, onlooker: &Sender<Shown>) -> Frames {
    match onlooker.blocking_send(Shown::Frames(frames)) {
        Err(SendError(Shown::Frames(unseen))) => unseen,
        _ => Frames::default(),
    }
}

fn first_emitter(decoder: &dyn Decoder, mapping: &Mapping, frames: &Frames) -> Option<String> {
    let mut record = Record::default();
    let mut whole = frames.frames.iter().filter(|frame| frame.fault.is_none());
    whole.find_map(|frame| {
        decoder.decode(frames.bytes_of(frame), &mut record).ok()?;
        Some(mapping.identify(&record)?.0.into())
    })
}
