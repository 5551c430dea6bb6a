//! What a subscriber refused for good is seen without a value and returned: as it is, or its person as known now, where something was told
//! since. On a real RabbitMQ, by the program.

use hub::broker::queue_of;
use lapin::options::{BasicGetOptions, BasicRejectOptions};
use serde_json::{Value as Json, json};

use crate::events_reach_the_broker::{BROKER, url};
use crate::profiles_are_told::{ANNE, PAUL};
use crate::profiles_reach_the_broker::Tools;
use crate::support::program::{Ended, dlnuf};

fn ask(tools: &Tools, command: &[&str]) -> Ended {
    let home = tools.hub.settings.home.to_str().expect("a path").to_owned();
    dlnuf(&[&["--home", &home, "--output", "json", "--broker", &url()], command].concat())
}

fn answer(tools: &Tools, command: &[&str]) -> Json {
    let ended = ask(tools, command);
    assert_eq!(ended.code, 0, "{command:?}: {}", ended.errors);
    ended.json().pop().unwrap_or_default()
}

/// The tool refuses all that its queue holds, for good.
async fn refuse_all(tools: &Tools, tool: &str) {
    let (queue, options) = (queue_of(&tools.name(tool)), BasicGetOptions { no_ack: false });
    while let Some(message) = tools.channel.basic_get(queue.as_str().into(), options).await.expect("reads") {
        message.delivery.acker.reject(BasicRejectOptions { requeue: false }).await.expect("rejected");
    }
}

/// The dead letters, once there are so many: the broker hands them over with confirms.
fn letters(tools: &Tools, count: usize) -> Vec<Json> {
    loop {
        let found = ask(tools, &["subscriber", "letters", &tools.name("un")]);
        assert_eq!(found.code, 0, "{}", found.errors);
        let found = found.json();
        if found.len() == count {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_looked_at_without_values_and_returned_in_a_form_that_still_holds() {
    let tools = Tools::at("rebut", url(), BROKER.lock().await).await;
    tools.profile("suivi", "identite, adresse");
    tools.tool("un", "suivi", "tous", "");
    tools.publish().await;
    tools.hub.deliver(&[PAUL, ANNE], false).await;
    tools.publish().await;
    refuse_all(&tools, "un").await;
    let found = letters(&tools, 2);
    for letter in &found {
        assert_eq!(
            (&letter["cause"], &letter["type"]),
            (&json!("rejected"), &json!("fr.dlnuf.personne.creee"))
        );
        assert!(
            letter["champs"].as_array().is_some_and(|fields| fields.contains(&json!("identite.prenoms")))
        );
        for value in ["Verdier", "Roussel", "Tilleuls", "Paul", "Anne", "1980"] {
            assert!(!letter.to_string().contains(value), "{value}: {letter}");
        }
    }
    assert_eq!(letters(&tools, 2), found, "looked at, they stay");
    // One of the two changes meanwhile: her event would be dropped as an old one.
    let moved = ANNE.replace("du Marché", "Neuve");
    tools.hub.deliver(&[PAUL, &moved], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, ["2 personne.modifiee"]);
    let un = tools.name("un");
    let trial = answer(&tools, &["subscriber", "return", &un, "--all", "--dry-run"]);
    assert_eq!((&trial["remis"], &trial["personnes_a_montrer"]), (&json!(1), &json!(1)));
    assert_eq!(letters(&tools, 2).len(), 2, "a trial does nothing");
    assert_eq!(answer(&tools, &["subscriber", "return", &un, "--cause", "expired"])["remis"], 0);
    let nobody = "00000000-0000-8000-8000-000000000000";
    assert_eq!(
        ask(&tools, &["subscriber", "return", &un, "--id", nobody]).code,
        1,
        "there is no such letter"
    );
    let done = answer(&tools, &["subscriber", "return", &un, "--all"]);
    assert_eq!(
        (&done["remis"], &done["personnes_a_montrer"], &done["laisses"]),
        (&json!(1), &json!(1), &json!(0))
    );
    letters(&tools, 0);
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, ["1 personne.creee", "2 personne.etat"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_subscriber_may_know_no_more_is_not_returned_to_it() {
    let tools = Tools::at("moins", url(), BROKER.lock().await).await;
    tools.profile("suivi", "identite, adresse");
    tools.profile("peu", "identite.prenoms");
    tools.tool("un", "suivi", "tous", "");
    tools.publish().await;
    tools.hub.deliver(&[PAUL, ANNE], false).await;
    tools.publish().await;
    refuse_all(&tools, "un").await;
    letters(&tools, 2);
    let un = tools.name("un");
    let trial = || answer(&tools, &["subscriber", "return", &un, "--all", "--dry-run"]);
    assert_eq!(trial()["remis"], 2);
    // Its territory is cut: of who is out of sight it is told that they are gone, not what was.
    tools.tool("un", "suivi", "[\"51\"]", "");
    tools.publish().await;
    let cut = trial();
    assert_eq!(
        (&cut["remis"], &cut["personnes_a_montrer"], &cut["laisses"]),
        (&json!(1), &json!(1), &json!(0))
    );
    // Another profile: its letters are of persons it knows by no such name.
    tools.tool("un", "peu", "tous", "");
    tools.publish().await;
    let other = trial();
    assert_eq!(
        (&other["remis"], &other["personnes_a_montrer"], &other["laisses"]),
        (&json!(0), &json!(0), &json!(2))
    );
    // The first one again, and its scope cut: nothing of before goes back as it was.
    tools.profile("suivi", "identite.prenoms");
    tools.tool("un", "suivi", "tous", "");
    tools.publish().await;
    assert_eq!((&trial()["remis"], &trial()["laisses"]), (&json!(0), &json!(0)));
    refuse_all(&tools, "un").await;
}
