//! Which kinds of faults a run has, and how often they strike. Each seed draws its own: where all kinds strike at once, each hides
//! what the others would show.

use std::{collections::BTreeMap, time::Duration};

use super::draw::Draw;

/// A kind of fault of the network or of the machines on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A worker or a client is killed, and starts again after a while. A worker forgets all; a client knows its request ids.
    Crash,
    /// Nothing passes between a machine and the server.
    Cut,
    /// What a machine sends does not reach the server.
    Unheard,
    /// What the server sends does not reach a machine.
    Deaf,
    /// The connection of a process breaks, amid its calls.
    Reset,
    /// A machine stands still, and its clock with it; also the server's.
    Freeze,
    /// All messages take long.
    Slow,
    /// Many messages are lost and sent again.
    Lossy,
    /// All connections break at once, and everybody connects again.
    Reconnects,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Crash,
        Self::Cut,
        Self::Unheard,
        Self::Deaf,
        Self::Reset,
        Self::Freeze,
        Self::Slow,
        Self::Lossy,
        Self::Reconnects,
    ];

    /// Its name among strikes. It never changes, because seeds depend on it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Cut => "cut off",
            Self::Unheard => "not heard",
            Self::Deaf => "hears nothing",
            Self::Reset => "connection reset",
            Self::Freeze => "freeze",
            Self::Slow => "slow network",
            Self::Lossy => "lossy network",
            Self::Reconnects => "reconnects",
        }
    }
}

/// The faults of a run.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// How likely each kind is at each opportunity. A kind that is not here never strikes.
    pub chances: BTreeMap<Kind, f64>,
    /// How far opportunities are apart.
    pub every: Duration,
    /// How long faults strike. Then the network heals.
    pub lasts: Duration,
    /// How long what they do lasts at most.
    pub effect_max: Duration,
}

impl Swarm {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        let chances = Kind::ALL.into_iter().filter_map(|kind| {
            let has_it = draw.once_in(2);
            let chance = draw.one_of(&[0.01, 0.03, 0.1]);
            has_it.then_some((kind, chance))
        });
        Self {
            chances: chances.collect(),
            every: draw.span(Duration::from_millis(500), Duration::from_secs(20)),
            lasts: draw.span(Duration::from_secs(30), Duration::from_secs(900)),
            effect_max: draw.span(Duration::from_secs(2), Duration::from_secs(180)),
        }
    }
}
