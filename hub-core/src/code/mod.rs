//! The stable codes of everything that can go wrong, and what each means in French and English.
//!
//! A code is a promise: its number never changes meaning. `dlnuf explain` and every report read this one table; the texts are
//! data, in `catalogue.yaml` beside this file, and a test holds the two together.

mod entry;
mod text;

pub use entry::{Entry, Text};
pub use text::UnknownDiagnostic;

use entry::CATALOGUE;

/// A stable diagnostic code, shown as `DLN0412`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Code {
    /// Empty delivery.
    EmptyDelivery = 101,
    /// Not a known format.
    NotTheFormat = 102,
    /// Truncated delivery.
    Truncated = 103,
    /// Compressed archive.
    Compressed = 104,
    /// Unknown encoding.
    UnknownEncoding = 105,
    /// Document type refused.
    DoctypeRefused = 106,
    /// Header too large.
    HeaderTooLarge = 107,
    /// Missing columns.
    MissingColumns = 108,
    /// No mapping recognises it.
    NoMapping = 109,
    /// Several mappings recognise it.
    AmbiguousMapping = 110,
    /// Already received.
    AlreadyReceived = 111,
    /// Wrong control total.
    ControlTotal = 112,
    /// Same header, other content.
    SameHeader = 113,
    /// Older delivery.
    OlderDelivery = 114,
    /// Absences not judged.
    AbsenceNotJudged = 115,
    /// Mapped columns not there.
    UnreadColumns = 116,
    /// Date of creation unknown.
    UnknownCreation = 117,
    /// Record stated again since.
    StatedSince = 118,
    /// Two persons under one number of one file.
    SharedNumber = 119,
    /// A delimited delivery read as windows-1252 instead of UTF-8.
    ReadAsWindows = 120,
    /// Volume far from the last ones.
    VolumeGuard = 121,
    /// Too many records refused.
    RejectGuard = 122,
    /// Too many rights closed.
    ClosureGuard = 123,
    /// Too many unknown codes.
    CodeGuard = 124,
    /// Correction of refused records.
    Correction = 127,
    /// Corrects an unknown delivery.
    UnknownCorrected = 128,
    /// Record too large.
    RecordTooLarge = 201,
    /// Malformed XML.
    MalformedXml = 202,
    /// Bad CSV row.
    MalformedCsv = 203,
    /// Malformed JSON.
    MalformedJson = 204,
    /// Wrong encoding.
    WrongEncoding = 205,
    /// Nested too deeply.
    TooDeep = 206,
    /// Unknown entity.
    EntityRefused = 207,
    /// Control character.
    ControlCharacter = 208,
    /// Required value missing.
    MissingValue = 301,
    /// Invalid date.
    InvalidDate = 302,
    /// Invalid NIR.
    InvalidNir = 303,
    /// Wrong NIR key.
    WrongNirKey = 304,
    /// Unknown code.
    UnknownCode = 305,
    /// Invalid number.
    InvalidNumber = 306,
    /// Invalid phone number.
    InvalidPhone = 307,
    /// Invalid e-mail address.
    InvalidEmail = 308,
    /// Invalid identifier.
    InvalidIdentifier = 309,
    /// Invalid boolean.
    InvalidBoolean = 310,
    /// Provisional NIR.
    ProvisionalNir = 311,
    /// Number from a spreadsheet.
    LostPrecision = 312,
    /// Invalid place code.
    UnlikelyPlace = 313,
    /// No person.
    NoPerson = 314,
    /// Several persons possible.
    SeveralPersons = 315,
    /// Contradictory values.
    Contradiction = 316,
    /// Date in the future.
    FutureDate = 317,
    /// Two persons to examine.
    ToExamine = 318,
    /// A look-up key too many share.
    CrowdedKey = 319,
    /// A number now borne by somebody else.
    PassedNumber = 320,
    /// Commune in no list.
    UnknownCommune = 321,
    /// Postal code of another commune.
    PostalMismatch = 322,
    /// Name of another commune.
    CommuneNameMismatch = 323,
    /// Département of another place.
    DepartementMismatch = 324,
    /// Doubtful SIRET.
    DoubtfulSiret = 325,
    /// Doubtful ROME code.
    DoubtfulRome = 326,
    /// Doubtful SAFIR code.
    DoubtfulSafir = 327,
    /// NIR of the other sex.
    NirSexMismatch = 328,
    /// NIR of another birth date.
    NirBirthMismatch = 329,
    /// NIR of another birthplace.
    NirBirthplaceMismatch = 330,
    /// The record's emitter cannot be read.
    UnknownEmitter = 331,
    /// Quite another identity under one number.
    FarCorrection = 332,
    /// Unreadable YAML.
    MappingSyntax = 401,
    /// Unknown key.
    UnknownKey = 402,
    /// Unknown canonical field.
    UnknownField = 403,
    /// Unknown operation.
    UnknownOperation = 404,
    /// Bad path.
    BadPath = 405,
    /// Bad condition.
    BadExpression = 406,
    /// Code list not found.
    UnknownCodeList = 407,
    /// Bad code list.
    BadCodeList = 408,
    /// Value outside the enumeration.
    CodeTarget = 409,
    /// List and single field.
    ListMismatch = 410,
    /// Rule without a source.
    MissingSource = 411,
    /// Operation and type.
    OperationType = 412,
    /// Duplicate mapping.
    DuplicateMapping = 413,
    /// Bad format.
    BadFormat = 414,
    /// Case failed.
    CaseFailed = 415,
    /// Person without identity.
    NeverIdentified = 416,
    /// Unexpected shape.
    MappingShape = 417,
    /// Mistake in the identity policy.
    IdentityPolicy = 418,
    /// Run halted.
    Halted = 501,
    /// Store unreachable.
    StoreUnreachable = 502,
    /// Concurrent write.
    StoreConflict = 503,
    /// Wrong protection key.
    StoreKey = 504,
    /// Archive unreachable.
    ArchiveFailed = 505,
    /// Broker unreachable.
    BrokerUnreachable = 601,
    /// Event without a queue.
    Unroutable = 602,
    /// A subscriber's webhook does not take events.
    WebhookFailed = 603,
    /// A subscriber's webhook failed as often as it may.
    WebhookDisabled = 604,
    /// A subscriber's webhook leads where nothing is called.
    WebhookForbidden = 605,
    /// A subscriber's queue takes nothing.
    QueueSilent = 606,
    /// A subscriber's queue was no longer bound.
    BindingLost = 607,
    /// Bad configuration.
    BadConfig = 701,
    /// Not found.
    NotFound = 702,
    /// Request not understood.
    BadRequest = 703,
    /// Unknown cursor.
    UnknownCursor = 704,
    /// Not known yet then.
    NotYetKnown = 705,
    /// Token refused.
    TokenRefused = 801,
    /// Unknown source.
    UnknownSource = 802,
    /// Digest mismatch.
    DigestMismatch = 803,
    /// Delivery too large.
    TooLarge = 804,
    /// Wrapping refused.
    Unpackable = 805,
    /// Cannot be decrypted.
    CannotDecrypt = 806,
    /// Idempotency key used again.
    KeyReused = 807,
    /// Disk full.
    DiskFull = 808,
    /// Wrong upload offset.
    UploadOffset = 809,
    /// Unknown upload.
    UnknownUpload = 810,
    /// Place unreachable.
    PlaceUnreachable = 811,
    /// Host key not the pinned one.
    HostKeyChanged = 812,
    /// Login refused.
    LoginRefused = 813,
    /// Answer not understood.
    AnswerNotUnderstood = 814,
    /// Not allowed at the place.
    PlaceRefused = 815,
    /// Too many requests.
    TooManyRequests = 816,
    /// Person not known at the place.
    PersonUnknownThere = 817,
    /// Several persons at the place.
    SeveralThere = 818,
    /// The feed did not come.
    FeedMissing = 819,
    /// The feed came after all.
    FeedCame = 820,
    /// A pull failed.
    PullFailed = 821,
    /// Pulls work again.
    PullRecovered = 822,
    /// Unknown content coding.
    UnknownCoding = 823,
    /// Not held.
    NotHeld = 824,
    /// Upload interrupted.
    Interrupted = 825,
    /// A name nobody can be told.
    UnusableName = 831,
    /// Changed since it was offered.
    OfferChanged = 832,
    /// A profile or subscription cannot be read.
    SubscriptionSyntax = 901,
    /// A profile lists a field there is not.
    UnknownScopeField = 902,
    /// A profile lists a field it may not hold without a text.
    ReservedField = 903,
    /// A subscription's basis has expired.
    SubscriptionExpired = 904,
    /// A subscription names a profile there is not.
    UnknownProfile = 905,
    /// A subscription says something it cannot say.
    BadSubscription = 906,
    /// A subscriber asks about persons and may not, or may not any more today.
    ConsultationRefused = 907,
}

impl Code {
    /// Every code, in numeric order.
    pub const ALL: &'static [Self] = &[
        Self::EmptyDelivery,
        Self::NotTheFormat,
        Self::Truncated,
        Self::Compressed,
        Self::UnknownEncoding,
        Self::DoctypeRefused,
        Self::HeaderTooLarge,
        Self::MissingColumns,
        Self::NoMapping,
        Self::AmbiguousMapping,
        Self::AlreadyReceived,
        Self::ControlTotal,
        Self::SameHeader,
        Self::OlderDelivery,
        Self::AbsenceNotJudged,
        Self::UnreadColumns,
        Self::UnknownCreation,
        Self::StatedSince,
        Self::SharedNumber,
        Self::ReadAsWindows,
        Self::VolumeGuard,
        Self::RejectGuard,
        Self::ClosureGuard,
        Self::CodeGuard,
        Self::Correction,
        Self::UnknownCorrected,
        Self::RecordTooLarge,
        Self::MalformedXml,
        Self::MalformedCsv,
        Self::MalformedJson,
        Self::WrongEncoding,
        Self::TooDeep,
        Self::EntityRefused,
        Self::ControlCharacter,
        Self::MissingValue,
        Self::InvalidDate,
        Self::InvalidNir,
        Self::WrongNirKey,
        Self::UnknownCode,
        Self::InvalidNumber,
        Self::InvalidPhone,
        Self::InvalidEmail,
        Self::InvalidIdentifier,
        Self::InvalidBoolean,
        Self::ProvisionalNir,
        Self::LostPrecision,
        Self::UnlikelyPlace,
        Self::NoPerson,
        Self::SeveralPersons,
        Self::Contradiction,
        Self::FutureDate,
        Self::ToExamine,
        Self::CrowdedKey,
        Self::PassedNumber,
        Self::UnknownCommune,
        Self::PostalMismatch,
        Self::CommuneNameMismatch,
        Self::DepartementMismatch,
        Self::DoubtfulSiret,
        Self::DoubtfulRome,
        Self::DoubtfulSafir,
        Self::NirSexMismatch,
        Self::NirBirthMismatch,
        Self::NirBirthplaceMismatch,
        Self::UnknownEmitter,
        Self::FarCorrection,
        Self::MappingSyntax,
        Self::UnknownKey,
        Self::UnknownField,
        Self::UnknownOperation,
        Self::BadPath,
        Self::BadExpression,
        Self::UnknownCodeList,
        Self::BadCodeList,
        Self::CodeTarget,
        Self::ListMismatch,
        Self::MissingSource,
        Self::OperationType,
        Self::DuplicateMapping,
        Self::BadFormat,
        Self::CaseFailed,
        Self::NeverIdentified,
        Self::MappingShape,
        Self::IdentityPolicy,
        Self::Halted,
        Self::StoreUnreachable,
        Self::StoreConflict,
        Self::StoreKey,
        Self::ArchiveFailed,
        Self::BrokerUnreachable,
        Self::Unroutable,
        Self::WebhookFailed,
        Self::WebhookDisabled,
        Self::WebhookForbidden,
        Self::QueueSilent,
        Self::BindingLost,
        Self::BadConfig,
        Self::NotFound,
        Self::BadRequest,
        Self::UnknownCursor,
        Self::NotYetKnown,
        Self::TokenRefused,
        Self::UnknownSource,
        Self::DigestMismatch,
        Self::TooLarge,
        Self::Unpackable,
        Self::CannotDecrypt,
        Self::KeyReused,
        Self::DiskFull,
        Self::UploadOffset,
        Self::UnknownUpload,
        Self::PlaceUnreachable,
        Self::HostKeyChanged,
        Self::LoginRefused,
        Self::AnswerNotUnderstood,
        Self::PlaceRefused,
        Self::TooManyRequests,
        Self::PersonUnknownThere,
        Self::SeveralThere,
        Self::FeedMissing,
        Self::FeedCame,
        Self::PullFailed,
        Self::PullRecovered,
        Self::UnknownCoding,
        Self::NotHeld,
        Self::Interrupted,
        Self::UnusableName,
        Self::OfferChanged,
        Self::SubscriptionSyntax,
        Self::UnknownScopeField,
        Self::ReservedField,
        Self::SubscriptionExpired,
        Self::UnknownProfile,
        Self::BadSubscription,
        Self::ConsultationRefused,
    ];

    /// What the code means; every code has an entry.
    pub fn entry(self) -> &'static Entry {
        static BLANK: Entry = Entry::blank();
        CATALOGUE.get(&self.to_string()).unwrap_or(&BLANK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_in_both_languages_and_no_text_is_left_over() {
        assert_eq!(CATALOGUE.len(), Code::ALL.len());
        for code in Code::ALL {
            let entry = code.entry();
            for text in [&entry.fr, &entry.en] {
                assert!(
                    !text.title.is_empty() && !text.cause.is_empty() && !text.remedy.is_empty(),
                    "{code}"
                );
            }
            assert_eq!(code.to_string().parse(), Ok(*code));
        }
        assert!("DLN9999".parse::<Code>().is_err());
    }

    #[test]
    fn a_sender_is_told_of_nothing_it_does_not_have() {
        let told = |code: &&Code| {
            let concerns = code.entry().concerns.as_str();
            let at_places = (Code::PlaceUnreachable..=Code::PullRecovered).contains(*code);
            let ours = at_places || [Code::NotHeld, Code::NotFound].contains(*code);
            !ours && ["delivery", "record", "value", "warning", "request", "run"].contains(&concerns)
        };
        for code in Code::ALL.iter().filter(told) {
            let (french, english) = (code.entry().fr.for_sender(), code.entry().en.for_sender());
            assert!(!french.contains("dlnuf") && !french.contains("--"), "{code}: {french}");
            // Receipts are French; English is told over HTTP only.
            let by_http = ["request", "run"].contains(&code.entry().concerns.as_str());
            assert!(!by_http || !english.contains("dlnuf"), "{code}: {english}");
            assert!(!french.contains("correspondance"), "{code}: {french}");
        }
    }
}
