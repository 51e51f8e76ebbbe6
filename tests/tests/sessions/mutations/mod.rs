//! The grammar of histories: each of its rules is broken on purpose, in histories that were good, and what it finds is
//! compared.

use foretime_history::grammar::check;
use foretime_server::{
    engine::time::Time,
    proto::{
        enums::WorkflowTaskFailedCause,
        history::{HistoryEvent, history_event::Attributes},
    },
};

use crate::{campaign::Campaign, histories::shown};

/// How many histories a mutation breaks at most.
const BROKEN_MAX: usize = 30;

/// Breaks a history; `None` if it has nothing to break in this way.
type Mutation = fn(&mut Vec<HistoryEvent>) -> Option<()>;

/// Where the first event with these attributes is, from `from` on.
macro_rules! find {
    ($events:expr, $variant:ident) => {
        find!($events, $variant, 0)
    };
    ($events:expr, $variant:ident, $from:expr) => {
        $events.iter().skip($from).position(|event| matches!(event.attributes, Some(A::$variant(_)))).map(|at| at + $from)
    };
}

/// Edits the first attributes of this kind that fit.
macro_rules! edit {
    ($events:expr, $variant:ident, |$attributes:ident| $fits:expr, $edit:expr) => {
        $events.iter_mut().find_map(|event| match &mut event.attributes {
            Some(A::$variant($attributes)) if $fits => {
                $edit;
                Some(())
            }
            _ => None,
        })
    };
}

/// Removes the first event of this kind. The others keep their ids.
macro_rules! without {
    ($variant:ident) => {
        |events: &mut Vec<HistoryEvent>| {
            let at = find!(events, $variant)?;
            events.remove(at);
            Some(())
        }
    };
}

/// The first event of this kind, written twice.
macro_rules! twice {
    ($variant:ident) => {
        |events: &mut Vec<HistoryEvent>| {
            let at = find!(events, $variant)?;
            let again = events[at].clone();
            events.insert(at + 1, again);
            Some(())
        }
    };
}

// Behind the macros, which they use.
mod tasks;
mod things;
mod whole;

/// The campaign whose histories are broken.
fn campaign() -> &'static Campaign {
    Campaign::played().as_ref().expect("the campaign itself does not fail")
}

/// Breaks histories in each of these ways. The rule's name must be reported each time, and each way must fit some history. Only
/// those without a reset are broken: it begins counts anew, so that what is repeated behind it may be right.
#[track_caller]
fn assert_found(rule: &str, mutations: &[Mutation]) {
    for (at, mutation) in mutations.iter().enumerate() {
        let broken = campaign().histories.iter().filter(|good| !has_reset(good)).filter_map(|good| {
            let mut broken = good.clone();
            mutation(&mut broken).map(|()| broken)
        });
        let mut broken_count = 0;
        for events in broken.take(BROKEN_MAX) {
            broken_count += 1;
            let told: Vec<_> = check(&events).into_iter().map(|violation| violation.rule).collect();
            assert!(told.contains(&rule), "mutation {at}: {told:?} instead of {rule} in\n{}", shown(&events));
        }
        assert!(broken_count > 0 || !campaign().is_whole(), "mutation {at} of {rule} fits no history");
    }
}

fn has_reset(events: &[HistoryEvent]) -> bool {
    let is_reset = |event: &HistoryEvent| match &event.attributes {
        Some(Attributes::WorkflowTaskFailedEventAttributes(failed)) => failed.cause() == WorkflowTaskFailedCause::ResetWorkflow,
        _ => false,
    };
    events.iter().any(is_reset)
}

fn time(event: &HistoryEvent) -> Time {
    event.event_time.as_ref().map(Time::from_proto).expect("every event has a time")
}

fn set_time(event: &mut HistoryEvent, at: Time) {
    event.event_time = Some(at.to_proto());
}

#[test]
fn what_was_written_at_any_moment_is_legal() {
    // One event after the other, whereas a session looks only after a whole call.
    const EVENTS_MAX: usize = 80;
    // What a reset keeps of another run is right only in front of it.
    for events in campaign().histories.iter().filter(|events| events.len() < EVENTS_MAX && !has_reset(events)) {
        for end in 0..events.len() {
            let violations = check(&events[..end]);
            assert!(violations.is_empty(), "{violations:#?}\n{}", shown(&events[..end]));
        }
    }
}
