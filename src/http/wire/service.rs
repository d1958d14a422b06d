//! What the server says of itself, as JSON.
//!
//! It must not know: how the server is found to be well.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::ArrayBuilder;

use crate::http::kernel::kinds::{kinds, one_of};
use crate::http::kernel::problem::code::{ProblemCode, ProblemStatus};
use crate::http::kernel::problem::{Code, Problem};

kinds! {
    HealthStatus: "How the server is.", one_of(&["ok", "ready"]);
    EventIds: "Events that are damaged, and not sold from.", event_ids();
}

fn event_ids() -> ArrayBuilder {
    ArrayBuilder::new().items(Ref::from_schema_name("EventId"))
}

/// How the server is.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HealthBody {
    #[schema(value_type = HealthStatus)]
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = EventIds)]
    pub(crate) damaged_events: Vec<String>,
}

/// What a code means, and what to do about it.
#[derive(Serialize, ToSchema)]
#[schema(as = Explanation)]
pub(crate) struct ExplanationBody {
    #[schema(value_type = ProblemCode)]
    code: &'static str,
    #[schema(value_type = ProblemStatus)]
    status: u16,
    title: &'static str,
    /// What it means.
    meaning: &'static str,
    /// What to do about it.
    advice: &'static str,
    /// Such a problem.
    example: Value,
}

impl ExplanationBody {
    /// The explanation of a code.
    pub(crate) fn of(code: Code) -> Self {
        Self {
            code: code.as_str(),
            status: code.status().as_u16(),
            title: code.title(),
            meaning: code.meaning(),
            advice: code.advice(),
            example: Problem::example_json(code),
        }
    }

    /// One of them, as it is told.
    pub(crate) fn example() -> Value {
        json!(Self::of(Code::NotEnoughSeats))
    }
}
