//! What a profile sees of a person.
//!
//! What is known enters; only what the profile lists leaves, values of repeated groups cut down to the members it lists. All that goes to a
//! subscriber is made from what leaves here, so nothing else can.

use compact_str::CompactString;
use serde_json::Value as Json;

use crate::canonical::{Canon, FieldId, Item, Value};
use crate::statement::{Origin, Stated};

/// The fields a profile may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The profile's name: its exchange and its persons' pseudonyms are made of it.
    pub profile: CompactString,
    /// By field number; a repeated group is held when one of its members is.
    held: Vec<bool>,
}

impl Scope {
    pub(super) fn new(profile: &str, held: Vec<bool>) -> Self {
        Self { profile: profile.into(), held }
    }

    /// Of fields by their paths; those the schema no longer has are nobody's.
    pub(super) fn of_paths(canon: &Canon, profile: &str, paths: &[String]) -> Self {
        let mut held = vec![false; canon.fields().count()];
        for field in paths.iter().filter_map(|path| canon.find(path)) {
            if let Some(place) = held.get_mut(usize::from(field.0)) {
                *place = true;
            }
        }
        Self::new(profile, held)
    }

    /// Whether a field, or a member of a repeated group, may be told.
    pub fn holds(&self, field: FieldId) -> bool {
        self.held.get(usize::from(field.0)).copied().unwrap_or(false)
    }

    /// Each field it holds.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> + '_ {
        (0u16..).map(FieldId).zip(&self.held).filter(|(_, held)| **held).map(|(field, _)| field)
    }

    /// What it sees of what is known.
    pub fn see(&self, known: &Stated) -> Stated {
        let mut seen = Stated::default();
        for (field, value, at) in &known.fields {
            let Some(origin) = known.origins.get(usize::from(*at)) else { continue };
            if let Some(value) = self.part(*field, value) {
                seen.push(*field, value, &told(origin));
            }
        }
        seen
    }

    /// An event told when the profile may have held other fields, in JSON, without what it holds no more: a change of that is left out.
    pub(super) fn cut(&self, canon: &Canon, json: String) -> String {
        let Ok(mut event) = serde_json::from_str::<Json>(&json) else { return String::from("{}") };
        let changes = event.pointer_mut("/data/changements").and_then(Json::as_array_mut);
        let Some(changes) = changes else { return json };
        let mut cut = false;
        changes.retain_mut(|change| {
            let path = change.get("champ").and_then(Json::as_str).unwrap_or_default();
            let field = canon.find(path).filter(|field| self.holds(*field));
            cut |= field.is_none_or(|field| self.cut_members(canon, field, change));
            field.is_some()
        });
        if cut { event.to_string() } else { json }
    }

    /// Whether a value of a repeated group lost a member.
    fn cut_members(&self, canon: &Canon, group: FieldId, change: &mut Json) -> bool {
        let held = |name: &str| canon.member(group, name).is_some_and(|member| self.holds(member));
        let mut cut = false;
        for side in ["avant", "apres"] {
            let items = change.get_mut(side).and_then(Json::as_array_mut).into_iter().flatten();
            for item in items.filter_map(Json::as_object_mut) {
                let before = item.len();
                item.retain(|name, _| held(name));
                cut |= item.len() < before;
            }
        }
        cut
    }

    /// What it sees of a value; nothing where no part of it may be told.
    fn part(&self, field: FieldId, value: &Value) -> Option<Value> {
        if !self.holds(field) {
            return None;
        }
        let Value::List(items) = value else { return Some(value.clone()) };
        let member = |(member, value): &(FieldId, Value)| Some((*member, self.part(*member, value)?));
        let item = |item: &Item| item.iter().filter_map(member).collect::<Item>();
        let items: Vec<Item> = items.iter().map(item).filter(|item| !item.is_empty()).collect();
        (!items.is_empty()).then_some(Value::List(items))
    }
}

/// Who states it and since when: the record and its file are the institution's own affair.
pub(super) fn told(origin: &Origin) -> Origin {
    Origin { source: origin.source.clone(), valid_at: origin.valid_at.clone(), ..Origin::nowhere() }
}
