//! What the core of the SDKs says when it refuses a history, and what is told of it.

use foretime_history::refused::divergence;
use foretime_server::proto::{
    command::Command,
    history::{History, HistoryEvent},
};
use prost::Message;

use super::compare::{patch, schedule, scheduled, start, started};

fn told(events: &[Vec<u8>], commands: &[Command], message: &str) -> Option<String> {
    let events = events.iter().map(|event| HistoryEvent::decode(&**event).expect("an event")).collect();
    divergence(&History { events }.encode_to_vec(), commands, message)?.told()
}

#[test]
fn another_type_of_activity_is_told_with_its_event_though_the_core_names_none() {
    let events = [started(5, 60), scheduled(12, "send_letter", None)];
    let message = "[TMPRL1100] Nondeterminism error: Activity type of scheduled event 'send_letter' does not match activity type of \
                   activity command 'send_message'";
    assert_eq!(
        told(&events, &[start(60), schedule("send_message", None, 60)], message).as_deref(),
        Some("at event 12 the history has ActivityTaskScheduled send_letter (activity 1); the code asks for send_message")
    );
}

#[test]
fn another_command_is_told_by_both_its_names() {
    let message = "Timer machine does not handle this event: HistoryEvent(id: 12, ActivityTaskScheduled)";
    assert_eq!(
        told(&[scheduled(12, "charge", None), started(13, 60)], &[start(60)], message).as_deref(),
        Some("at event 12 the history has ActivityTaskScheduled charge (activity 1); the code asks for StartTimer 2")
    );
}

#[test]
fn what_the_code_does_not_ask_for_is_told() {
    let message = "No command scheduled for event HistoryEvent(id: 13, TimerStarted)";
    assert_eq!(
        told(&[scheduled(12, "charge", None), started(13, 60)], &[schedule("charge", None, 60)], message).as_deref(),
        Some("at event 13 the history has TimerStarted 2; the code asks for nothing there")
    );
}

#[test]
fn other_values_and_patches_that_are_not_recorded_are_not_what_the_core_stumbles_over() {
    let events = [started(5, 60), scheduled(12, "charge", None)];
    let commands = [start(61), patch("discount"), schedule("bill", None, 60)];
    let message = "Activity type of scheduled event 'charge' does not match activity type of activity command 'bill'";
    let charge = "at event 12 the history has ActivityTaskScheduled charge (activity 1); the code asks for bill";
    assert_eq!(told(&events, &commands, message).as_deref(), Some(charge));
}

#[test]
fn nothing_is_told_that_the_message_does_not_bear_out() {
    let events = [started(5, 60), scheduled(12, "charge", None)];
    assert_eq!(told(&events, &[start(60), schedule("bill", None, 60)], "something else is wrong"), None);
    // What is recorded at its event is known all the same.
    let message = "Timer machine does not handle this event: HistoryEvent(id: 5, TimerStarted)";
    assert_eq!(
        told(&events, &[start(60), schedule("bill", None, 60)], message).as_deref(),
        Some("at event 5 the history has TimerStarted 2")
    );
}
