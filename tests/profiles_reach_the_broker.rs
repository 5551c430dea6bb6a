//! What profiles are told reaches the queue of each subscriber, in order and no other's; who comes late, lost a queue or lost a territory
//! is put right through that queue. On a real RabbitMQ.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub::broker::{NOWHERE, Reader, of_profiles, queue_of};
use hub::provision::kept;
use hub_core::publisher::{OfProfiles, Publisher, make_room};
use hub_core::subscription::{Subscription, paused};
use jiff::civil::date;
use lapin::options::{BasicGetOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use serde_json::Value as Json;
use tokio::sync::MutexGuard;

use crate::events_reach_the_broker::{BROKER, url};
use crate::profiles_are_told::{ANNE, Hub, PAUL};
use crate::support::{Postgres, mint};

/// A hub whose subscribers bear names no other test uses.
pub struct Tools {
    pub hub: Hub,
    mark: String,
    url: String,
    pub channel: Channel,
    _alone: MutexGuard<'static, ()>,
    _connection: Connection,
}

impl Tools {
    async fn on(mark: &str) -> Self {
        Self::at(mark, url(), BROKER.lock().await).await
    }

    async fn over(store: &Postgres, mark: &str) -> Self {
        Self::with(Some(store.url.clone()), mark, url(), BROKER.lock().await).await
    }

    /// Alone with the broker, which others kill.
    pub async fn at(mark: &str, url: String, alone: MutexGuard<'static, ()>) -> Self {
        Self::with(None, mark, url, alone).await
    }

    async fn with(store: Option<String>, mark: &str, url: String, alone: MutexGuard<'static, ()>) -> Self {
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("connects");
        let channel = connection.create_channel().await.expect("opens");
        Self {
            hub: Hub::on(store).await,
            mark: mark.to_owned(),
            url,
            channel,
            _alone: alone,
            _connection: connection,
        }
    }

    pub fn name(&self, tool: &str) -> String {
        format!("{}-{tool}", self.mark)
    }

    pub fn profile(&self, profile: &str, fields: &str) {
        let name = self.name(profile);
        let text = format!("profil: {name}\ntitre: Essai\nchamps: [{fields}]\n");
        self.hub.write(&format!("profils/{name}.yaml"), &text);
    }

    pub fn tool(&self, tool: &str, profile: &str, territory: &str, more: &str) {
        self.tool_by("file", tool, (profile, territory, more));
    }

    fn tool_by(&self, channel: &str, tool: &str, (profile, territory, more): (&str, &str, &str)) {
        let (tool, profile) = (self.name(tool), self.name(profile));
        let text = format!(
            "abonne: {tool}\ntitre: Essai\nprofil: {profile}\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\n\
             expire: 2099-12-31\nterritoire: {territory}\ncanal: {channel}\n{more}"
        );
        self.hub.write(&format!("{tool}.yaml"), &text);
    }

    /// Tells and publishes all there is.
    pub async fn publish(&self) {
        self.publish_but_to(&[]).await;
    }

    /// The same where these have no queue yet.
    async fn publish_but_to(&self, late: &[&str]) {
        let late: Vec<String> = late.iter().map(|tool| self.name(tool)).collect();
        let heralds = self.hub.heralds();
        heralds.tell_all().await.expect("tells");
        let declared = heralds.declarations.current();
        let subscriptions = declared.subscriptions.values();
        let store = Arc::clone(&self.hub.pipeline.store);
        let paused = paused(store.as_ref()).await.expect("reads");
        let readers = subscriptions.map(|subscription: &Subscription| {
            let reader = Reader::of(subscription, date(2026, 12, 1));
            let reads = subscription.is_queued() && !paused.contains(&reader.name);
            if reads { reader } else { reader.silenced() }
        });
        let readers = readers.filter(|reader| late.iter().all(|late| *late != reader.name)).collect();
        let readers = kept(store.as_ref(), readers).await.expect("keeps");
        let broker = of_profiles(&self.url, readers, None).expect("a URL");
        // Opened first, as a serving hub does: whose queue had to be made is known by it.
        let session = broker.open().await.expect("opens");
        make_room(&OfProfiles(Arc::clone(&store)), session.as_ref()).await.expect("makes");
        let publisher = Publisher::of_profiles(Arc::clone(&store), broker, mint());
        loop {
            let told = heralds.tell_all().await.expect("tells");
            publisher.drain(&()).await.expect("publishes");
            let asked = store.notes("instantanes", "", 1).await.expect("reads");
            if told == 0 && asked.is_empty() {
                return;
            }
        }
    }

    /// What a tool's queue holds: sequence and type of each message, with the message.
    async fn received(&self, tool: &str) -> Vec<(String, Json)> {
        let (queue, mut messages) = (queue_of(&self.name(tool)), Vec::new());
        let schema: Json = serde_json::from_str(include_str!("../schemas/evenement/v1.json")).expect("JSON");
        let schema = jsonschema::validator_for(&schema).expect("a valid schema");
        let options = BasicGetOptions { no_ack: true };
        while let Some(message) = self.channel.basic_get(queue.as_str().into(), options).await.expect("reads")
        {
            let event: Json = serde_json::from_slice(&message.delivery.data).expect("JSON");
            assert!(schema.is_valid(&event), "an event is not what its schema says: {event}");
            let id = message.delivery.properties.message_id().as_ref().map(ToString::to_string);
            assert_eq!(id.as_deref(), event["id"].as_str());
            messages.push((kind(&event), event));
        }
        messages
    }

    pub async fn kinds(&self, tool: &str) -> Vec<String> {
        let mut kinds: Vec<String> = self.received(tool).await.into_iter().map(|(kind, _)| kind).collect();
        kinds.sort_unstable();
        kinds
    }
}

/// Sequence and type of an event.
pub fn kind(event: &Json) -> String {
    let sequence = event["sequence"].as_str().expect("a sequence").trim_start_matches('0');
    let kind = event["type"].as_str().expect("a type").trim_start_matches("fr.dlnuf.");
    format!("{sequence} {kind}")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_subscriber_gets_its_territory_and_its_families_in_order_and_nobody_elses() {
    let tools = Tools::on("chacun").await;
    tools.profile("suivi", "identite, adresse");
    tools.profile("droits", "identite.prenoms, droits.rsa");
    tools.tool("marne", "suivi", "[\"51\"]", "");
    tools.tool("tous", "suivi", "tous", "");
    tools.tool("rsa", "droits", "tous", "evenements: [droit]\n");
    tools.tool("peu", "suivi", "tous", "evenements: [droit]\n");
    tools.publish().await;
    tools.hub.deliver(&[PAUL, ANNE], false).await;
    let moved = PAUL.replace("Tilleuls", "Lilas");
    tools.hub.deliver(&[&moved, ANNE], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("marne").await, ["1 personne.creee"]);
    assert_eq!(
        tools.kinds("peu").await,
        ["1 personne.creee", "1 personne.creee"],
        "it asked for rights only"
    );
    let all = tools.received("tous").await;
    let mut by_person: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (kind, event) in &all {
        by_person.entry(event["subject"].as_str().expect("a person")).or_default().push(kind);
    }
    let mut told: Vec<Vec<&str>> = by_person.into_values().collect();
    told.sort_unstable();
    assert_eq!(told, [vec!["1 personne.creee"], vec!["1 personne.creee", "2 personne.modifiee"]]);
    let rsa = tools.received("rsa").await;
    assert_eq!(rsa.len(), 2, "who comes is told to all, a street is not");
    let subject = |messages: &[(String, Json)]| messages[0].1["subject"].clone();
    assert_ne!(subject(&rsa), subject(&all), "one profile's names of persons are no other's");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_or_lost_a_queue_is_shown_everybody_then_told_what_follows() {
    late_and_lost(&Tools::on("tard").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_or_lost_a_queue_is_shown_everybody_then_told_what_follows_from_postgresql() {
    let store = Postgres::fresh().await;
    late_and_lost(&Tools::over(&store, "tard-pg").await).await;
    store.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_queue_yet_while_a_profile_is_told_misses_nobody_once_it_has_one() {
    let tools = Tools::on("sans-file").await;
    tools.hub.deliver(&[PAUL, ANNE], false).await;
    for profile in ["ancien", "neuf"] {
        tools.profile(profile, "identite, adresse");
    }
    tools.tool("la", "ancien", "tous", "");
    tools.publish().await;
    // A hub that serves publishes meanwhile.
    tools.tool("un", "neuf", "tous", "");
    tools.tool("deux", "neuf", "[\"52\"]", "");
    tools.publish_but_to(&["un", "deux"]).await;
    tools.publish_but_to(&["deux"]).await;
    assert_eq!(tools.kinds("un").await, ["1 personne.entree", "1 personne.entree"]);
    tools.hub.deliver(&[&PAUL.replace("Tilleuls", "Lilas"), ANNE], false).await;
    tools.publish_but_to(&["deux"]).await;
    tools.publish().await;
    let shown = tools.received("deux").await;
    let kinds: Vec<&str> = shown.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["2 personne.etat", "1 instantane.termine"]);
    assert_eq!(tools.kinds("un").await, ["2 personne.modifiee"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_another_profile_or_its_queue_again_is_shown_everybody() {
    let tools = Tools::on("change").await;
    tools.profile("suivi", "identite, adresse");
    tools.profile("autre", "identite.prenoms, adresse");
    tools.hub.deliver(&[PAUL, ANNE], false).await;
    tools.tool("un", "suivi", "tous", "");
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, ["1 personne.entree", "1 personne.entree"]);
    tools.tool("un", "autre", "tous", "");
    tools.publish().await;
    let kinds = tools.kinds("un").await;
    assert!(
        kinds.contains(&"1 instantane.termine".to_owned()),
        "it lets go of those of the other profile: {kinds:?}"
    );
    assert_eq!(kinds.iter().filter(|kind| *kind == "1 personne.etat").count(), 2);
    // What it was told by another channel is not in its queue.
    tools.tool_by("http", "un", ("autre", "tous", ""));
    tools.publish().await;
    tools.hub.deliver(&[&PAUL.replace("Tilleuls", "Lilas"), ANNE], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, [""; 0]);
    tools.tool("un", "autre", "tous", "");
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, ["1 instantane.termine", "1 personne.etat", "2 personne.etat"]);
    // It let go of those it knew by the first profile's names.
    tools.tool("un", "suivi", "tous", "");
    tools.publish().await;
    let kinds = tools.kinds("un").await;
    assert!(kinds.contains(&"1 instantane.termine".to_owned()), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| kind.ends_with("personne.etat")).count(), 2, "{kinds:?}");
}

async fn late_and_lost(tools: &Tools) {
    tools.profile("suivi", "identite, adresse");
    tools.tool("un", "suivi", "tous", "");
    tools.publish().await;
    tools.hub.deliver(&[PAUL, ANNE], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, ["1 personne.creee", "1 personne.creee"]);

    tools.tool("deux", "suivi", "[\"52\"]", "");
    tools.publish().await;
    let shown = tools.received("deux").await;
    let kinds: Vec<&str> = shown.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["1 personne.etat", "1 instantane.termine"], "those of its territory, then the end");
    assert_eq!(shown[1].1["data"]["instantane"]["personnes"], 1);
    assert_eq!(shown[0].1["data"]["instantane"], shown[1].1["data"]["instantane"]["id"]);
    assert_eq!(tools.kinds("un").await, [""; 0], "nobody else is told");
    tools.hub.deliver(&[&PAUL.replace("Tilleuls", "Lilas"), ANNE], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("deux").await, ["2 personne.modifiee"]);
    assert_eq!(tools.kinds("un").await, ["2 personne.modifiee"]);

    let queue = queue_of(&tools.name("un"));
    tools.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.expect("deletes");
    tools.publish().await;
    let shown = tools.received("un").await;
    let kinds: Vec<&str> = shown.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!((kinds.len(), kinds.last()), (3, Some(&"1 instantane.termine")), "{kinds:?}");
    assert!(kinds.contains(&"2 personne.etat") && kinds.contains(&"1 personne.etat"), "{kinds:?}");
    assert_eq!(tools.kinds("deux").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_a_territory_another_keeps_is_told_who_is_gone_and_nothing_of_them_afterwards() {
    let tools = Tools::on("coupe").await;
    tools.profile("suivi", "identite, adresse");
    tools.tool("tous", "suivi", "tous", "");
    tools.tool("un", "suivi", "[\"51\", \"52\"]", "");
    tools.publish().await;
    tools.hub.deliver(&[PAUL, ANNE], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, ["1 personne.creee", "1 personne.creee"]);
    assert_eq!(tools.kinds("tous").await.len(), 2);
    tools.tool("un", "suivi", "[\"51\"]", "");
    tools.publish().await;
    let gone = tools.received("un").await;
    assert_eq!(gone.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["1 personne.sortie"]);
    tools.hub.deliver(&[&PAUL.replace("Tilleuls", "Lilas"), ANNE], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, [""; 0], "its queue is bound to that département no more");
    assert_eq!(tools.kinds("tous").await, ["2 personne.modifiee"]);
    // And back: shown whom it did not see.
    tools.tool("un", "suivi", "tous", "");
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, ["2 personne.etat"]);
    let options = BasicGetOptions { no_ack: true };
    while let Some(message) = tools.channel.basic_get(NOWHERE.into(), options).await.expect("reads") {
        assert!(!message.delivery.exchange.to_string().contains("coupe"), "an event found no queue");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_given_another_profile_reads_nothing_of_the_one_before() {
    let tools = Tools::on("autre").await;
    tools.profile("suivi", "identite, adresse");
    tools.profile("peu", "identite.prenoms");
    tools.tool("reste", "suivi", "tous", "");
    tools.tool("change", "suivi", "tous", "");
    tools.publish().await;
    tools.hub.deliver(&[PAUL], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("change").await, ["1 personne.creee"]);
    assert_eq!(tools.kinds("reste").await, ["1 personne.creee"]);
    tools.tool("change", "peu", "tous", "");
    tools.publish().await;
    let shown = tools.received("change").await;
    assert!(!shown.is_empty() && shown.iter().all(|(_, event)| !event.to_string().contains("adresse")));
    tools.hub.deliver(&[&PAUL.replace("Tilleuls", "Lilas")], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("reste").await, ["2 personne.modifiee"]);
    assert_eq!(tools.kinds("change").await, [""; 0], "a street is none of its affairs any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_stands_otherwise_than_declared_holds_up_nobody_and_is_shown_everybody_once_mended() {
    let tools = Tools::on("fautive").await;
    tools.profile("suivi", "identite, adresse");
    tools.tool("bonne", "suivi", "tous", "");
    tools.tool("mauvaise", "suivi", "tous", "");
    tools.publish().await;
    let queue = queue_of(&tools.name("mauvaise"));
    tools.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.expect("deletes");
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    tools
        .channel
        .queue_declare(queue.as_str().into(), durable, FieldTable::default())
        .await
        .expect("declares");
    tools.hub.deliver(&[PAUL], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("bonne").await, ["1 personne.creee"]);
    tools.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.expect("deletes");
    tools.publish().await;
    assert_eq!(tools.kinds("mauvaise").await, ["1 instantane.termine", "1 personne.etat"]);
}
