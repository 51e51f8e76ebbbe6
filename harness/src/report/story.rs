//! The story of a failing run: what people would say of it.

use crate::world::State;

/// A few sentences.
pub(super) fn tell(state: &State) -> Vec<String> {
    state.findings.iter().map(|finding| finding.title.clone()).collect()
}
