//! All integration tests, in one binary so that there is one link.

#[cfg(test)]
mod file_systems;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod full_page;
#[cfg(test)]
mod power_cut;
