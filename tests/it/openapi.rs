//! `/openapi.json` is complete and true: every route is in it, and everything that is answered is as it says.

pub(crate) mod description;
mod tour;

use std::collections::BTreeSet;

use serde_json::Value;
use ticketboss::http::Code;
use ticketboss_store::Store;
use ticketboss_store::local::memory::MemoryStore;

use self::description::{Description, Operation};
use crate::wire::{Server, ask, bare};

async fn server() -> Server {
    Server::of_event(Store::Memory(MemoryStore::default()), 500).await
}

/// A path of a template, with something in the place of each variable.
fn filled(template: &str) -> String {
    let parts = template.split('/').map(|part| match part {
        "{eventId}" => "e",
        "{reservationId}" => "00000001-0000-8000-8009-61b42a322344",
        "{blockId}" => "2",
        "{code}" => "not_found",
        part => {
            assert!(
                !part.starts_with('{'),
                "{template} has a variable that this test does not know"
            );
            part
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn a_path_has_the_methods_that_are_described_and_no_others() {
    let server = server().await;
    let description = Description::of(server.address).await;
    let paths = description.document["paths"].as_object().unwrap();
    for template in paths.keys() {
        let described =
            description.operations().into_iter().filter(|told| told.template == template);
        let mut described = described.map(|told| told.method).collect::<BTreeSet<_>>();
        // These two are told once, for all paths.
        described.insert("OPTIONS".to_owned());
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        let path = filled(template);
        let answer = ask(server.address, &bare(&format!("BREW {path}"), &[])).await;
        assert_eq!(answer.problem(), "405 method_not_allowed: Method not allowed", "{path}");
        let allowed =
            answer.header("allow").split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(allowed, described, "{path}");
        let schema = &description.document["components"]["responses"]["MethodNotAllowed"];
        let schema = &schema["content"]["application/problem+json"]["schema"];
        assert_eq!(description.faults_of_answer(schema, &answer.json()), [""; 0]);
    }
    let operations = description.operations();
    let ids = operations.iter().map(Operation::id).collect::<BTreeSet<_>>();
    assert_eq!(ids.len(), operations.len(), "an operation's id is its own");
}

#[tokio::test]
async fn what_is_not_described_is_not_there() {
    let server = server().await;
    let description = Description::of(server.address).await;
    let known = description.document["paths"].as_object().unwrap();
    let known = known.keys().map(|template| filled(template)).collect::<BTreeSet<_>>();
    let mut asked = 0;
    for path in &known {
        let above = path.rsplit_once('/').map(|(above, _)| above.to_owned());
        for near in [format!("{path}/x"), format!("{path}x"), above.unwrap()] {
            // Above all paths is the dashboard.
            if near.is_empty() || description.operations().iter().any(|told| told.is_at(&near)) {
                continue;
            }
            let answer = ask(server.address, &bare(&format!("BREW {near}"), &[])).await;
            assert_eq!(answer.problem(), "404 not_found: Not found", "{near}");
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked}");
}

#[tokio::test]
async fn every_example_is_as_its_schema_says() {
    let server = server().await;
    let description = Description::of(server.address).await;
    let mut looked_at = 0;
    let mut look = |told: &Value, place: &str| {
        for (media_type, content) in told["content"].as_object().into_iter().flatten() {
            let schema = &content["schema"];
            let several = content["examples"].as_object().into_iter().flatten();
            let several = several.map(|(_, example)| &description.resolved(example)["value"]);
            for example in content.get("example").into_iter().chain(several) {
                let faults = description.faults_of_answer(schema, example);
                assert_eq!(faults, [""; 0], "{place} {media_type} {example}");
                looked_at += 1;
            }
        }
    };
    for operation in description.operations() {
        look(&operation.told["requestBody"], operation.id());
        for (status, told) in operation.told["responses"].as_object().unwrap() {
            look(told, &format!("{} {status}", operation.id()));
        }
    }
    assert!(looked_at > 200, "{looked_at}");
}

#[tokio::test]
async fn everything_is_explained_and_every_link_leads_somewhere() {
    let server = server().await;
    let description = Description::of(server.address).await;
    let operations = description.operations();
    let tags = description.document["tags"].as_array().unwrap();
    let tags = tags.iter().map(|tag| &tag["name"]).collect::<Vec<_>>();
    for operation in &operations {
        let said = |value: &Value| value.as_str().is_some_and(|text| text.len() > 10);
        let told = operation.told;
        assert!(said(&told["description"]), "{}", operation.id());
        assert!(told["summary"].as_str().is_some_and(|text| text.len() > 5), "{}", operation.id());
        assert!(tags.contains(&&told["tags"][0]), "{}", operation.id());
        let parameters = told["parameters"].as_array().unwrap();
        let parameters = parameters.iter().map(|parameter| description.resolved(parameter));
        let names = parameters.clone().map(|parameter| parameter["name"].as_str().unwrap());
        let names = names.collect::<Vec<_>>();
        let variables = operation.template.split('/').filter_map(|part| part.strip_prefix('{'));
        for variable in variables.map(|part| part.trim_end_matches('}')) {
            assert!(names.contains(&variable), "{variable} of {}", operation.id());
        }
        for parameter in parameters {
            assert!(said(&parameter["description"]), "{parameter}");
            assert!(parameter["schema"].is_object(), "{parameter}");
        }
        for answer in told["responses"].as_object().unwrap().values() {
            for link in answer["links"].as_object().into_iter().flat_map(|links| links.values()) {
                let goal = operations.iter().find(|goal| goal.id() == link["operationId"]);
                assert!(goal.is_some(), "{link}");
            }
        }
    }
}

#[tokio::test]
async fn a_cache_may_keep_it_and_asks_whether_it_still_holds() {
    let server = server().await;
    let first = ask(server.address, &bare("GET /openapi.json", &[])).await;
    assert_eq!(first.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(first.header("cache-control"), "no-cache");
    assert_eq!(first.json()["openapi"], "3.1.0");
    let known = format!("If-None-Match: {}", first.header("etag"));
    let again = ask(server.address, &bare("GET /openapi.json", &[&known])).await;
    assert_eq!((again.status, again.text()), (304, ""));
    assert_eq!(again.header("etag"), first.header("etag"));
}

/// The README's table: status, code, what to do.
fn rows_of_readme() -> Vec<(u16, String, String)> {
    let readme = include_str!("../../README.md");
    let table = readme.split("| status | code | what to do |\n").nth(1).unwrap();
    let mut rows = Vec::new();
    for line in table.lines().skip(1).take_while(|line| line.starts_with('|')) {
        let cells = line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>();
        let [status, codes, advice] = cells[..] else { panic!("{line}") };
        for code in codes.split(", ") {
            let code = code.trim_matches('`').to_owned();
            rows.push((status.parse().unwrap(), code, advice.to_owned()));
        }
    }
    rows
}

#[tokio::test]
async fn readme_table_and_pages_say_the_same_of_every_problem() {
    let server = server().await;
    let rows = rows_of_readme();
    assert_eq!(rows.len(), Code::ALL.len());
    for code in Code::ALL {
        let path = format!("GET /problems/{}", code.as_str());
        let page = ask(server.address, &bare(&path, &["Accept: application/json"])).await;
        assert_eq!(page.header("content-type"), "application/json; charset=utf-8");
        let told = page.json();
        assert_eq!(told["status"], code.status().as_u16());
        assert_eq!((&told["code"], &told["title"]), (&code.as_str().into(), &code.title().into()));
        let row = rows.iter().find(|(_, name, _)| name == code.as_str());
        let (status, _, advice) =
            row.unwrap_or_else(|| panic!("the README lacks {}", code.as_str()));
        assert_eq!(
            (&told["status"], &told["advice"]),
            (&(*status).into(), &advice.as_str().into())
        );
        let example = &told["example"];
        assert_eq!((&example["code"], &example["status"]), (&told["code"], &told["status"]));
        assert_eq!(example["type"], path.trim_start_matches("GET "));
        let browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
        let html = ask(server.address, &bare(&path, &[browser])).await;
        assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
        assert!(html.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!((page.header("vary"), html.header("vary")), ("Accept", "Accept"));
        assert!(html.text().contains(&format!("<code>{}</code>", code.as_str())));
        // Words in backticks are marked up; the words are the same.
        let plain = html.text().replace("<code>", "`").replace("</code>", "`");
        for text in [code.meaning(), code.advice()] {
            assert!(plain.contains(&format!("<p>{text}</p>")), "{text}");
        }
        assert_ne!(page.header("etag"), html.header("etag"));
    }
    let unknown =
        ask(server.address, &bare("GET /problems/no_such_code", &["Accept: text/html"])).await;
    assert_eq!(unknown.problem(), "404 not_found: Not found");
}
