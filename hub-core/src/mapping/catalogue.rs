//! The mappings an installation knows, and the choice of one for a delivery.

use std::sync::Arc;

use super::Mapping;
use crate::code::Code;
use crate::connector::{Fault, Probe};

/// Every compiled mapping, in name order.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    mappings: Vec<Arc<Mapping>>,
}

impl Catalogue {
    /// Gathers mappings; the caller has checked that names are unique.
    pub fn new(mut mappings: Vec<Arc<Mapping>>) -> Self {
        mappings.sort_by(|a, b| a.id.cmp(&b.id));
        Self { mappings }
    }

    /// Every mapping.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Mapping>> {
        self.mappings.iter()
    }

    /// The mapping of that name.
    pub fn named(&self, id: &str) -> Option<Arc<Mapping>> {
        self.mappings.iter().find(|mapping| mapping.id == id).cloned()
    }

    /// The mapping of `source` asked for by `id` or, when only that version will do, `id@version`.
    ///
    /// # Errors
    /// [`Code::NoMapping`], telling what there is instead.
    pub fn asked(&self, source: &str, name: &str) -> Result<Arc<Mapping>, Fault> {
        let id = name.split('@').next().unwrap_or(name);
        match self.named(id) {
            Some(mapping) if mapping.source != source => {
                let detail = format!("expected a mapping of `{source}`, `{id}` is of `{}`", mapping.source);
                Err(Fault::new(Code::NoMapping, detail))
            }
            Some(mapping) if name == id || name == mapping.name() => Ok(mapping),
            Some(mapping) => {
                let detail = format!("expected mapping `{name}`, the hub has `{}` now", mapping.name());
                Err(Fault::new(Code::NoMapping, detail))
            }
            None => {
                let of_source = self.mappings.iter().filter(|mapping| mapping.source == source);
                let known: Vec<String> = of_source.map(|mapping| format!("`{}`", mapping.id)).collect();
                let detail = format!("there is no mapping `{id}`; `{source}` has {}", known.join(", "));
                Err(Fault::new(Code::NoMapping, detail))
            }
        }
    }

    /// The source names known.
    pub fn sources(&self) -> Vec<&str> {
        let mut sources: Vec<&str> = self.mappings.iter().map(|mapping| mapping.source.as_str()).collect();
        sources.dedup();
        sources
    }

    /// The mapping of `source` that fits a delivery best.
    ///
    /// # Errors
    /// [`Code::NoMapping`] or [`Code::AmbiguousMapping`], naming the mappings considered.
    pub fn choose(&self, source: &str, probe: &Probe, filename: Option<&str>) -> Result<Arc<Mapping>, Fault> {
        let of_source: Vec<_> = self.mappings.iter().filter(|mapping| mapping.source == source).collect();
        let mut fits: Vec<_> = of_source
            .iter()
            .filter_map(|mapping| Some((mapping.recognises(probe, filename)?, *mapping)))
            .collect();
        fits.sort_by_key(|(fit, _)| std::cmp::Reverse(*fit));
        let names = |mappings: &mut dyn Iterator<Item = &str>| {
            mappings.map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
        };
        match fits.as_slice() {
            [] => {
                let tried = names(&mut of_source.iter().map(|mapping| mapping.id.as_str()));
                let nobody = || {
                    let detail = format!("expected a file for one of {tried}, recognised none");
                    Fault::new(Code::NoMapping, detail)
                };
                let elsewhere = self.of_another_source(source, probe, filename);
                Err(elsewhere.or_else(|| nearest(&of_source, probe)).unwrap_or_else(nobody))
            }
            [(best, _), (second, _), ..] if best == second => {
                let equal = names(
                    &mut fits.iter().filter(|(fit, _)| fit == best).map(|(_, mapping)| mapping.id.as_str()),
                );
                Err(Fault::new(Code::AmbiguousMapping, format!("{equal} recognise it equally well")))
            }
            [(_, best), ..] => Ok(Arc::clone(best)),
        }
    }
}

impl Catalogue {
    /// A file given for one source that is another's.
    fn of_another_source(&self, source: &str, probe: &Probe, filename: Option<&str>) -> Option<Fault> {
        let others = self.mappings.iter().filter(|mapping| mapping.source != source);
        let fits = others.filter_map(|mapping| Some((mapping.recognises(probe, filename)?, mapping)));
        let (_, mapping) = fits.max_by_key(|(fit, _)| *fit)?;
        let detail =
            format!("`{}` recognises it: deliver it as `{}`, not as `{source}`", mapping.id, mapping.source);
        Some(Fault::new(Code::NoMapping, detail))
    }
}

/// What the mapping that comes nearest to a CSV header misses in it.
fn nearest(mappings: &[&Arc<Mapping>], probe: &Probe) -> Option<Fault> {
    let missing = mappings.iter().filter_map(|mapping| Some((mapping.missing_columns(probe)?, mapping)));
    let (missing, mapping) = missing.min_by_key(|(missing, _)| missing.len())?;
    let columns: Vec<String> = missing.iter().map(|column| format!("`{column}`")).collect();
    let detail =
        format!("the nearest is `{}`, whose columns {} are not there", mapping.id, columns.join(", "));
    Some(Fault::new(Code::MissingColumns, detail))
}
