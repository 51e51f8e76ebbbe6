//! What a worker's words mean. The SDKs have no codes for this: their texts are all there is. `docs/check.md` lists where each was seen.

use foretime_history::compare::Difference;
use foretime_server::{
    engine::rules::sdk,
    proto::{
        command::command::Attributes,
        enums::WorkflowTaskFailedCause,
        failure::Failure,
        foretimeservice::{Outcome, ServeHistoryResponse},
        workflowservice::{RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest},
    },
};
use prost::Message;
use serde::Deserialize;

use super::{examine::Lost, stack};

/// What a worker has said of a history.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// It has replayed all of it, with what the code asks for then.
    Replays(Box<Answer>),
    /// It refuses: the code does not fit the history, or fails.
    Refuses(Box<Refusal>),
    /// Nothing follows from what it said.
    Unclear(String),
    /// It was gone, or silent.
    Nothing(Lost),
}

/// How an SDK refuses.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusal {
    /// Its words; empty if it does not object, but asks for something else.
    pub(super) message: String,
    /// Where the code has failed, if it has.
    pub(super) stack: Option<String>,
    /// What it asks for beyond what is recorded, if that is all that is wrong.
    pub(super) difference: Option<Difference>,
}

/// What a worker answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// Where the workflow's code waits, for people.
    pub(super) stack: Option<String>,
    /// The commands of the task.
    pub(super) completed: Option<RespondWorkflowTaskCompletedRequest>,
}

/// Texts that say that the worker does not know the workflow's type.
const UNREGISTERED: [&str; 9] = [
    "is not registered on this worker",
    "no such function is exported by the workflow bundle",
    "unable to find workflow type",
    "Unknown workflow type",
    "unknown workflow type",
    "Workflow type not found",
    "workflow type not found",
    "is not registered",
    "Failed to initialize workflow of type",
];
/// Texts that say that a payload could not be decoded.
const UNDECODABLE: [&str; 12] = [
    "Failed decoding",
    "failed decoding",
    "Failed to decode",
    "unable to decode",
    "Unable to decode",
    "DataConverterException",
    "Failed to convert payload",
    "Unknown encoding",
    "unknown encoding",
    "ValueError: Missing payload encoding",
    "payload codec",
    "PayloadCodec",
];
/// Places in stacks where SDKs decode payloads.
const DECODING: [&str; 6] = ["decode_activation", "decodeActivation", "_decode_", "in decode\n", ".decode (", "PayloadCodec"];
impl Said {
    /// What the answer to a served history means.
    pub(super) fn of(response: &ServeHistoryResponse) -> Self {
        match response.outcome() {
            Outcome::TaskCompleted => match RespondWorkflowTaskCompletedRequest::decode(response.respond.as_slice()) {
                Ok(completed) => {
                    if let Some(message) = failed_for_nondeterminism(&completed) {
                        return Self::Refuses(Box::new(Refusal { message, ..Refusal::default() }));
                    }
                    let result = completed.query_results.values().next();
                    let stack = result.and_then(|it| stack::shown(&it.answer.as_ref()?.payloads.first()?.data));
                    Self::Replays(Box::new(Answer { stack, completed: Some(completed) }))
                }
                Err(error) => Self::Unclear(error.to_string()),
            },
            Outcome::TaskFailed => match RespondWorkflowTaskFailedRequest::decode(response.respond.as_slice()) {
                Ok(failed) => {
                    let message = failed.failure.as_ref().map(failure_chain).unwrap_or_default();
                    match failed.cause() {
                        WorkflowTaskFailedCause::NonDeterministicError => {
                            Self::Refuses(Box::new(Refusal { message, ..Refusal::default() }))
                        }
                        _ => Self::of_failure(message, failed.failure.as_ref()),
                    }
                }
                Err(error) => Self::Unclear(error.to_string()),
            },
            Outcome::TimedOut => Self::Nothing(Lost::TimedOut),
            Outcome::WorkerGone | Outcome::Unspecified => Self::Nothing(Lost::WorkerGone),
        }
    }

    fn of_failure(message: String, failure: Option<&Failure>) -> Self {
        let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
        if says_nondeterminism(&message) {
            Self::Refuses(Box::new(Refusal { message, ..Refusal::default() }))
        } else if failure.is_some_and(is_unreadable) {
            // It may say anything: that the code fails, or that the type of the workflow is not known.
            Self::Unclear(
                "the worker's failure is encrypted, and only its codec can read it; --codec-endpoint has it decoded".to_owned(),
            )
        } else if is_of_unknown_type(&message) || has(&UNDECODABLE) || failure.is_some_and(is_of_a_codec) {
            Self::Unclear(message)
        } else {
            let stack = failure.and_then(|failure| stack::of_failure(&text_of(failure).stack_trace));
            Self::Refuses(Box::new(Refusal { message, stack, ..Refusal::default() }))
        }
    }
}

/// A worker's words without what may come from payloads: what is known to be of the SDK's own making, or how much is left out.
pub(super) fn without_contents(words: &str) -> String {
    let is_known = |line: &&str| says_nondeterminism(line) || UNREGISTERED.iter().any(|text| line.contains(text));
    let Some(line) = words.lines().find(is_known) else {
        return match words.chars().count() {
            0 => String::new(),
            count => format!("({count} characters of the worker's words are left out)"),
        };
    };
    let line = line.find("[TMPRL1100]").map_or(line, |start| &line[start..]);
    // Go shows all fields of both sides: `ActivityTaskScheduled: (ActivityId:6, Header:..), replay command is ...`.
    let mut out = String::new();
    for (at, part) in line.split(", replay command").enumerate() {
        out += if at > 0 { ", replay command" } else { "" };
        out += part.split(": (").next().unwrap_or_default();
    }
    // TypeScript goes on with the error of the user's constructor.
    if let Some((before, name)) = out.split_once("Failed to initialize workflow of type") {
        let name = name.split(": ").next().unwrap_or_default();
        out = format!("{before}Failed to initialize workflow of type{name}");
    }
    out
}

/// Whether words say that code and history part. That wins over all else that they say.
fn says_nondeterminism(words: &str) -> bool {
    sdk::says_nondeterminism(words) || words.contains("history mismatch")
}

/// The message of a workflow that fails because code and history part, as some are told to do (Python's
/// `workflow_failure_exception_types`).
fn failed_for_nondeterminism(completed: &RespondWorkflowTaskCompletedRequest) -> Option<String> {
    let failures = completed.commands.iter().filter_map(|command| match command.attributes.as_ref()? {
        Attributes::FailWorkflowExecutionCommandAttributes(fail) => fail.failure.as_ref(),
        _ => None,
    });
    failures.map(failure_chain).find(|message| says_nondeterminism(message))
}

/// Whether a payload codec has thrown it: its text is the user's own, but not the place.
fn is_of_a_codec(failure: &Failure) -> bool {
    let causes = std::iter::successors(Some(failure), |failure| failure.cause.as_deref());
    causes.into_iter().any(|failure| DECODING.iter().any(|place| text_of(failure).stack_trace.contains(place)))
}

/// Whether a message says `Workflow type X not found`, as Rust's SDK does.
fn names_unknown_type(message: &str) -> bool {
    message.split_once("Workflow type ").is_some_and(|(_, rest)| rest.contains(" not found"))
}

/// Whether a worker's words say that it does not know the type of the workflow.
pub(crate) fn is_of_unknown_type(message: &str) -> bool {
    UNREGISTERED.iter().any(|text| message.contains(text)) || names_unknown_type(message)
}

/// A failure's message with those of its causes.
fn failure_chain(failure: &Failure) -> String {
    let causes = std::iter::successors(Some(failure), |failure| failure.cause.as_deref());
    causes.map(|failure| text_of(failure).message).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
}

/// Whether the text of a failure is encrypted still.
fn is_unreadable(failure: &Failure) -> bool {
    let encoded = failure.encoded_attributes.as_ref();
    encoded.is_some_and(|payload| serde_json::from_slice::<FailureText>(&payload.data).is_err())
}

/// What a failure says.
#[derive(Debug, Deserialize)]
struct FailureText {
    #[serde(default)]
    message: String,
    #[serde(default)]
    stack_trace: String,
}

/// The text of a failure, also of one whose text is a payload because it was to be encrypted: SDKs call these "Encoded failure".
fn text_of(failure: &Failure) -> FailureText {
    let encoded = failure.encoded_attributes.as_ref().and_then(|payload| serde_json::from_slice(&payload.data).ok());
    encoded.unwrap_or_else(|| FailureText { message: failure.message.clone(), stack_trace: failure.stack_trace.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_come_from_payloads_is_left_out() {
        let go = "[TMPRL1100] nondeterministic workflow: history event is ActivityTaskScheduled: (ActivityId:6, Header:Alice), replay \
                  command is StartTimer: (TimerId:7, Alice)";
        let left =
            "[TMPRL1100] nondeterministic workflow: history event is ActivityTaskScheduled, replay command is StartTimer";
        assert_eq!(without_contents(go), left);
        assert_eq!(
            without_contents("Alice: [TMPRL1100] Nondeterminism error: x\nAlice"),
            "[TMPRL1100] Nondeterminism error: x"
        );
        assert_eq!(without_contents("no customer Alice"), "(17 characters of the worker's words are left out)");
        let of_typescript = "Failed to initialize workflow of type 'Order': TypeError: Alice";
        assert_eq!(without_contents(of_typescript), "Failed to initialize workflow of type 'Order'");
        assert_eq!(without_contents(""), "");
    }
}
