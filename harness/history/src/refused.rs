//! What an SDK's refusal of a history means. It names an event at most, and often in the words of the SDK's own machines. What is
//! recorded there is in the history, and what the code asks for in its commands.

use foretime_server::proto::{command::Command, enums::EventType};

use crate::{
    Telling,
    compare::{Difference, Step, compare_as_replayers},
    events::{self, Event},
    verdict::{Divergence, Thing},
};

/// The core's text when code asks for nothing where something is recorded.
const NOTHING_ASKED: &str = "No command scheduled for event";

impl Divergence {
    /// What the history has, and what the code asks for, as people say it: `at event 12 the history has ActivityTaskScheduled send_letter
    /// (activity 2); the code asks for send_message`. If the latter is unknown, only the former. `None` if it is unknown what is recorded.
    pub fn told(&self) -> Option<String> {
        let (recorded, at) = (self.recorded.as_ref()?, self.event_id?);
        let asked = match &self.asked {
            None if self.message.contains(NOTHING_ASKED) => "; the code asks for nothing there".to_owned(),
            None => String::new(),
            Some(asked) if asked.command != recorded.command => format!("; the code asks for {asked}{}", asked.id_told()),
            Some(asked) if asked.id_told() == recorded.id_told() => format!("; the code asks for {}", asked.name),
            Some(asked) => format!("; the code asks for {}{}", asked.name, asked.id_told()),
        };
        Some(format!("at event {at} the history has {recorded}{}{asked}", recorded.id_told()))
    }
}

/// Where code and history part, if a replayer of the core's SDKs refuses with this message. `commands` are all that the code has asked
/// for since the first event, in order, without what it has cancelled at once and without cancellations. `None` if neither the message
/// nor the commands tell what is recorded there.
pub fn divergence(encoded: &[u8], commands: &[Command], message: &str) -> Option<Divergence> {
    let named = event_named_in(message);
    let seen = |event: &Event<'_>| named.is_none_or(|named| event.id <= named) && !is_cancellation(event);
    let recorded = events::of(encoded).filter(seen).map(|event| event.encoded);
    let difference = compare_as_replayers(recorded, commands, Telling::Contents).filter(|it| is_meant(it, named, message));
    let (recorded, asked, fields) = match difference {
        Some(Difference { recorded: Some(recorded), asked, fields }) => (recorded, asked, fields),
        // The SDK stumbled for another reason. What it stumbled over is known nevertheless.
        _ => {
            let event = events::of(encoded).find(|event| Some(event.id) == named)?;
            (Step::of_event(event.encoded)?, None, Vec::new())
        }
    };
    Some(Divergence {
        event_id: recorded.event_id(),
        recorded: Some(Thing::of(&recorded, Telling::Contents)),
        asked: asked.as_ref().map(|asked| Thing::of(asked, Telling::Contents)),
        fields,
        message: message.to_owned(),
        ..Divergence::default()
    })
}

/// Whether the message is about this difference: it names its event, or its recorded side.
fn is_meant(difference: &Difference, named: Option<i64>, message: &str) -> bool {
    let Some(recorded) = &difference.recorded else { return false };
    match named {
        Some(named) => recorded.event_id() == Some(named),
        None => {
            let says = |text: &str| !text.is_empty() && message.contains(text);
            says(&recorded.name()) || difference.fields.iter().any(|field| says(&field.recorded))
        }
    }
}

/// Whether it is of a command that cancels. What came of a cancellation, only the SDK's machines know.
fn is_cancellation(event: &Event<'_>) -> bool {
    use EventType as E;
    matches!(
        event.event_type,
        Some(
            E::TimerCanceled
                | E::ActivityTaskCancelRequested
                | E::RequestCancelExternalWorkflowExecutionInitiated
                | E::NexusOperationCancelRequested
        )
    )
}

/// The event that an SDK's message is about.
pub fn event_named_in(message: &str) -> Option<i64> {
    let patterns = [
        "HistoryEvent(id: ",
        "HistoryEvent { event_id: ",
        "history event position ",
        "scheduleEventID: ",
        "EventId:",
        "event id ",
        "eventId=",
        "Event ",
    ];
    let ids = patterns.iter().filter_map(|pattern| {
        let (_, rest) = message.split_once(pattern)?;
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|id: &i64| *id > 0 && *id < events::ID_MAX)
    });
    ids.into_iter().next()
}
