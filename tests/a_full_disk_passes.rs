//! A disk that takes no more: nothing is acknowledged, nothing stays that fills it, and once there is room the hub goes on by itself.

use std::fs;
use std::path::Path;

use reqwest::{Method, Response};
use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, household, made, monthly};
use crate::support::serving::{Serving, delivery_of, token_of};

/// Largest file the disk takes: more than a hub without data needs.
const LARGEST_KIB: u64 = 1_024;
/// More than it takes.
const TOO_MUCH: usize = 3 << 20;

/// A hub on a small disk.
fn serving(hub: &Hub) -> (Serving, String) {
    let (token, line) = token_of("caf-52");
    let sources = format!("sources: {{ caf: {{ tokens: [{line}] }} }}");
    (Serving::on_a_small_disk(&hub.folder().join("hub"), &sources, LARGEST_KIB), token)
}

/// Bytes in a folder and those below it.
fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size =
        |path: &Path| if path.is_dir() { bytes_below(path) } else { path.metadata().map_or(0, |m| m.len()) };
    entries.map(|entry| size(&entry.path())).sum()
}

async fn full(answer: Response) {
    let status = answer.status().as_u16();
    let body: Json = answer.json().await.expect("a problem");
    assert_eq!((status, body["code"].as_str()), (507, Some("DLN0808")), "{body}");
}

#[tokio::test]
async fn what_does_not_fit_is_not_acknowledged_and_leaves_the_disk_as_it_was() {
    let hub = Hub::fresh();
    let (serving, token) = serving(&hub);
    full(serving.push(&token, "large.xml", vec![b'x'; TOO_MUCH]).await).await;
    let created = serving.ask(Method::POST, "/v1/uploads", &token).header("upload-length", TOO_MUCH);
    let created = created.send().await.expect("an answer");
    let place = created.headers().get("location").and_then(|place| place.to_str().ok()).expect("a place");
    let piece = |bytes: Vec<u8>| {
        let request = serving.ask(Method::PATCH, place, &token).header("upload-offset", 0);
        request.header("content-type", "application/offset+octet-stream").body(bytes).send()
    };
    full(piece(vec![b'x'; TOO_MUCH]).await.expect("an answer")).await;
    let archive = hub.folder().join("hub/archive");
    assert!(bytes_below(&archive) < 1_024, "what was written is taken back");
    serving.make_room();
    let kept = serving.push(&token, "large.xml", vec![b'x'; TOO_MUCH]).await;
    assert_eq!(kept.status(), 201);
    assert_eq!(piece(vec![b'x'; TOO_MUCH]).await.expect("an answer").status(), 204, "from where it stood");
}

#[tokio::test]
async fn a_run_the_store_has_no_room_for_goes_on_once_there_is() {
    let hub = Hub::fresh();
    let (serving, token) = serving(&hub);
    let letter = |at: usize| "ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars().nth(at % 26).expect("a letter");
    let letters = |at: usize| String::from_iter([letter(at / 676), letter(at / 26), letter(at)]);
    let households: Vec<String> = (0..900)
        .map(|at| {
            let name = format!("NOM{}", letters(at));
            household(&format!("10{at:05}"), "521", "2", &[Member { name: &name, nir: "", ..PAUL }])
        })
        .collect();
    let extract = monthly(&made("2026-03-01", "01:00:00"), households.len(), &households);
    assert!(extract.len() as u64 / 1_024 < LARGEST_KIB, "it fits in the archive: {}", extract.len());
    let id = delivery_of(serving.push(&token, "mars.xml", extract).await).await;
    let failed = async {
        while !serving.log().contains("a run failed: retry") {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(crate::support::serving::PATIENCE, failed).await.expect("the run fails");
    let receipt = serving.ask(Method::GET, &format!("/v1/deliveries/{id}"), &token).send().await;
    let receipt: Json = receipt.expect("an answer").json().await.expect("JSON");
    assert!(
        ["recue", "en_cours", "interrompue"].contains(&receipt["etat"].as_str().unwrap_or("")),
        "{receipt}"
    );
    serving.make_room();
    let receipt = serving.receipt(&token, &id).await;
    assert_eq!(
        (&receipt["etat"], &receipt["comptes"]["lus"]),
        (&"integree".into(), &900.into()),
        "{receipt}"
    );
    assert_eq!(
        serving.log().matches("a run failed").count(),
        1,
        "and was not tried without end: {}",
        serving.log()
    );
    assert_eq!(serving.stop(), Some(0));
}
