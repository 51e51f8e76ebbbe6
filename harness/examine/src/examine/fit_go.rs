//! Whether code on Go's SDK fits a history up to the end of a workflow task.
//!
//! The SDK compares by itself, but not once the code completes the workflow. Then it answers with the commands of the task in which that
//! happens, and these are compared here, as the SDK would: by their kinds and names. That it happens in no task before is found by leaving
//! out the last one.

use foretime_history::compare::{Difference, Step};
use foretime_server::proto::{
    command::{Command, command::Attributes},
    enums::CommandType,
    foretimeservice::{Poller, ServeHistoryRequest},
};
use prost::Message;

use super::{
    Examiner, Subject,
    fit::Fit,
    go,
    invented::{LOCAL_ACTIVITY, NOT_RUN},
    live::{Markers, SIDE_EFFECT},
};
use crate::said::{Answer, Said};

/// How code that cannot read its input returns, which Go's SDK takes for a failed workflow.
const UNDECODABLE_INPUT: &str = "unable to decode the workflow function input payload";

/// What becomes of a replay.
enum Replayed {
    /// The SDK has compared everything. The workflow goes on.
    Open,
    /// The code completes the workflow. The SDK has not compared.
    Closed(Box<Answer>),
    /// Neither.
    Not(Fit),
}

impl Examiner<'_> {
    /// As [`Examiner::fit`].
    pub(super) async fn fit_go(self, subject: &Subject, task: usize) -> (Fit, Option<Poller>) {
        let markers = Markers::of(subject);
        let (replayed, poller) = self.replay(subject, &markers, task, subject.after_commands(task)).await;
        let fit = match replayed {
            Replayed::Not(fit) => fit,
            Replayed::Open if !subject.closes(task) => Fit::Fits(Box::default()),
            Replayed::Open => match difference(&markers, subject, task, &Answer::default()) {
                Some(difference) => Fit::differs(difference),
                None => Fit::Fits(Box::default()),
            },
            Replayed::Closed(answer) => match (difference(&markers, subject, task, &answer), task.checked_sub(1)) {
                (Some(difference), _) => Fit::differs(difference),
                (None, Some(before)) => self.goes_on(subject, &markers, before, answer).await,
                (None, None) => Fit::Fits(answer),
            },
        };
        (fit, poller)
    }

    /// Whether the code fits the history up to the end of a task without completing the workflow.
    async fn goes_on(self, subject: &Subject, markers: &Markers<'_>, task: usize, answer: Box<Answer>) -> Fit {
        // Also commands whose events name another task, as in histories that people have changed.
        let until = (subject.after_commands(task)..).take_while(|id| subject.step(id + 1).is_some()).count();
        let until = subject.after_commands(task) + i64::try_from(until).unwrap_or_default();
        match self.replay(subject, markers, task, until).await.0 {
            Replayed::Open => Fit::Fits(answer),
            Replayed::Closed(_) => Fit::DoesNot(Box::default()),
            Replayed::Not(fit) => fit,
        }
    }

    /// Gives the worker the history up to an event, which is the last of the task or one behind.
    async fn replay(
        self,
        subject: &Subject,
        markers: &Markers<'_>,
        task: usize,
        until_event_id: i64,
    ) -> (Replayed, Option<Poller>) {
        let request = ServeHistoryRequest {
            history: markers.guarded(until_event_id),
            started_event_id: subject.tasks[task].started_event_id,
            ..self.request(subject)
        };
        let asked = self.serve(request).await;
        let replayed = match asked.said {
            Said::Refuses(refusal) if is_of_the_guard(&refusal.message) => Replayed::Open,
            Said::Refuses(refusal)
                if go::unrecorded_local_activity(&refusal.message).is_some() && markers.may_wait(until_event_id) =>
            {
                // Its end may be recorded later: what the code asks for then shows whether it was one.
                if task + 1 < subject.tasks.len() {
                    Replayed::Open
                } else {
                    let why = format!("a local activity may run on behind the history: {}", refusal.message);
                    Replayed::Not(Fit::Unknown(why))
                }
            }
            Said::Replays(answer) => match commands(&answer).iter().find_map(undecodable) {
                Some(why) => Replayed::Not(Fit::Unknown(why)),
                None if commands(&answer).iter().any(closes) => Replayed::Closed(answer),
                None => Replayed::Open,
            },
            said => Replayed::Not(Fit::of(said)),
        };
        (replayed, asked.poller)
    }
}

/// Whether Go's SDK has found everything asked for but what guards the history against local activities.
fn is_of_the_guard(message: &str) -> bool {
    message.contains("missing replay command for MarkerRecorded") && message.contains(NOT_RUN)
}

/// How the commands of a task that completes the workflow differ from what is recorded of it. Its versions and mutable side effects are
/// not looked at, nor are updates, as they may have no commands of their own: Go's SDK does the same.
fn difference(markers: &Markers<'_>, subject: &Subject, task: usize, answer: &Answer) -> Option<Difference> {
    let (recorded, local) = markers.replayed(task);
    let differing = |recorded: Option<Step>, asked| Some(Difference { recorded, asked, fields: Vec::new() });
    let commands = commands(answer);
    // The server drops what follows the end of the workflow.
    let until = commands.iter().position(closes).map_or(commands.len(), |end| end + 1);
    let asked = commands[..until].iter().filter(|command| command.command_type() != CommandType::RecordMarker);
    let steps = asked.filter_map(|command| Step::of_command(&command.encode_to_vec()));
    let mut asked = steps.filter(|step| step.kind() != CommandType::ProtocolMessage);
    let recorded = recorded.into_iter().filter_map(|id| subject.step(id));
    for step in recorded.filter(|step| step.kind() != CommandType::ProtocolMessage) {
        match asked.next() {
            Some(other) if is_like(&step, &other) => {}
            other => return differing(Some(step), other),
        }
    }
    if let Some(more) = asked.next() {
        return differing(None, Some(more));
    }
    let asked_locally = commands[..until].iter().filter(|command| is_local_work(command)).count();
    local.get(asked_locally).and_then(|id| differing(subject.step(*id), None))
}

/// Whether Go's SDK takes two steps for the same.
fn is_like(one: &Step, other: &Step) -> bool {
    let last = |name: String| name.rsplit('.').next().map(str::to_owned);
    one.kind() == other.kind() && last(one.name()) == last(other.name())
}

fn commands(answer: &Answer) -> &[Command] {
    answer.completed.as_ref().map_or(&[], |completed| &completed.commands)
}

fn closes(command: &Command) -> bool {
    Step::of_command(&command.encode_to_vec()).is_some_and(|step| step.closes_the_workflow())
}

fn is_local_work(command: &Command) -> bool {
    match &command.attributes {
        Some(Attributes::RecordMarkerCommandAttributes(marker)) => {
            [LOCAL_ACTIVITY, SIDE_EFFECT].contains(&marker.marker_name.as_str())
        }
        _ => false,
    }
}

/// Why a workflow fails that could not read its input.
fn undecodable(command: &Command) -> Option<String> {
    match command.attributes.as_ref()? {
        Attributes::FailWorkflowExecutionCommandAttributes(fail) => {
            fail.failure.as_ref().map(|failure| failure.message.clone()).filter(|it| it.contains(UNDECODABLE_INPUT))
        }
        _ => None,
    }
}
