//! All integration tests, in one binary so that there is one link.

#[cfg(test)]
mod full_page;
