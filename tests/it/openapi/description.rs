//! The description of the API as a judge: what was asked and answered is held against it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::wire::{Answer, ask, bare};

/// The methods that a path of the document can have.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// Headers that an answer may have if it is described so, and must have unless they depend on the case.
const HEADERS: [(&str, Presence); 6] = [
    ("X-Request-Id", Presence::Always),
    ("ETag", Presence::Always),
    ("Location", Presence::Always),
    ("Allow", Presence::Always),
    ("Idempotent-Replayed", Presence::Sometimes),
    ("Retry-After", Presence::Sometimes),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Always,
    Sometimes,
}

/// What was met: an operation, a status, and the code of a problem or nothing.
pub(crate) type Met = (String, u16, String);

/// The document, and what of it was met.
pub(crate) struct Description {
    pub(crate) document: Value,
    /// Its schemas, in which no field may be that is not described.
    closed: Value,
    /// Those that have been built, each by its schema and whether that is closed.
    validators: RefCell<HashMap<(String, bool), Validator>>,
    pub(crate) met: BTreeSet<Met>,
}

/// An operation of the document.
pub(crate) struct Operation<'a> {
    pub(crate) method: String,
    pub(crate) template: &'a str,
    pub(crate) told: &'a Value,
}

impl Operation<'_> {
    pub(crate) fn id(&self) -> &str {
        self.told["operationId"].as_str().unwrap()
    }

    /// Whether a path is one of this operation's.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        let fits = |(expected, given): (&str, &str)| expected.starts_with('{') || expected == given;
        self.template.split('/').count() == path.split('/').count()
            && self.template.split('/').zip(path.split('/')).all(fits)
    }
}

impl Description {
    pub(crate) async fn of(address: SocketAddr) -> Self {
        let answer = ask(address, &bare("GET /openapi.json", &[])).await;
        assert_eq!(answer.status, 200);
        let document = answer.json();
        let mut closed_schemas = document["components"]["schemas"].clone();
        for schema in closed_schemas.as_object_mut().unwrap().values_mut() {
            close(schema, Place::Part);
        }
        let (validators, met) = (RefCell::default(), BTreeSet::new());
        Self { document, closed: closed_schemas, validators, met }
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let mut all = Vec::new();
        for (template, item) in self.document["paths"].as_object().unwrap() {
            for method in METHODS.iter().filter(|method| item.get(*method).is_some()) {
                let told = &item[*method];
                all.push(Operation { method: method.to_uppercase(), template, told });
            }
        }
        all
    }

    /// What a reference stands for.
    pub(crate) fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        value["$ref"].as_str().map_or(value, |reference| {
            let pointer = reference.strip_prefix('#').unwrap();
            self.document.pointer(pointer).unwrap_or_else(|| panic!("{reference} is missing"))
        })
    }

    /// What is wrong with a value by a schema of the document.
    pub(super) fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        self.judge((schema.to_string(), false), value, || {
            validator(schema.clone(), &self.document["components"]["schemas"])
        })
    }

    /// The same, where no field may be that is not described.
    pub(super) fn faults_of_answer(&self, schema: &Value, value: &Value) -> Vec<String> {
        self.judge((schema.to_string(), true), value, || validator(closed(schema), &self.closed))
    }

    fn judge(
        &self,
        key: (String, bool),
        value: &Value,
        build: impl FnOnce() -> Validator,
    ) -> Vec<String> {
        let mut validators = self.validators.borrow_mut();
        let errors = validators.entry(key).or_insert_with(build).iter_errors(value);
        errors.map(|error| format!("{} {error}", error.instance_path())).collect()
    }

    /// Holds a request and its answer against the document. What was done must have been asked for as it says.
    pub(crate) fn check(&mut self, request: &str, answer: &Answer) {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let operations = self.operations();
        let mut found = operations.iter().filter(|told| told.method == method && told.is_at(path));
        let operation = found.next().unwrap_or_else(|| panic!("{method} {path} is not described"));
        let about = format!("{} answered {}: {}", operation.id(), answer.status, head);
        let told = &operation.told["responses"][answer.status.to_string()];
        assert!(!told.is_null(), "{about}\n{}", String::from_utf8_lossy(&answer.body));
        self.check_headers(told, answer, &about);
        let code = self.check_body(told, answer, &about);
        if answer.status < 400 {
            self.check_query(operation.told, query, &about);
            let schema = &operation.told["requestBody"]["content"]["application/json"]["schema"];
            if !body.is_empty() {
                let body = serde_json::from_str(body).unwrap();
                assert_eq!(self.faults(schema, &body), [""; 0], "{about}\n{body}");
            }
        }
        let met = (operation.id().to_owned(), answer.status, code);
        self.met.insert(met);
    }

    fn check_headers(&self, told: &Value, answer: &Answer, about: &str) {
        for (name, presence) in HEADERS {
            let given = answer.headers.get(&name.to_lowercase());
            let header = &told["headers"][name];
            if header.is_null() {
                assert_eq!(given, None, "{name} is not described: {about}");
                continue;
            }
            let Some(given) = given else {
                assert!(presence == Presence::Sometimes, "{name} is missing: {about}");
                continue;
            };
            let schema = &self.resolved(header)["schema"];
            let value = as_of_type(schema, given);
            assert_eq!(self.faults(schema, &value), [""; 0], "{name}: {about}");
        }
    }

    /// Gives the code of a problem, or nothing.
    fn check_body(&self, told: &Value, answer: &Answer, about: &str) -> String {
        let Some(content) = told["content"].as_object() else {
            assert_eq!((answer.text(), answer.header("content-type")), ("", ""), "{about}");
            return String::new();
        };
        let media_type = answer.header("content-type").split(';').next().unwrap();
        let described = content.get(media_type);
        let described =
            described.unwrap_or_else(|| panic!("{media_type} is not described: {about}"));
        if !media_type.ends_with("json") {
            return String::new();
        }
        let body = answer.json();
        let faults = self.faults_of_answer(&described["schema"], &body);
        assert_eq!(faults, [""; 0], "{about}\n{body}");
        let is_problem = media_type == "application/problem+json";
        let code = if is_problem { body["code"].as_str().unwrap() } else { "" };
        code.to_owned()
    }

    fn check_query(&self, operation: &Value, query: &str, about: &str) {
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let parameters = parameters.map(|parameter| self.resolved(parameter));
        let known = parameters.filter(|parameter| parameter["in"] == "query");
        let known: BTreeMap<_, _> =
            known.map(|told| (told["name"].as_str().unwrap(), &told["schema"])).collect();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let schema = known.get(&*name).unwrap_or_else(|| panic!("{name}: {about}"));
            assert_eq!(self.faults(schema, &as_of_type(schema, &value)), [""; 0], "{about}");
        }
    }

    /// Everything that the document says can be met.
    pub(super) fn described(&self) -> BTreeSet<Met> {
        let mut all = BTreeSet::new();
        for operation in self.operations() {
            for (status, told) in operation.told["responses"].as_object().unwrap() {
                let schema = &told["content"]["application/problem+json"]["schema"];
                let codes = schema["allOf"][1]["properties"]["code"]["enum"].as_array();
                let codes = codes.map_or(vec![""], |codes| {
                    codes.iter().map(|code| code.as_str().unwrap()).collect()
                });
                for code in codes {
                    let met = (operation.id().to_owned(), status.parse().unwrap(), code.to_owned());
                    all.insert(met);
                }
            }
        }
        all
    }
}

/// A parameter or header, which is text on the wire, as a value of the type that it is said to be of.
fn as_of_type(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer" | "boolean") => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}

fn validator(mut schema: Value, schemas: &Value) -> Validator {
    schema["components"] = json!({ "schemas": schemas });
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// The same schema, where no field may be that is not described.
///
/// What others build on stays open where it is defined; it is closed where it is referred to.
fn closed(schema: &Value) -> Value {
    let mut schema = schema.clone();
    close(&mut schema, Place::Whole);
    schema
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is all that there is to say about a value.
    Whole,
    /// It is a definition, or a part of what is said about a value.
    Part,
}

fn close(schema: &mut Value, place: Place) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| close(item, place)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut().filter(|(name, _)| *name != "enum") {
                match name.as_str() {
                    "allOf" => close(value, Place::Part),
                    "properties" => {
                        let properties = value.as_object_mut().unwrap().values_mut();
                        properties.for_each(|property| close(property, Place::Whole));
                    }
                    _ => close(value, Place::Whole),
                }
            }
            let is_object =
                ["$ref", "properties", "allOf"].iter().any(|key| fields.contains_key(*key));
            if place == Place::Whole && is_object && !fields.contains_key("additionalProperties") {
                fields.insert("unevaluatedProperties".to_owned(), false.into());
            }
        }
        _ => {}
    }
}
