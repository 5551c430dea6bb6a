//! Tries the place of every pull, as a look would, and names keys and passwords that cannot be had.

use std::sync::Arc;

use connectors::wrapping::Keys;
use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::store::Store;
use hub_core::transport::TransportError;

use super::super::{language, language::either, show};
use super::{Finding, bad, good, look, within};
use crate::clock::MachineClock;
use crate::installation;
use crate::pull::places::Places;
use crate::settings::Settings;
use crate::sources::{Pull, Source};

/// A finding for the sources file, and one for every place. Without a store yet, the persons a place would be asked about are not known,
/// so that no place is tried.
pub(super) async fn tried(
    settings: &Settings,
    canon: &Arc<Canon>,
    store: Option<Arc<dyn Store>>,
) -> Vec<Finding> {
    let remedy = either(
        "corrigez le fichier des sources ; docs/deliveries.md montre chaque sorte",
        "correct the sources file; docs/deliveries.md shows each kind",
    );
    let read = installation::mapping_files(settings).and_then(|files| Ok(files.compile(canon)?));
    let sources = match read.and_then(|catalogue| installation::sources(settings, &catalogue)) {
        Ok(sources) if sources.iter().next().is_none() => {
            let none = either("aucune : on livre à la main", "none: what is delivered is delivered by hand");
            return vec![good("sources", none)];
        }
        Ok(sources) => sources,
        Err(error) => return vec![bad("sources", &error, remedy)],
    };
    let (mut findings, count) = (Vec::new(), sources.iter().count());
    let file = settings.sources_file();
    findings.push(good("sources", format!("{count} {} `{}`", either("dans", "in"), file.display())));
    let places = store.map(|store| Places::new(store, Arc::new(MachineClock), Arc::clone(canon)));
    for (name, source) in sources.iter() {
        findings.extend(keys(name, source));
        for (pull, kind) in &source.pulls {
            findings.push(match &places {
                Some(places) => place(places, (name, pull), kind).await,
                None => look(
                    format!("{name}/{pull}"),
                    either("pas essayée : il n'y a pas encore de base", "not tried: there is no store yet"),
                    "dlnuf serve",
                ),
            });
        }
    }
    findings
}

fn keys(name: &str, source: &Source) -> Option<Finding> {
    let error = Keys::read(&source.keys).err()?;
    let remedy = either(
        "mettez la clé à cette place, ou corrigez la place dans le fichier des sources",
        "put the key there, or correct where the sources file looks for it",
    );
    Some(bad(name, &error.into(), remedy))
}

async fn place(places: &Places, (source, pull): (&str, &str), kind: &Pull) -> Finding {
    let part = format!("{source}/{pull}");
    let checked = within(async { Ok(places.of(source, pull, kind)?.check().await?) }).await;
    match checked {
        Ok(found) => good(part, found),
        Err(error) => bad(part, &error, remedy(&error)),
    }
}

fn remedy(error: &anyhow::Error) -> &'static str {
    if error.downcast_ref::<TransportError>().is_some_and(|error| error.code == Code::PlaceRefused) {
        return either(
            "donnez ce droit à l'utilisateur du hub là-bas, puis réessayez",
            "give the hub's own user this right there, then try again",
        );
    }
    show::code_of(error)
        .map_or(either("réessayez", "try again"), |code| &language::told(code.entry()).remedy)
}
