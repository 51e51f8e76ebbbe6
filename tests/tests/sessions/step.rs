//! A session: the configuration of a server, and the steps played against it.

use std::{fmt, time::Duration};

use foretime_server::{
    config::{Config, Graces, Personality, Replay, RunawayLimits, SearchAttributeType, TimeMode},
    proto::history::HistoryEvent,
};
use proptest::{collection::vec, prelude::*};
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::{
    calls::{COLOUR, Call, Family, Ms, NAMESPACES, Nth, Request},
    coverage::Coverage,
    world::World,
};

/// The steps of the longest session.
const STEPS_MAX: usize = 400;
/// The weight of leaps of the wall. Known fault: a service that is woken late starts a workflow task with the wall's time
/// before it fires timers that were due earlier. The weight is zero until that is fixed. The ignored test in
/// sim-server/tests/engine/time.rs shows it.
const LEAPS: u32 = 0;

/// One session.
#[derive(Clone)]
pub(crate) struct Session {
    setup: Setup,
    steps: Vec<Step>,
}

/// The configuration of the server.
#[derive(Clone, Debug)]
struct Setup {
    is_test_server: bool,
    time: TimeMode,
    long_polls_end: bool,
    /// The limits of a history are low enough to be reached.
    small_histories: bool,
    /// What happens is listed two seconds later.
    lists_late: bool,
    seed: u8,
}

/// One step of a session.
#[derive(Clone)]
pub(crate) enum Step {
    Call(Call),
    /// Sends a call with a damaged message.
    Damaged(Call, Damage),
    /// Repeats one of the last calls.
    Again(Nth),
    /// Abandons a parked call.
    GiveUp(Nth),
    /// A worker crashes with a task.
    Lose(Nth),
    /// Wall time passes; the service is woken at its deadlines.
    Pass(Ms),
    /// Wall time leaps ahead; the service is woken once, late.
    Leap(Ms),
    /// Wakes the service once: where time may skip, it skips to the next instant.
    Skip,
}

/// How a message is damaged.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Emptied,
    Cut(Nth),
    Flipped(Nth, u8),
    /// Sets a field to this number.
    Number(u32, i64),
    /// Sets a field to this text.
    Text(u32, String),
}

/// What a session left.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) coverage: Coverage,
    /// The histories of its runs.
    pub(crate) histories: Vec<Vec<HistoryEvent>>,
}

impl Session {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        (Setup::any(), vec(Step::any(), 1..=STEPS_MAX)).prop_map(|(setup, steps)| Self { setup, steps })
    }

    /// Removes each step without which the session still fails. Proptest removes steps first and simplifies the others then,
    /// which can make more of them superfluous.
    pub(crate) fn smallest(mut self, is_wrong: impl Fn(&Self) -> bool) -> Self {
        let mut at = self.steps.len();
        while at > 0 {
            at -= 1;
            let mut smaller = self.clone();
            smaller.steps.remove(at);
            if is_wrong(&smaller) {
                at = smaller.steps.len();
                self = smaller;
            }
        }
        self
    }

    /// Plays the session. Returns what it left, or what went wrong.
    pub(crate) fn play(&self) -> Result<Played, String> {
        let mut world = World::new(&self.setup.config());
        for step in &self.steps {
            step.play(&mut world)?;
        }
        world.end(self.setup.long_polls_end)
    }
}

/// One line for each step, in the alternate form, too.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setup = &self.setup;
        write!(f, "{setup:?}")?;
        self.steps.iter().try_for_each(|step| write!(f, "\n    {step:?}"))
    }
}

impl Setup {
    fn any() -> impl Strategy<Value = Self> {
        let rarely = || proptest::bool::weighted(0.2);
        (
            rarely(),
            prop_oneof![Just(TimeMode::Locked), Just(TimeMode::Skipping), Just(TimeMode::Awaited)],
            proptest::bool::weighted(0.8),
            rarely(),
            rarely(),
            any::<u8>(),
        )
            .prop_map(|(is_test_server, time, long_polls_end, small_histories, lists_late, seed)| Self {
                is_test_server,
                time,
                long_polls_end,
                small_histories,
                lists_late,
                seed,
            })
    }

    fn config(&self) -> Config {
        let limits = [("limit.historyCount.suggestContinueAsNew", "20"), ("limit.historyCount.error", "60")];
        let limits = limits.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let switched_on = ["frontend.WorkflowPauseEnabled", "history.enableWorkflowTaskCompletionPagination"];
        let switched_on = switched_on.map(|key| (key.to_owned(), "true".to_owned()));
        Config {
            personality: if self.is_test_server { Personality::TestServer } else { Personality::DevServer },
            namespaces: NAMESPACES.map(str::to_owned).into(),
            search_attributes: vec![(COLOUR.to_owned(), SearchAttributeType::Keyword)],
            dynamic_config: limits.into_iter().filter(|_| self.small_histories).chain(switched_on).collect(),
            time: self.time,
            start_time: None,
            graces: Some(Graces::default()),
            runaway: RunawayLimits::default(),
            long_polls_end: self.long_polls_end,
            verifies_rebuilds: true,
            // A completion that is applied and refused all the same would look like a fault here.
            replay: Replay::default(),
            remembers_closes: false,
            deletes_expired: true,
            keeps_deleted: false,
            visibility_lag: Duration::from_secs(if self.lists_late { 2 } else { 0 }),
            seed: self.seed.into(),
        }
    }
}

impl Step {
    fn any() -> impl Strategy<Value = Self> {
        let pass = prop_oneof![15 => Ms::up_to(900), 1 => Ms::up_to(15_000)];
        prop_oneof![
            70 => Call::any().prop_map(Self::Call),
            2 => (Call::any(), Damage::any()).prop_map(|(call, damage)| Self::Damaged(call, damage)),
            2 => Nth::any().prop_map(Self::Again),
            2 => Nth::any().prop_map(Self::GiveUp),
            2 => Nth::any().prop_map(Self::Lose),
            10 => pass.prop_map(Self::Pass),
            LEAPS => Ms::up_to(5_000).prop_map(Self::Leap),
            3 => Just(Self::Skip),
        ]
    }

    fn play(&self, world: &mut World) -> Result<(), String> {
        match self {
            Self::Call(call) => call.request(world).map_or(Ok(()), |request| world.send(request)),
            Self::Damaged(call, damage) => {
                let damaged = call.request(world).map(|request| damage.done_to(request));
                damaged.map_or(Ok(()), |request| world.send(request))
            }
            Self::Again(nth) => world.send_again(*nth),
            Self::GiveUp(nth) => world.give_up(*nth),
            Self::Lose(nth) => {
                world.lose(*nth);
                Ok(())
            }
            Self::Pass(span) => world.pass(span.span()),
            Self::Leap(span) => world.leap(span.span()),
            Self::Skip => world.leap(std::time::Duration::ZERO),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call) => write!(f, "{call:?}"),
            Self::Damaged(call, damage) => write!(f, "{call:?}, damaged: {damage:?}"),
            Self::Again(nth) => write!(f, "Again({nth:?})"),
            Self::GiveUp(nth) => write!(f, "GiveUp({nth:?})"),
            Self::Lose(nth) => write!(f, "Lose({nth:?})"),
            Self::Pass(span) => write!(f, "Pass({span:?})"),
            Self::Leap(span) => write!(f, "Leap({span:?})"),
            Self::Skip => write!(f, "Skip"),
        }
    }
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let texts = ["", "elsewhere", "01234567-0123-7123-8123-0123456789ab", "\u{0}", "no such thing"];
        let number = prop_oneof![Just(-1), Just(i64::MIN), Just(i64::MAX), -3..10_i64];
        prop_oneof![
            1 => Just(Self::Emptied),
            2 => Nth::any().prop_map(Self::Cut),
            3 => (Nth::any(), 1..=u8::MAX).prop_map(|(at, bits)| Self::Flipped(at, bits)),
            3 => (1..30_u32, number).prop_map(|(tag, number)| Self::Number(tag, number)),
            3 => (1..30_u32, proptest::sample::select(texts.to_vec())).prop_map(|(tag, text)| Self::Text(tag, text.to_owned())),
        ]
    }

    /// Damages the message. The worker keeps the task that it is about.
    fn done_to(&self, request: Request) -> Request {
        let mut message = request.message;
        match self {
            Self::Emptied => message.clear(),
            Self::Cut(at) => message.truncate(at.of(message.len()).unwrap_or(0)),
            Self::Flipped(at, bits) => {
                if let Some(at) = at.of(message.len()) {
                    message[at] ^= bits;
                }
            }
            Self::Number(tag, number) => {
                encode_key(*tag, WireType::Varint, &mut message);
                encode_varint(*number as u64, &mut message);
            }
            Self::Text(tag, text) => {
                encode_key(*tag, WireType::LengthDelimited, &mut message);
                encode_varint(text.len() as u64, &mut message);
                message.extend_from_slice(text.as_bytes());
            }
        }
        Request { message, spends: None, ..request }
    }
}
