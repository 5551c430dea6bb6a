//! Lists that come page by page: how the next page is asked for, and when there is none.

use std::collections::HashSet;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use reqwest::header::{CONTENT_RANGE, HeaderValue, LINK, RANGE};
use reqwest::{Request, Url};
use serde::Deserialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::answer::Answer;
use super::json;
use super::tls::same_host;

/// How a list is cut into pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Paging {
    /// It is not.
    #[default]
    None,
    /// The header `Link` names the next page (RFC 8288).
    NextLink,
    /// By a number, until a page is empty, or, where `size` is known, shorter than those before.
    Page {
        /// The number's parameter.
        parameter: String,
        /// The first page's number.
        #[serde(default = "one")]
        first: u64,
        /// The parameter that asks for a size, when there is one.
        #[serde(default)]
        size_parameter: Option<String>,
        /// Items a page, when known.
        #[serde(default)]
        size: Option<u64>,
    },
    /// By how many to leave out and how many to send.
    OffsetLimit {
        /// The parameter of how many to leave out.
        offset: String,
        /// The parameter of how many to send.
        limit: String,
        /// Items a page.
        size: u64,
    },
    /// By ranges, `0-149`: in a parameter, or else in the header `Range: items=0-149`.
    Range {
        /// The parameter.
        #[serde(default)]
        parameter: Option<String>,
        /// Items a page.
        size: u64,
    },
    /// By a mark each page gives for the next.
    Cursor {
        /// JSON pointer to the mark.
        next: String,
        /// The parameter it is sent in.
        parameter: String,
    },
}

fn one() -> u64 {
    1
}

/// Which page is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The first.
    Start,
    /// After so many pages and items; the page before may have been the last one.
    After { pages: u64, items: u64, doubtful: bool },
    /// This address.
    At(Url),
    /// With this mark.
    Marked(String),
}

impl Paging {
    /// The address of a page.
    pub(super) fn address(&self, list: &Url, place: &Place) -> Url {
        let (pages, items) = match place {
            Place::At(url) => return url.clone(),
            Place::After { pages, items, .. } => (*pages, *items),
            Place::Start | Place::Marked(_) => (0, 0),
        };
        let mut url = list.clone();
        match (self, place) {
            (Self::Page { parameter, first, size_parameter, size }, _) => {
                set(&mut url, parameter, &first.saturating_add(pages).to_string());
                if let (Some(name), Some(size)) = (size_parameter, size) {
                    set(&mut url, name, &size.to_string());
                }
            }
            (Self::OffsetLimit { offset, limit, size }, _) => {
                set(&mut url, offset, &items.to_string());
                set(&mut url, limit, &size.to_string());
            }
            (Self::Range { parameter: Some(name), size }, _) => set(&mut url, name, &range(items, *size)),
            (Self::Cursor { parameter, .. }, Place::Marked(mark)) => set(&mut url, parameter, mark),
            _ => {}
        }
        url
    }

    /// What a page is asked by in headers.
    pub(super) fn mark(&self, request: &mut Request, place: &Place) {
        let Self::Range { parameter: None, size } = self else { return };
        let items = if let Place::After { items, .. } = place { *items } else { 0 };
        let value = HeaderValue::try_from(format!("items={}", range(items, *size)));
        request.headers_mut().insert(RANGE, value.expect("digits are printable"));
    }

    /// The page after this one, which held so many items; none when it was the last.
    ///
    /// # Errors
    /// [`Code::AnswerNotUnderstood`] when it leads to another host, or back to itself.
    pub(super) fn next(&self, turned: &Turned<'_>) -> Result<Option<Place>, TransportError> {
        let next = match self {
            Self::None => None,
            Self::NextLink => linked(turned)?.map(Place::At),
            Self::Cursor { next, .. } => json::word(turned.body, next)
                .map(|word| word.text().to_owned())
                .filter(|mark| !mark.is_empty())
                .map(Place::Marked),
            Self::Page { size, .. } => counted(turned, *size)?,
            Self::OffsetLimit { size, .. } | Self::Range { size, .. } => counted(turned, Some(*size))?,
        };
        if next.as_ref() == Some(turned.place) {
            return Err(turned.answer.error(Code::AnswerNotUnderstood, "another page after each"));
        }
        Ok(next)
    }
}

/// A page that was read.
pub(super) struct Turned<'a> {
    /// Which it was.
    pub(super) place: &'a Place,
    /// What came.
    pub(super) answer: &'a Answer,
    /// Its body.
    pub(super) body: &'a RawValue,
    /// How many items it held.
    pub(super) items: u64,
}

/// The pages read so far, to notice one that comes again: a list that turns in circles, or that does not know the parameter of pages.
#[derive(Default)]
pub(super) struct Turns(HashSet<u64>);

impl Turns {
    /// Notes a page that holds something.
    ///
    /// # Errors
    /// [`Code::AnswerNotUnderstood`] when the same came before.
    pub(super) fn note(&mut self, turned: &Turned<'_>) -> Result<(), TransportError> {
        if turned.items == 0 || self.0.insert(xxh3_64(turned.body.get().as_bytes())) {
            return Ok(());
        }
        Err(turned.answer.error(Code::AnswerNotUnderstood, "another page each time"))
    }
}

fn counted(turned: &Turned<'_>, size: Option<u64>) -> Result<Option<Place>, TransportError> {
    let (pages, before) = match turned.place {
        Place::After { pages, items, .. } => (*pages, *items),
        _ => (0, 0),
    };
    let items = before.saturating_add(turned.items);
    // A place may send fewer than it is asked for, on every page.
    let doubtful = size.is_some_and(|size| turned.items < size);
    let shorter = before.checked_div(pages).is_some_and(|usual| turned.items < usual);
    let after = match total(turned.answer) {
        Some(total) => items < total,
        None => !(doubtful && shorter),
    };
    if total(turned.answer).is_some() && after && turned.items == 0 {
        return Err(turned
            .answer
            .error(Code::AnswerNotUnderstood, "as many items as the place says there are"));
    }
    let more = after && turned.items > 0;
    Ok(more.then_some(Place::After { pages: pages + 1, items, doubtful }))
}

/// How many items there are in all, as `Content-Range: items 0-149/322` says.
fn total(answer: &Answer) -> Option<u64> {
    answer.header(CONTENT_RANGE)?.rsplit_once('/')?.1.trim().parse().ok()
}

/// The address of `rel="next"`, on the host called only: the login goes with it.
fn linked(turned: &Turned<'_>) -> Result<Option<Url>, TransportError> {
    let answer = turned.answer;
    let values = answer.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let Some(target) = values.flat_map(links).find(|link| link.is_next).map(|link| link.target) else {
        return Ok(None);
    };
    let url = answer.url.join(target).ok().filter(|url| same_host(url, &answer.url));
    let wrong = || answer.error(Code::AnswerNotUnderstood, "a next page on the same host");
    url.map(Some).ok_or_else(wrong)
}

struct Link<'a> {
    target: &'a str,
    is_next: bool,
}

/// The links of a header: `<address>; rel="next", <address>; rel="last"`.
fn links(header: &str) -> impl Iterator<Item = Link<'_>> {
    header.split('<').skip(1).filter_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let relations = value.trim().trim_end_matches(',').trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && relations.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        Some(Link { target, is_next })
    })
}

fn range(items: u64, size: u64) -> String {
    format!("{items}-{}", items.saturating_add(size.saturating_sub(1)))
}

/// Sets a parameter of an address, in place of one of this name.
pub(super) fn set(url: &mut Url, name: &str, value: &str) {
    let others: Vec<(String, String)> =
        url.query_pairs().filter(|(key, _)| key != name).map(|(k, v)| (k.into(), v.into())).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_header_makes_the_reader_of_links_panic(header in "[<>;,=\"a-zé ]{0,60}") {
            prop_assert!(links(&header).count() <= header.len());
        }
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        let next = |header| links(header).find(|link| link.is_next).map(|link| link.target.to_owned());
        assert_eq!(next(r#"</a?p=1>; rel="prev", </a?p=3,4>; rel="next""#), Some("/a?p=3,4".to_owned()));
        assert_eq!(next("</a>; title=x; REL=next"), Some("/a".to_owned()));
        assert_eq!(next(r#"</a>; rel="last next""#), Some("/a".to_owned()));
        assert_eq!(next(r#"</a>; rel="nextish", <"#), None);
        assert_eq!(next(""), None);
    }

    #[test]
    fn a_parameter_takes_the_place_of_one_of_its_name() {
        let mut url = Url::parse("http://h/l?page=9&q=%C3%A9").expect("an address");
        set(&mut url, "page", "2");
        assert_eq!(url.as_str(), "http://h/l?q=%C3%A9&page=2");
    }
}
