//! The histories by themselves: each is legal, and each is the one that the interpreter makes.

use foretime_campaign::finding::Wrong;
use foretime_history::grammar;

use super::{broken::Broken, replay, run::Run};

/// The first history that no server may write.
pub fn illegal(runs: &[Run]) -> Option<Wrong> {
    runs.iter().find_map(|run| {
        let violation = grammar::check(&run.events).into_iter().next()?;
        let (event_id, rule, text) = (violation.event_id, violation.rule.to_owned(), violation.text);
        Some(Wrong::IllegalHistory { workflow_id: run.workflow_id.clone(), event_id, rule, text })
    })
}

/// The first history that the interpreter does not make.
pub fn replayed(runs: &[Run]) -> Option<Broken> {
    runs.iter().find_map(|run| {
        let why = replay::check(&run.events).err()?;
        let (title, detail) = ("a history is not what its workflow asked for".to_owned(), format!("{}: {why}", run.name()));
        Some(Broken { title, detail, at_ns: 0, process: None })
    })
}
