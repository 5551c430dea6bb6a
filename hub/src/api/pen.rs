//! One piece at a time is written to an upload: whoever has its pen.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use hub_core::code::Code;
use uuid::Uuid;

use super::problem::Problem;

/// Uploads to which a piece is being written: one at a time.
#[derive(Default)]
pub(super) struct Pens {
    busy: Arc<Mutex<HashSet<Uuid>>>,
}

/// The right to write to an upload, given back when dropped.
pub(super) struct Pen {
    busy: Arc<Mutex<HashSet<Uuid>>>,
    id: Uuid,
}

impl Drop for Pen {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Pens {
    /// The pen of an upload, given back when dropped.
    pub(super) fn pen(&self, id: Uuid) -> Result<Pen, Problem> {
        if self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            return Ok(Pen { busy: Arc::clone(&self.busy), id });
        }
        let detail = "another piece of this upload is being written";
        Err(Problem::new(StatusCode::LOCKED, Code::UploadOffset, detail))
    }
}
