//! The formats: each one a cutter of frames and a decoder of one frame.
//!
//! Bytes enter through `text` (any encoding becomes UTF-8), a `Cut` finds where each record ends, `cut::Cutter` turns
//! that into batches, and the decoder of the format fills a `Record`. Each file is one of those steps.

pub(crate) mod csv;
pub(crate) mod fixed;
pub(crate) mod json;
pub(crate) mod line;
pub(crate) mod lines;
pub(crate) mod text;
pub(crate) mod xml;

mod cut;
mod edge;
mod lookup;
#[cfg(test)]
mod testing;
