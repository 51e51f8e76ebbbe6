//! The model of a workflow id, and the check of the calls that are about it.
//!
//! The state is a place on the [line](super::line). What clients do to the chain, as starts and terminations, takes it on: each is a
//! call of its own in the search, without an end, because an attempt whose answer is lost may come late. What clients are told is a
//! look at the place, which changes nothing. A last look, after all others, finds the chain where the server says that it is.

use std::fmt;

use super::{
    answers::Answers,
    line::{Line, Places, Step},
    search::{self, Call, Model, Verdict},
    truth::Truth,
    words,
};
use crate::record::call::ClientCall;

/// What clients were told of a workflow cannot all be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The workflow.
    pub workflow_id: String,
    /// The runs as the server knows them in the end, and what began and closed each.
    pub runs: Vec<String>,
    /// What can be explained, in an order that does so.
    pub explained: Vec<String>,
    /// Where the chain is then.
    pub state: String,
    /// What cannot come next. The first is what had to, since its answer had been heard.
    pub stuck: Vec<String>,
}

/// Checks that there is an instant for each call about a workflow, between its beginning and its end, at which its answer is right.
/// Calls about others are left out. `truth`: what the server knows of the workflow when nothing is on its way to it any more.
///
/// # Errors
/// There is none.
pub fn check(workflow_id: &str, calls: &[&ClientCall], truth: &Truth) -> Result<Verdict, Box<Contradiction>> {
    let calls: Vec<&ClientCall> = calls.iter().copied().filter(|call| call.workflow_id == workflow_id).collect();
    let line = Line::new(truth, &calls);
    let asked = asked(&line, &calls);
    search::check(&Chain { line: &line }, &asked).map_err(|unexplained| {
        let tell = |places: &[usize]| places.iter().map(|at| told(&line, &calls, &asked[*at].asked)).collect();
        Box::new(Contradiction {
            workflow_id: workflow_id.to_owned(),
            runs: (0..line.runs.len()).map(|run| words::run(&line, run)).collect(),
            explained: tell(&unexplained.explained),
            state: words::place(&line, unexplained.state),
            stuck: tell(&unexplained.stuck),
        })
    })
}

impl fmt::Display for Contradiction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |out: &mut fmt::Formatter<'_>, title: &str, lines: &[String]| {
            writeln!(out, "{title}")?;
            lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
        };
        writeln!(out, "What clients were told of {} cannot all be true.", self.workflow_id)?;
        list(out, "The runs, as the server knows them in the end:", &self.runs)?;
        list(out, "This can be explained, in this order:", &self.explained)?;
        writeln!(out, "By then {}.", self.state)?;
        list(out, "None of these can come next, and the first must:", &self.stuck)
    }
}

/// What takes part in the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A client takes the chain on from this place.
    TakeOn(usize),
    /// The client that made this call looks.
    Look(usize),
    /// The last look.
    End,
}

struct Chain<'a> {
    line: &'a Line<'a>,
}

impl Model for Chain<'_> {
    type State = usize;
    type Asked = Asked;
    type Given = Places;

    fn begin(&self) -> usize {
        0
    }

    /// Workers take the chain on as far as it must be, and no further: what they can do now, they can do later.
    fn step(&self, place: &usize, asked: &Asked, given: Option<&Places>) -> Vec<usize> {
        let mut ahead = self.line.ahead(*place);
        let next = match (asked, given) {
            (Asked::TakeOn(from), _) => ahead.find(|place| place == from).map(|place| place + 1),
            (Asked::Look(_) | Asked::End, Some(places)) => ahead.find(|place| places.contains(place)),
            (Asked::Look(_) | Asked::End, None) => Some(*place),
        };
        next.into_iter().collect()
    }
}

fn asked(line: &Line<'_>, calls: &[&ClientCall]) -> Vec<Call<Asked, Places>> {
    let mut asked = Vec::new();
    for (place, step) in line.steps.iter().enumerate() {
        if let Step::By(began_ns) = *step {
            asked.push(Call { asked: Asked::TakeOn(place), given: None, began_ns, ended_ns: None });
        }
    }
    let answers = Answers::new(line, calls);
    let mut last_ns = 0;
    for (at, call) in calls.iter().enumerate() {
        let ended_ns = call.ended.as_ref().map(|(ended_ns, _)| *ended_ns);
        last_ns = last_ns.max(ended_ns.unwrap_or(call.began_ns));
        for look in answers.looks(call) {
            asked.push(Call { asked: Asked::Look(at), given: Some(look.places), began_ns: look.since_ns, ended_ns });
        }
    }
    let end_ns = last_ns.saturating_add(1);
    let places = Places::from([line.last()]);
    asked.push(Call { asked: Asked::End, given: Some(places), began_ns: end_ns, ended_ns: Some(end_ns) });
    asked
}

fn told(line: &Line<'_>, calls: &[&ClientCall], asked: &Asked) -> String {
    match *asked {
        Asked::TakeOn(place) => format!("a client's call, or an attempt of it: {}", words::place(line, place + 1)),
        Asked::Look(call) => words::call(calls[call]),
        Asked::End => format!("in the end, {}", words::place(line, line.last())),
    }
}
