//! What stands under a prefix, odd keys left out.
//!
//! A store enters, every object whose key can be spoken of leaves. The library reads keys as paths and gives up a whole page for
//! one key with an empty segment, a dot or a control character in it; here the page is halved until that key stands alone.

use futures_util::StreamExt as _;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::{self, Path};
use object_store::{Error, ObjectMeta, ObjectStore, Result};
use tracing::warn;

/// What servers give at most.
const PAGE_KEYS: usize = 1000;

/// Lists a store that is read page by page.
pub(super) async fn by_page(store: &dyn PaginatedListStore, prefix: &Path) -> Result<Vec<ObjectMeta>> {
    let prefix = (!prefix.is_root()).then(|| format!("{prefix}/"));
    let (mut from, mut keys, mut objects) = (PaginatedListOptions::default(), PAGE_KEYS, Vec::new());
    loop {
        from.max_keys = Some(keys);
        match store.list_paginated(prefix.as_deref(), from.clone()).await {
            Ok(page) => {
                objects.extend(page.result.objects);
                if page.page_token.is_none() {
                    return Ok(objects);
                }
                from.page_token = page.page_token;
                keys = (keys * 2).min(PAGE_KEYS);
            }
            Err(Error::InvalidPath { .. }) if keys > 1 => keys /= 2,
            Err(Error::InvalidPath { source }) => {
                let odd = odd_key(source)?;
                from = PaginatedListOptions { offset: Some(odd), ..PaginatedListOptions::default() };
            }
            Err(error) => return Err(error),
        }
    }
}

/// Lists a store that is read at once.
pub(super) async fn at_once(store: &dyn ObjectStore, prefix: &Path) -> Result<Vec<ObjectMeta>> {
    let (mut listed, mut objects) = (store.list(Some(prefix)), Vec::new());
    while let Some(object) = listed.next().await {
        match object {
            Err(Error::InvalidPath { .. }) => left_out(),
            object => objects.push(object?),
        }
    }
    Ok(objects)
}

/// The key that is no path, so that the listing goes on behind it.
fn odd_key(error: path::Error) -> Result<String> {
    match error {
        path::Error::EmptySegment { path } | path::Error::BadSegment { path, .. } => {
            left_out();
            Ok(path)
        }
        source => Err(Error::InvalidPath { source }),
    }
}

fn left_out() {
    warn!("an object was left out: its key has an empty segment, a dot alone or a control character");
}
