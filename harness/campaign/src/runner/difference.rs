//! Runs a seed a second time, in another process. Both runs must be equal. If not, this looks for the step at which they part
//! and leaves both runs in the seed's report.

use std::{fs, path::PathBuf};

use super::job::Job;
use crate::{
    finding::FindingKind,
    result::{Order, RunFailure, RunResult},
};

/// How often both are run again, recorded step by step, until they differ once more.
const TRIES_MAX: u32 = 50;
/// How many steps are shown before the one at which they part.
const STEPS_BEFORE: usize = 5;

/// Runs a seed in another process. A difference from its first run is a failure.
pub(super) fn look_for(
    job: &mut Job,
    other: &mut Job,
    first: &RunResult,
    directory: impl Fn() -> Result<PathBuf, String>,
) -> Result<Option<RunFailure>, String> {
    let run = |job: &mut Job, order: &Order| job.run(order).map_err(|error| error.to_string());
    let second = run(other, &Order::of(first.seed))?;
    let same = |one: &RunResult, other: &RunResult| {
        (one.hash, one.steps, one.virtual_ns) == (other.hash, other.steps, other.virtual_ns)
    };
    if same(&second, first) {
        return Ok(None);
    }
    let full = Order { is_detailed: true, ..Order::of(first.seed) };
    let mut detail = format!(
        "One took {} steps, the other {}. {TRIES_MAX} more runs of it, written down step by step, were equal: it differs rarely.",
        first.steps, second.steps
    );
    let one = run(job, &full)?;
    for _ in 0..TRIES_MAX {
        let another = run(other, &full)?;
        if !same(&one, &another) {
            let traces = [one, another].map(|it| it.detail.map(|it| it.trace).unwrap_or_default());
            detail = first_difference(&traces);
            let directory = directory()?;
            for (name, trace) in ["one", "other"].iter().zip(&traces) {
                let path = directory.join(format!("trace-{name}.txt"));
                fs::write(&path, trace.join("\n")).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
                detail.push_str(&format!("\n{}", path.display()));
            }
            break;
        }
    }
    Ok(Some(RunFailure {
        kind: FindingKind::Differs,
        title: "the same seed gave two different runs".to_owned(),
        detail: detail
            + "\nSomething outside of the simulation reaches into it (docs/determinism.md says what does), or Foretime has a bug.",
        process: "test".to_owned(),
        at_ns: 0,
        likeness: 0,
        bare_likeness: None,
    }))
}

fn first_difference([one, two]: &[Vec<String>; 2]) -> String {
    let at = one.iter().zip(two).position(|(one, two)| one != two).unwrap_or_else(|| one.len().min(two.len()));
    let show = |trace: &[String]| trace.get(at).map_or_else(|| "(it ends here)".to_owned(), Clone::clone);
    let before: Vec<&str> = one[at.saturating_sub(STEPS_BEFORE)..at].iter().map(String::as_str).collect();
    format!("both ran:\n  {}\nthen one:\n  {}\nthe other:\n  {}", before.join("\n  "), show(one), show(two))
}
