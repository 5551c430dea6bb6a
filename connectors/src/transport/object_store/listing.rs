//! What stands under a prefix, odd keys apart.
//!
//! A store enters, every object that is wanted and whose key can be spoken of leaves, and the keys that cannot. The library reads keys
//! as paths and gives up a whole page for one key with an empty segment, a dot or a control character in it; here the page is
//! halved until that key stands alone. A listing that does not end is given up.

use futures_util::StreamExt as _;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::{self, Path};
use object_store::{Error, ObjectMeta, ObjectStore, Result};

/// What servers give at most.
const PAGE_KEYS: usize = 1000;
/// Keys looked at before a listing is held to have no end.
const MOST_KEYS: usize = 2_000_000;

/// What a listing found.
#[derive(Default)]
pub(super) struct Found {
    /// What is wanted.
    pub(super) objects: Vec<ObjectMeta>,
    /// Keys that are no paths.
    pub(super) odd: Vec<String>,
    /// It was given up: there are too many keys, or the same come again and again.
    pub(super) endless: bool,
}

/// Lists a store that is read page by page.
pub(super) async fn by_page(
    store: &dyn PaginatedListStore,
    prefix: &Path,
    wanted: impl Fn(&ObjectMeta) -> bool,
) -> Result<Found> {
    let prefix = (!prefix.is_root()).then(|| format!("{prefix}/"));
    let (mut from, mut keys) = (PaginatedListOptions::default(), PAGE_KEYS);
    let (mut found, mut seen) = (Found::default(), 0);
    while seen < MOST_KEYS {
        from.max_keys = Some(keys);
        match store.list_paginated(prefix.as_deref(), from.clone()).await {
            Ok(page) => {
                seen += page.result.objects.len().max(1);
                found.objects.extend(page.result.objects.into_iter().filter(&wanted));
                if page.page_token.is_none() {
                    return Ok(found);
                }
                if page.page_token == from.page_token {
                    break;
                }
                from.page_token = page.page_token;
                keys = (keys * 2).min(PAGE_KEYS);
            }
            Err(Error::InvalidPath { .. }) if keys > 1 => keys /= 2,
            Err(Error::InvalidPath { source }) => {
                let odd = odd_key(source)?;
                if from.offset.as_ref() == Some(&odd) {
                    break;
                }
                seen += 1;
                found.odd.push(odd.clone());
                from = PaginatedListOptions { offset: Some(odd), ..PaginatedListOptions::default() };
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Found { endless: true, ..found })
}

/// Lists a store that is read at once.
pub(super) async fn at_once(
    store: &dyn ObjectStore,
    prefix: &Path,
    wanted: impl Fn(&ObjectMeta) -> bool,
) -> Result<Found> {
    let (mut listed, mut found) = (store.list(Some(prefix)), Found::default());
    while let Some(object) = listed.next().await {
        match object {
            Err(Error::InvalidPath { source }) => found.odd.push(odd_key(source)?),
            object => found.objects.extend(Some(object?).filter(&wanted)),
        }
    }
    Ok(found)
}

/// The key that is no path, so that the listing goes on behind it.
fn odd_key(error: path::Error) -> Result<String> {
    match error {
        path::Error::EmptySegment { path } | path::Error::BadSegment { path, .. } => Ok(path),
        source => Err(Error::InvalidPath { source }),
    }
}
