//! The dashboard in a real browser.

use std::path::Path;

use crate::browser::Browser;
use crate::program::Serving;
use crate::wire;

fn shows(id: &str, number: u64) -> String {
    format!("document.querySelector('#{id}').value === '{number}'")
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn seats_are_reserved_and_cancelled_in_a_browser() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &[]);
    let browser = Browser::open(390, 844).await;
    browser.go(&format!("http://{}/", server.address)).await;
    browser.wait_for(&shows("available", 500)).await;
    browser.fill("#partner", "abc-corp").await;
    browser.fill("#seats", "4").await;
    browser.click("#reserve").await;
    browser.wait_for(&shows("available", 496)).await;
    browser.wait_for(&shows("version", 2)).await;
    browser.wait_for("document.querySelector('#messages .good')").await;
    // Somebody else reserves: the page notices by itself.
    assert_eq!(wire::reserve(server.address, "other", 6).await.status, 201);
    browser.wait_for(&shows("available", 490)).await;
    let wide = browser.run("return document.documentElement.scrollWidth").await;
    assert_eq!(wide, 390, "nothing sticks out at the side of a phone");
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR"));
    browser.picture(&pictures.join("dashboard-phone.png")).await;
    browser.click("#own button").await;
    browser.wait_for(&shows("available", 494)).await;
    browser.fill("#cancel-id", "6f2c1a3e-8f1b-4c8e-9f57-0d9d2b1c3a4f").await;
    browser.click("#cancel").await;
    browser.wait_for("document.querySelector('#messages .bad')").await;
    let complaints = browser.complaints().await;
    // The refused cancellation is told by the browser itself; nothing else may be.
    let unexpected = complaints.iter().filter(|entry| {
        !entry["message"].as_str().unwrap().contains("the server responded with a status of 404")
    });
    assert_eq!(unexpected.count(), 0, "{complaints:?}");
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_browser_that_is_lost_sees_the_dashboard_and_when_the_server_is_gone() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &[]);
    let browser = Browser::open(1280, 800).await;
    browser.go(&format!("http://{}/some/where/else", server.address)).await;
    browser.wait_for(&shows("available", 500)).await;
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR"));
    browser.picture(&pictures.join("dashboard-desktop.png")).await;
    let state =
        |state: &str| format!("document.querySelector('#connection').dataset.state === '{state}'");
    browser.wait_for(&state("live")).await;
    let listen = server.address.to_string();
    server.kill();
    browser.wait_for(&state("lost")).await;
    let _again = Serving::spawn(
        crate::program::ticketboss(home.path(), &[]).args(["serve", "--listen", &listen]),
    );
    browser.wait_for(&state("live")).await;
}
