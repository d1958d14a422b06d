//! The log of changes.

use crate::program::{Serving, ticketboss};
use crate::wire::{ask, bare, json};

const EVENT: &str = "/v1/events/node-meetup-2025";

/// The log lines of changes at a level, after one change of each kind that needs no passing of time.
async fn logged_at(level: &str) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--access-log", "off", "--log", level];
    let server = Serving::spawn_unread(&mut ticketboss(home.path(), &arguments));
    let change = async |line: &str, body: &str| {
        let request = json(line, body).replacen("\r\n", "\r\nIf-Match: *\r\n", 1);
        let answer = ask(server.address, &request).await;
        assert!(answer.status < 300, "{line}: {}", answer.text());
        answer
    };
    let made = async |body: &str| {
        let line = format!("POST {EVENT}/reservations");
        change(&line, body).await.json()["reservationId"].as_str().unwrap().to_owned()
    };
    let sold = made(r#"{"partnerId":"acme","seats":3}"#).await;
    let held = made(r#"{"partnerId":"globex","seats":2,"hold":60}"#).await;
    let reservation = |id: &str, what: &str| format!("POST {EVENT}/reservations/{id}/{what}");
    change(&reservation(&held, "extend"), r#"{"holdSeconds":90}"#).await;
    change(&reservation(&held, "confirm"), "{}").await;
    change(&reservation(&sold, "cancel"), r#"{"seats":1}"#).await;
    change(&reservation(&sold, "cancel"), "{}").await;
    change(&format!("POST {EVENT}/blocks"), r#"{"seats":2,"reason":"A camera"}"#).await;
    change(&format!("PATCH {EVENT}"), r#"{"totalSeats":600}"#).await;
    let refused = json(&format!("POST {EVENT}/reservations"), r#"{"partnerId":"acme","seats":99}"#);
    assert_eq!(ask(server.address, &refused).await.status, 400);
    let unblock = bare(&format!("DELETE {EVENT}/blocks/8"), &["If-Match: *"]);
    assert_eq!(ask(server.address, &unblock).await.status, 204);
    let log = server.stop_and_read_log();
    let log = log.replace(&sold, "SOLD").replace(&held, "HELD");
    let changes = log.lines().filter(|line| line.contains("node-meetup-2025: version "));
    changes.map(str::to_owned).collect()
}

#[tokio::test]
async fn each_change_has_one_line_at_info_and_none_at_warn() {
    let expected: [(u32, &[&str]); 9] = [
        (2, &["acme", "3 seats", "SOLD"]),
        (3, &["globex", "2 seats", "HELD"]),
        (4, &["reservation 3", "longer"]),
        (5, &["reservation 3", "confirmed"]),
        (6, &["1 seats of reservation 2", "cancelled"]),
        (7, &["reservation 2", "cancelled"]),
        (8, &["2 seats", "A camera"]),
        (9, &["600 seats", "onSale"]),
        (10, &["block 8"]),
    ];
    let lines = logged_at("info").await;
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, (version, words)) in lines.iter().zip(expected) {
        assert!(line.contains(" INFO "), "{line}");
        assert!(line.contains(&format!("version {version}, ")), "{line}");
        assert!(words.iter().all(|word| line.contains(word)), "{line}: {words:?}");
    }
    assert_eq!(logged_at("warn").await, [""; 0]);
}
