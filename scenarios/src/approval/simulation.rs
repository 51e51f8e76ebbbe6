//! Approvals in a simulation: people answer early, late, twice, exactly at a deadline, or not at all. Whatever happens, the
//! first answer counts, and what is told and filed is what was decided.

use std::time::{Duration, SystemTime};

use foretime::{
    Faults, Sim,
    proptest::{collection::vec, prelude::*, sample::select},
};
use futures::future::try_join_all;
use temporalio_client::{WorkflowGetResultOptions, WorkflowSignalOptions, WorkflowStartOptions};

use super::{Approval, DAY, DEADLINES_DAYS, Decision, Desk, Note, PAGES, Request, TASK_QUEUE, broken, worker};
use crate::people::{few_named, in_time, moment, span};

/// A page takes half of the heartbeat's timeout.
const PAGE_TAKES: Duration = Duration::from_secs(30);

/// A few requests at once.
///
/// # Errors
/// What did not hold.
pub async fn simulation(sim: Sim) -> foretime::Result {
    let desk = Desk::with_pages_of(PAGE_TAKES);
    let at_work = desk.clone();
    sim.workers(2, move |_| worker(&at_work));
    sim.faults(Faults::swarm());
    let matters = sim.draw("requests", a_few_matters());
    let ends = try_join_all(matters.iter().map(|matter| matter.is_decided(&sim))).await?;
    // Leaves time for what is late.
    tokio::time::sleep(DAY).await;
    for (matter, end) in matters.iter().zip(&ends) {
        matter.assert_first_answer_counts(end);
        matter.assert_told_and_filed(end, &desk);
    }
    sim.ledger().exactly_once_by_key()?;
    foretime::sometimes!(ends.iter().any(|end| end.decision == Decision::Expired), "nobody answers for a week");
    let overruled = ends.iter().any(|end| end.answers.windows(2).any(|two| two[0].1 != two[1].1));
    foretime::sometimes!(overruled, "a second answer differs from the first");
    let filed_on = sim.ledger().effects().iter().any(|effect| effect.kind == "file" && effect.attempt > 1);
    foretime::sometimes!(filed_on, "another attempt goes on with the pages");
    Ok(())
}

/// One request, answered on some day, with the workflow that does not replay.
///
/// # Errors
/// What did not hold.
pub async fn simulation_of_broken(sim: Sim) -> foretime::Result {
    let desk = Desk::default();
    sim.workers(2, move |_| broken::worker(&desk));
    sim.faults(Faults::swarm());
    let options = WorkflowStartOptions::new(TASK_QUEUE, "chair").build();
    sim.client().start_workflow(broken::Approval::run, request("chair"), options).await?;
    let chair = sim.client().get_workflow_handle::<broken::Approval>("chair");
    tokio::time::sleep(sim.draw("answered after", span(DAY * 8))).await;
    in_time(chair.signal(broken::Approval::approve, "ann".to_owned(), WorkflowSignalOptions::default()).await)?;
    chair.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}

fn request(title: &str) -> Request {
    Request { title: title.to_owned(), approver: "ann".to_owned(), manager: "max".to_owned() }
}

/// A request and its answers: how long after the one before, and which.
#[derive(Clone, Debug)]
struct Matter {
    id: &'static str,
    answers: Vec<(Duration, Decision)>,
}

/// None, one or two answers each. A second one comes soon after the first.
fn a_few_matters() -> impl Strategy<Value = Vec<Matter>> {
    let first = moment(DEADLINES_DAYS.map(|days| DAY * days).to_vec(), DAY * 8);
    let answers = (vec(an_answer(), 0..=2), first, span(Duration::from_secs(5)))
        .prop_map(|(answers, first, second)| [first, second].into_iter().zip(answers).collect());
    few_named(&["chair", "desk", "lamp"], answers, |id, answers| Matter { id, answers })
}

fn an_answer() -> impl Strategy<Value = Decision> {
    let by = || select(&["ann", "max"]).prop_map(str::to_owned);
    prop_oneof![by().prop_map(Decision::Approved), by().prop_map(Decision::Rejected)]
}

/// How it ended.
struct End {
    begun_at: SystemTime,
    /// The answers that came in time, and when.
    answers: Vec<(SystemTime, Decision)>,
    ended_at: SystemTime,
    decision: Decision,
}

impl Matter {
    async fn is_decided(&self, sim: &Sim) -> foretime::Result<End> {
        let begun_at = sim.now();
        let options = WorkflowStartOptions::new(TASK_QUEUE, self.id).build();
        sim.client().start_workflow(Approval::run, request(self.id), options).await?;
        let matter = sim.client().get_workflow_handle::<Approval>(self.id);
        let mut answers = Vec::new();
        for (after, answer) in &self.answers {
            tokio::time::sleep(*after).await;
            let options = WorkflowSignalOptions::default();
            let said = match answer.clone() {
                Decision::Approved(by) => matter.signal(Approval::approve, by, options).await,
                Decision::Rejected(by) => matter.signal(Approval::reject, by, options).await,
                Decision::Expired => Ok(()),
            };
            if in_time(said)? {
                answers.push((sim.now(), answer.clone()));
            }
        }
        let decision = matter.get_result(WorkflowGetResultOptions::default()).await?;
        Ok(End { begun_at, answers, ended_at: sim.now(), decision })
    }

    fn assert_first_answer_counts(&self, end: &End) {
        let week_over_at = end.begun_at + DAY * DEADLINES_DAYS[2];
        let first = end.answers.first();
        match &end.decision {
            Decision::Expired => {
                foretime::always!(end.ended_at >= week_over_at, "a request expires after a week");
                let heard = first.is_some_and(|(at, _)| *at < week_over_at);
                foretime::always!(!heard, "an answer within the week counts");
            }
            decided => assert_eq!(Some(decided), first.map(|(_, answer)| answer), "{}", self.id),
        }
    }

    fn assert_told_and_filed(&self, end: &End, desk: &Desk) {
        let notes: Vec<(SystemTime, Note)> =
            desk.notes().into_iter().filter(|(_, note)| note.key.starts_with(self.id)).collect();
        let asks = |text: &&str| ["please decide", "reminder", "escalation"].contains(text);
        let told: Vec<&str> = notes.iter().map(|(_, note)| note.text.as_str()).filter(|text| !asks(text)).collect();
        assert_eq!(told, [format!("{:?}", end.decision)], "{}", self.id);
        for (text, days) in [("reminder", DEADLINES_DAYS[0]), ("escalation", DEADLINES_DAYS[1])] {
            let early = notes.iter().any(|(at, note)| note.text == text && *at < end.begun_at + DAY * days);
            foretime::always!(!early, "nobody is reminded too early");
        }
        let mut filed = Vec::new();
        for (page, papers) in desk.pages().into_iter().filter(|(_, papers)| papers.key == self.id) {
            assert_eq!(papers.decision, end.decision, "page {page} of {}", self.id);
            filed.push(page);
        }
        assert_eq!(filed, (0..PAGES).collect::<Vec<_>>(), "the pages of {}", self.id);
    }
}
