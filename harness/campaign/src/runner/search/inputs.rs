//! Makes inputs simpler: step by step, as proptest does, for as long as the seed fails in the same way.

use super::Search;
use crate::choices::{Only, Path, Step};

impl Search {
    /// Makes each input as simple as the failure allows with these faults, one after another. Returns whether any became simpler.
    pub(super) fn simplify(&mut self, only: &Only) -> Result<bool, String> {
        let inputs = self.run(only)?.inputs;
        let mut has_simplified = false;
        for input in inputs {
            if self.is_over() {
                break;
            }
            has_simplified |= self.simplify_one(only, &input.at, input.path)?;
        }
        Ok(has_simplified)
    }

    /// The same for one input, from this path on. A step that makes the failure go away is taken back in part, and the next step
    /// goes from there; an input with no further step is as simple as it can be.
    fn simplify_one(&mut self, only: &Only, at: &str, from: Path) -> Result<bool, String> {
        let (mut path, mut simplest, mut step) = (from.clone(), from.clone(), Step::Simplify);
        while !self.is_over() {
            path = path.and(step);
            self.inputs.insert(at.to_owned(), path.clone());
            let result = self.run(only)?;
            // It may no longer be drawn: whether it is depends on what another input is.
            if !result.inputs.iter().any(|input| input.at == at && input.has_moved) {
                break;
            }
            step = if self.is_failure(&result) { Step::Simplify } else { Step::Complicate };
            if step == Step::Simplify {
                simplest = path.clone();
            }
        }
        let has_simplified = simplest != from;
        self.inputs.insert(at.to_owned(), simplest);
        Ok(has_simplified)
    }
}
