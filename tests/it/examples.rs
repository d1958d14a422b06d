//! The partners in `examples/` do what they say, each in its language, against the real program.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{Serving, complained, said};
use crate::wire::{ask, bare};

/// Runs a partner, and sees that he has done what he says.
async fn runs(language: &str, file: &str, partner: &str) {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &[]);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file);
    let url = format!("http://{}", server.address);
    let run = |event: &str| {
        Command::new(language).arg(&program).args([&url, event]).output().expect("the language")
    };
    let output = run("node-meetup-2025");
    let (told, complaint) = (said(&output), complained(&output));
    assert!(output.status.success(), "{told}{complaint}");
    let path = format!("/v1/events/node-meetup-2025/reservations?partnerId={partner}");
    let list = ask(server.address, &bare(&format!("GET {path}"), &[])).await.json();
    let [reservation] = list["items"].as_array().unwrap().as_slice() else {
        panic!("{list}");
    };
    let text = |name: &str| reservation[name].as_str().unwrap();
    assert_eq!((text("status"), &reservation["seats"]), ("confirmed", &Value::from(2)));
    let lines = told.lines().collect::<Vec<_>>();
    let holds = format!("holds 2 seats as {} until ", text("reservationId"));
    assert!(lines[0].starts_with(&holds), "{told}");
    assert_eq!(lines[1..], ["confirmed", "version 2: held", "version 3: confirmed"]);
    // Where there is nothing to reserve he says so, and ends otherwise.
    let refused = run("nowhere");
    assert!(!refused.status.success() && !complained(&refused).is_empty(), "{refused:?}");
}

#[tokio::test]
#[ignore = "needs curl"]
async fn a_partner_in_curl() {
    runs("sh", "partner.sh", "curl-partner").await;
}

#[tokio::test]
#[ignore = "needs python3"]
async fn a_partner_in_python() {
    runs("python3", "partner.py", "python-partner").await;
}

#[tokio::test]
#[ignore = "needs node"]
async fn a_partner_in_javascript() {
    runs("node", "partner.mjs", "js-partner").await;
}
