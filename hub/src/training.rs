//! The claims a policy is trained on: those of the store, or those of a labelled folder without its labels.
//!
//! A store or a folder enters, claims as identity hears them leave, all in memory at once: two of one person may stand anywhere.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::Path;

use hub_core::canonical::Canon;
use hub_core::delivery::PersonId;
use hub_core::identity::{IdentityFields, Member, Policy, Profile, Span, crowd};
use hub_core::mapping::Catalogue;
use hub_core::pipeline::Progress;
use hub_core::statement::Statement;
use hub_core::store::Store;
use uuid::Uuid;

use crate::measuring;

/// Persons asked of the store at once.
const PAGE: u32 = 1_000;

/// Claims to learn from.
pub struct Lesson {
    /// What identity hears.
    pub members: Vec<Member>,
    /// How many persons they are taken for.
    pub persons: u64,
}

/// Reads the claims of a store, page by page.
///
/// # Errors
/// When the store fails.
pub async fn of_store(store: &dyn Store, canon: &Canon, progress: &dyn Progress) -> anyhow::Result<Lesson> {
    let identity = IdentityFields::of(canon);
    let (persons, _, _) = store.sizes().await?;
    let mut members = Vec::new();
    let (mut after, mut read) = (PersonId(Uuid::nil()), 0);
    loop {
        let page = store.people(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = *last;
        for person in store.persons(&page).await? {
            members.extend(person.statements.iter().filter_map(|claim| member(claim, &identity)));
        }
        read += page.len() as u64;
        progress.advance(read, persons.max(read));
    }
    progress.advance(read, read);
    Ok(Lesson { members, persons })
}

/// A claim, unless it names nobody.
fn member(claim: &Statement, identity: &IdentityFields) -> Option<Member> {
    let traits = identity.traits_of(claim);
    let stands = (hash(&(&claim.source, &claim.emitter, &claim.record_key)), hash(&claim.key));
    let span = Span::of(claim);
    traits.has_a_name().then(|| Member { profile: Profile::of(&traits, span), stands, span })
}

/// Tells records apart inside one process.
fn hash(text: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Reads the claims of a labelled folder; their labels stay unread.
///
/// # Errors
/// As [`measuring::read`].
pub fn of_folder(
    folder: &Path,
    (canon, catalogue): (&Canon, &Catalogue),
    policy: &Policy,
) -> anyhow::Result<Lesson> {
    let members = measuring::read(folder, canon, catalogue)?.members;
    let persons = crowd::sort(&members, policy).groups as u64;
    Ok(Lesson { members, persons })
}
