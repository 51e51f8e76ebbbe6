//! Every rule is broken on purpose, in histories that were good.

use foretime_server::{engine::time::Time, proto::history::HistoryEvent};

use super::{HISTORIES, grammar::check, shown};

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

/// Removes the first event of this kind. The gap is closed, but links to later events are not adjusted.
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

/// Breaks each history that can be broken in this way. The rule's name must be reported each time.
#[track_caller]
fn assert_found(rule: &str, mutations: &[Mutation]) {
    for (at, mutation) in mutations.iter().enumerate() {
        let mut broken_count = 0;
        for good in HISTORIES.iter() {
            let mut broken = good.clone();
            if mutation(&mut broken).is_none() {
                continue;
            }
            broken_count += 1;
            let told: Vec<_> = check(&broken).into_iter().map(|violation| violation.rule).collect();
            assert!(told.contains(&rule), "mutation {at}: {told:?} instead of {rule} in\n{}", shown(&broken));
            if broken_count == 30 {
                break;
            }
        }
        assert!(broken_count > 0, "mutation {at} of {rule} fits no history");
    }
}

fn time(event: &HistoryEvent) -> Time {
    event.event_time.as_ref().map(Time::from_proto).expect("every event has a time")
}

fn set_time(event: &mut HistoryEvent, at: Time) {
    event.event_time = Some(at.to_proto());
}
