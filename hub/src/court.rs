//! Where it is ruled who is who: what a verdict would do and whom it would be told to, then the verdict itself.
//!
//! A verdict enters; its effect leaves, tried on a store that only pretends, or written. Command line and HTTP rule through it alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use compact_str::CompactString;
use hub_core::delivery::PersonId;
use hub_core::event::Event;
use hub_core::pipeline::{Outcome, Pipeline, Progress, RulingError, Verdict};
use hub_core::rehearsal::Rehearsal;
use hub_core::ruling::Word;
use hub_core::store::{KnownPerson, Store};
use hub_core::subscription::Prospect;
use serde_json::{Value as Json, json};

use crate::clock::today;
use crate::declarations::Declarations;

/// What it is ruled with.
pub struct Court {
    /// What rules.
    pub pipeline: Arc<Pipeline>,
    /// Who subscribes to what.
    pub declarations: Arc<Declarations>,
}

/// What a verdict does, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effect {
    /// Events announced, by type.
    pub events: Vec<&'static str>,
    /// How many events each subscriber is told.
    pub told: BTreeMap<CompactString, u64>,
    /// Persons known before and not named whom they are about too.
    pub others: Vec<PersonId>,
}

impl Court {
    /// What a verdict would do, said with this word; nothing is written.
    ///
    /// # Errors
    /// When what the verdict names is not there, or the store fails.
    pub async fn preview(&self, verdict: &Verdict, word: Word) -> Result<Effect, RulingError> {
        let store = Arc::clone(&self.pipeline.store);
        let pretending: Arc<dyn Store> = Arc::new(Rehearsal::over(Arc::clone(&store)));
        let rehearsed = self.pipeline.on(Arc::clone(&pretending));
        let Outcome { events, persons, others, .. } = match rehearsed.rule(verdict, word, &()).await {
            Ok(outcome) => outcome,
            // What is ruled already changes nothing.
            Err(RulingError::Ruled(_)) => return Ok(Effect::default()),
            Err(error) => return Err(error),
        };
        let about: BTreeSet<PersonId> = events.iter().map(|event| event.person).chain(persons).collect();
        let about: Vec<PersonId> = about.into_iter().collect();
        let (before, after) = (store.persons(&about).await?, pretending.persons(&about).await?);
        Ok(self.effect(&events, (&before, &after), others))
    }

    /// Rules, and writes what follows.
    ///
    /// # Errors
    /// When what the verdict names is not there, or the store fails; nothing is changed then.
    pub async fn rule(
        &self,
        verdict: &Verdict,
        word: Word,
        progress: &dyn Progress,
    ) -> Result<(Outcome, Effect), RulingError> {
        let Effect { told, .. } = self.preview(verdict, word.clone()).await?;
        let outcome = self.pipeline.rule(verdict, word, progress).await?;
        let effect = Effect { events: kinds(&outcome.events), told, others: outcome.others.clone() };
        Ok((outcome, effect))
    }

    fn effect(
        &self,
        events: &[Event],
        (before, after): (&[KnownPerson], &[KnownPerson]),
        others: Vec<PersonId>,
    ) -> Effect {
        let prospect = Prospect { events, before, after };
        let told = self.declarations.current().foresee(&self.pipeline.canon, today(), prospect);
        Effect { events: kinds(events), told, others }
    }
}

impl Effect {
    /// Whom it is told to, as JSON: how many events, by subscriber.
    pub fn told_in_json(&self) -> Json {
        self.told.iter().map(|(name, events)| (name.to_string(), json!(events))).collect()
    }
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind).collect()
}

/// Why nothing was ruled, in French; nothing where the store failed.
pub fn in_french(error: &RulingError) -> Option<String> {
    Some(match error {
        RulingError::Store(_) => return None,
        RulingError::NoPerson(id) => format!("il n'y a pas de personne `{id}`"),
        RulingError::Absorbed(id, into) => format!("`{id}` est désormais `{into}` : nommez celle-ci"),
        RulingError::OneAlready(id, other) => format!("`{id}` et `{other}` sont déjà une seule personne"),
        RulingError::OnePerson => "attendu : deux personnes ; trouvé : deux fois la même".to_owned(),
        RulingError::NoClaim(id) => format!("`{id}` n'a pas cette déclaration, ou n'en garderait aucune"),
        RulingError::Ruled(id) => format!("la décision `{id}` le dit déjà, et vaut"),
        RulingError::Indiscreet => "attendu : une note et un auteur sans aucune valeur de la personne ; trouvé : un nom, une naissance, une adresse, un NIR, un téléphone ou une adresse électronique. Dites pourquoi et quel agent décide, non de qui il s'agit".to_owned(),
        RulingError::NoRuling(id) => format!("il n'y a pas de décision `{id}` en vigueur"),
    })
}
