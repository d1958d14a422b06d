//! Pages for browsers: the dashboard, the reference of the API, and what each problem means.
//!
//! It must not know: the route table.

pub(crate) mod assets;
pub(crate) mod docs;
pub(crate) mod html;
pub(crate) mod problems;
pub(crate) mod static_page;
