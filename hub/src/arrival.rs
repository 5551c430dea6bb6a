//! Arrivals: bytes that came by any way become deliveries in the archive, known to the store.
//!
//! A file that has come enters, unpacked and decrypted on the way; each extract in it leaves as a registered delivery. All of them
//! are staged before one is settled, so a wrapping that breaks off leaves nothing; once this returns they are durable.

use std::fs::File;
use std::io;
use std::sync::Arc;

use connectors::wrapping::{Keys, Limits, WrappingError, unwrap};
use hub_core::archive::{Archive, Staged};
use hub_core::clock::Clock;
use hub_core::code::Code;
use hub_core::connector::Fault;
use hub_core::delivery::{Delivery, DeliveryId};
use hub_core::store::{Registration, Store, StoreError};

/// A file that has come.
pub struct Parcel {
    /// Its bytes, at their start.
    pub file: File,
    /// The name it came under: a hint, never trusted.
    pub name: Option<String>,
    /// What opens it.
    pub keys: Keys,
    /// Most bytes it may unpack to.
    pub max_bytes: u64,
}

/// A delivery, and whether the hub had its bytes before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// As it is known; under the name it came with this time.
    pub delivery: Delivery,
    /// The same bytes came from the source before.
    pub known: bool,
}

/// An arrival that was not acknowledged: nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// What came cannot be opened, or is too large.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It could not be kept.
    #[error("the delivery could not be kept")]
    Archive(#[source] io::Error),
    /// It could not be made known.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ArrivalError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Fault(fault) => fault.code,
            Self::Archive(error) => code_of(error),
            Self::Store(error) => error.code(),
        }
    }
}

/// The code of a failed read or write.
pub fn code_of(error: &io::Error) -> Code {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Code::DiskFull
        }
        _ => Code::ArchiveFailed,
    }
}

impl From<WrappingError> for ArrivalError {
    fn from(error: WrappingError) -> Self {
        match error {
            WrappingError::Fault(fault) => Self::Fault(fault),
            WrappingError::Io(error) => Self::Archive(error),
        }
    }
}

/// Where arrivals are kept and made known.
#[derive(Clone)]
pub struct Arrivals {
    /// The bytes.
    pub archive: Arc<dyn Archive>,
    /// That they came.
    pub store: Arc<dyn Store>,
    /// When.
    pub clock: Arc<dyn Clock>,
}

impl Arrivals {
    /// Opens what came, without making any of it known. Dropped, it leaves nothing.
    ///
    /// # Errors
    /// When it cannot be opened or kept.
    pub async fn open(&self, parcel: Parcel) -> Result<Vec<Opened>, ArrivalError> {
        let archive = Arc::clone(&self.archive);
        let work = move || stage(archive.as_ref(), parcel);
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|lost| Err(ArrivalError::Archive(lost.into())))
    }

    /// Makes what was opened durable and known as deliveries of a source.
    ///
    /// # Errors
    /// When archive or store fail; called again with the same bytes, it goes on.
    pub async fn acknowledge(
        &self,
        source: &str,
        opened: Vec<Opened>,
    ) -> Result<Vec<Received>, ArrivalError> {
        let settle = move || -> io::Result<Vec<_>> {
            opened.into_iter().map(|extract| Ok((extract.staged.settle()?, extract.name))).collect()
        };
        let settled = tokio::task::spawn_blocking(settle).await.unwrap_or_else(|lost| Err(lost.into()));
        let mut received = Vec::new();
        for (kept, filename) in settled.map_err(ArrivalError::Archive)? {
            let delivery = Delivery {
                id: DeliveryId(self.clock.mint()),
                source: source.to_owned(),
                digest: kept.digest,
                size_bytes: kept.size_bytes,
                filename,
                received_at: self.clock.now(),
            };
            received.push(self.register(delivery).await?);
        }
        Ok(received)
    }

    async fn register(&self, delivery: Delivery) -> Result<Received, StoreError> {
        let first = match self.store.register(&delivery).await? {
            Registration::New => return Ok(Received { delivery, known: false }),
            Registration::Known(first) => first,
        };
        let known = self.store.delivery(first).await?;
        let known = known.ok_or(StoreError::Unreadable { context: "a delivery known by its digest" })?;
        // The same bytes under another name may be another file: some are told apart by it alone.
        Ok(Received { delivery: Delivery { filename: delivery.filename, ..known }, known: true })
    }
}

/// An extract, written where nobody finds it yet.
pub struct Opened {
    staged: Box<dyn Staged>,
    name: Option<String>,
}

impl Opened {
    /// BLAKE3 of its bytes.
    pub fn digest(&self) -> hub_core::delivery::Digest {
        self.staged.kept().digest
    }
}

fn stage(archive: &dyn Archive, parcel: Parcel) -> Result<Vec<Opened>, ArrivalError> {
    let limits = Limits { unpacked_bytes: parcel.max_bytes, ..Limits::default() };
    let mut opened = Vec::new();
    let mut take = |extract: connectors::wrapping::Extract<'_>| {
        let staged = archive.stage(extract.bytes)?;
        opened.push(Opened { staged, name: extract.name });
        Ok(())
    };
    unwrap(parcel.file, parcel.name.as_deref(), &parcel.keys, &limits, &mut take)?;
    Ok(opened)
}
