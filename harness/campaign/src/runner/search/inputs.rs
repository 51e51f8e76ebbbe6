//! Makes inputs simpler: step by step, as proptest does, for as long as the seed fails in the same way.

use super::Search;
use crate::{
    choices::{Input, Only, Path, Step},
    result::RunResult,
};

/// How often all inputs are gone through. What one of them may be often depends on another that has become simpler since.
const PASSES_MAX: usize = 3;
/// The most steps that are taken at once.
const STRIDE_MAX: usize = 4_096;

impl Search {
    /// Makes each input as simple as the failure allows with these faults, one after another. Returns whether any became simpler.
    pub(super) fn simplify(&mut self, only: &Only) -> Result<bool, String> {
        let mut has_simplified = false;
        let inputs = self.run(only)?.inputs;
        // The path of an input alone leads nowhere else, unless the code was another one when the path was found.
        let may_be_stuck = inputs.len() > 1 || inputs.iter().any(|input| !input.path.steps().is_empty());
        for input in inputs {
            if self.is_over() {
                return Ok(has_simplified);
            }
            has_simplified |= self.simplify_one(only, &input.at, input.path)?;
        }
        for _ in 1..PASSES_MAX {
            if !may_be_stuck || !self.simplify_anew(only)? {
                break;
            }
            has_simplified = true;
        }
        Ok(has_simplified)
    }

    /// Goes through all inputs again, each from what was drawn: the steps so far keep it from values that another input, as it was
    /// then, ruled out. Returns whether any became simpler.
    fn simplify_anew(&mut self, only: &Only) -> Result<bool, String> {
        let inputs = self.run(only)?.inputs;
        let mut has_simplified = false;
        for Input { at, path, value, .. } in &inputs {
            if self.is_over() {
                break;
            }
            self.inputs.insert(at.clone(), Path::default());
            let drawn = self.run(only)?;
            if self.is_failure(&drawn) {
                self.simplify_one(only, at, Path::default())?;
            }
            let again = self.run(only)?;
            let is_simpler = self.is_failure(&again) && input_at(&again, at).is_some_and(|it| is_simpler(&it.value, value));
            if is_simpler {
                has_simplified = true;
            } else {
                self.inputs.insert(at.clone(), path.clone());
            }
        }
        Ok(has_simplified)
    }

    /// Makes one input simpler, from this path on. A step that makes the failure go away is taken back in part, and the next step
    /// goes from there; an input with no further step is as simple as it can be. After a step that was right, twice as many are
    /// taken at once, so that a long list is soon a short one. (Each run takes all steps of a path again, so not if that is slow.)
    fn simplify_one(&mut self, only: &Only, at: &str, from: Path) -> Result<bool, String> {
        let (mut path, mut simplest, mut step, mut stride) = (from.clone(), from.clone(), Step::Simplify, 1);
        while !self.is_over() {
            let tried = path.and(step, stride);
            if tried.is_too_long() {
                break;
            }
            self.inputs.insert(at.to_owned(), tried.clone());
            let result = self.run(only)?;
            // It may no longer be drawn: whether it is depends on what another input is.
            let has_moved = input_at(&result, at).is_some_and(|input| input.has_moved);
            if has_moved && self.is_failure(&result) {
                let is_eager = step == Step::Simplify && self.is_quick();
                stride = if is_eager { (stride * 2).min(STRIDE_MAX) } else { 1 };
                (path, simplest, step) = (tried.clone(), tried, Step::Simplify);
            } else if stride > 1 {
                stride = 1;
            } else if has_moved {
                (path, step) = (tried, Step::Complicate);
            } else {
                break;
            }
        }
        let has_simplified = simplest != from;
        self.inputs.insert(at.to_owned(), simplest);
        Ok(has_simplified)
    }
}

fn input_at<'a>(result: &'a RunResult, at: &str) -> Option<&'a Input> {
    result.inputs.iter().find(|input| input.at == at)
}

/// Whether a value is simpler than another, in words: shorter, or as long and before it.
fn is_simpler(words: &str, than: &str) -> bool {
    (words.len(), words) < (than.len(), than)
}
