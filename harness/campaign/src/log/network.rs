//! The faults of a simulated network: which there are, what of them goes into the hash, and their words. One befalls the machine of the
//! entry's process. If the entry has none, it befalls the server's machine, and so everybody who talks to it.

#![allow(missing_docs, reason = "the docs of a type say what its fields are")]

use std::time::Duration;

use crate::{hash::Hash, words::duration};

/// A fault of the network, or of a machine on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Messages between the machine and the server are lost for `span`.
    Cut { lost: Lost, span: Duration },
    /// All connections of the machine break at once.
    Reset,
    /// The machine does nothing for `span`, and its clock stands still.
    Freeze { span: Duration },
    /// For `span`, each message to and from the machine takes between `from` and `to`.
    Slow { from: Duration, to: Duration, span: Duration },
    /// For `span`, one in so many messages to and from the machine is lost and sent again, so it comes late. `one_in` is at least 1.
    Lossy { one_in: u32, span: Duration },
}

/// Which messages are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// All.
    Both = 1,
    /// Those to the server.
    ToServer = 2,
    /// Those from the server.
    FromServer = 3,
}

impl Network {
    /// The number of its kind. These numbers never change, or hashes would.
    const fn code(self) -> u64 {
        match self {
            Self::Cut { .. } => 1,
            Self::Reset => 2,
            Self::Freeze { .. } => 3,
            Self::Slow { .. } => 4,
            Self::Lossy { .. } => 5,
        }
    }

    pub(super) fn hash(self, hash: Hash) -> Hash {
        let hash = hash.number(self.code());
        match self {
            Self::Cut { lost, span } => hash.number(lost as u64).span(span),
            Self::Reset => hash,
            Self::Freeze { span } => hash.span(span),
            Self::Slow { from, to, span } => hash.span(from).span(to).span(span),
            Self::Lossy { one_in, span } => hash.number(u64::from(one_in)).span(span),
        }
    }

    /// How long it goes on; zero if it is over at once.
    pub const fn span(self) -> Duration {
        match self {
            Self::Cut { span, .. } | Self::Freeze { span } | Self::Slow { span, .. } | Self::Lossy { span, .. } => span,
            Self::Reset => Duration::ZERO,
        }
    }

    /// The name of its kind in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cut { lost: Lost::Both, .. } => "cut off",
            Self::Cut { .. } => "cut off one way",
            Self::Reset => "connections reset",
            Self::Freeze { .. } => "freeze",
            Self::Slow { .. } => "slow network",
            Self::Lossy { .. } => "lossy network",
        }
    }

    /// The rest, to follow its name; empty if there is no more to say.
    pub(super) fn detail(self) -> String {
        let long = format!("for {}", in_words(self.span()));
        match self {
            Self::Cut { lost: Lost::Both, .. } => format!("from the server, {long}"),
            Self::Cut { lost: Lost::ToServer, .. } => format!("on the way to the server, {long}"),
            Self::Cut { lost: Lost::FromServer, .. } => format!("on the way from the server, {long}"),
            Self::Reset => String::new(),
            Self::Freeze { .. } => long,
            Self::Slow { from, to, .. } => format!("{} a message, {long}", between(from, to)),
            Self::Lossy { one_in, .. } => format!("{}, {long}", share(one_in)),
        }
    }

    /// What it does, as a sentence without its capital and its end. `who`: the process, as people call it; `None`: the server.
    pub fn sentence(self, who: Option<&str>) -> String {
        let long = in_words(self.span());
        let of_whom = who.map_or_else(String::new, |who| format!(" to and from {who}"));
        match (self, who) {
            (Self::Cut { lost: Lost::Both, .. }, Some(who)) => format!("{who} was cut off from the server, for {long}"),
            (Self::Cut { lost: Lost::Both, .. }, None) => {
                format!("all workers and clients were cut off from the server, for {long}")
            }
            (Self::Cut { lost: Lost::ToServer, .. }, _) => {
                format!("no message of {} reached the server, for {long}", who.unwrap_or("any worker or client"))
            }
            (Self::Cut { lost: Lost::FromServer, .. }, Some(who)) => format!("{who} heard nothing from the server, for {long}"),
            (Self::Cut { lost: Lost::FromServer, .. }, None) => {
                format!("no worker or client heard anything from the server, for {long}")
            }
            (Self::Reset, Some(who)) => format!("all connections of {who} were reset"),
            (Self::Reset, None) => "all workers and clients lost their connections at once".to_owned(),
            (Self::Freeze { .. }, _) => {
                format!("the machine of {} stood still for {long}, and its clock with it", who.unwrap_or("the server"))
            }
            (Self::Slow { from, to, .. }, _) => {
                format!("messages{of_whom} took {} on their way, for {long}", between(from, to))
            }
            (Self::Lossy { one_in, .. }, _) => format!("{}{of_whom} was lost and sent again, for {long}", share(one_in)),
        }
    }
}

fn in_words(span: Duration) -> String {
    duration(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

/// `2 s to 1 min`, or `2 s` if both are the same.
fn between(from: Duration, to: Duration) -> String {
    if from == to { in_words(from) } else { format!("{} to {}", in_words(from), in_words(to)) }
}

/// `one message in 5`.
fn share(one_in: u32) -> String {
    if one_in > 1 { format!("one message in {one_in}") } else { "every message".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Entry, Struck, What},
        *,
    };
    use crate::fault::Fault;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    const fn cut(lost: Lost) -> Network {
        Network::Cut { lost, span: secs(12) }
    }

    const SLOW: Network = Network::Slow { from: secs(2), to: secs(60), span: secs(300) };
    const LOSSY: Network = Network::Lossy { one_in: 5, span: secs(300) };
    const ALL: [Network; 7] = [
        cut(Lost::Both),
        cut(Lost::ToServer),
        cut(Lost::FromServer),
        Network::Reset,
        Network::Freeze { span: secs(3) },
        SLOW,
        LOSSY,
    ];

    #[test]
    fn it_is_told_of_a_worker_in_a_sentence() {
        let told = ALL.map(|network| network.sentence(Some("worker 1")));
        let expected = [
            "worker 1 was cut off from the server, for 12 s",
            "no message of worker 1 reached the server, for 12 s",
            "worker 1 heard nothing from the server, for 12 s",
            "all connections of worker 1 were reset",
            "the machine of worker 1 stood still for 3 s, and its clock with it",
            "messages to and from worker 1 took 2 s to 1 min on their way, for 5 min",
            "one message in 5 to and from worker 1 was lost and sent again, for 5 min",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_befalls_the_server_befalls_all_who_talk_to_it() {
        let told = ALL.map(|network| network.sentence(None));
        let expected = [
            "all workers and clients were cut off from the server, for 12 s",
            "no message of any worker or client reached the server, for 12 s",
            "no worker or client heard anything from the server, for 12 s",
            "all workers and clients lost their connections at once",
            "the machine of the server stood still for 3 s, and its clock with it",
            "messages took 2 s to 1 min on their way, for 5 min",
            "one message in 5 was lost and sent again, for 5 min",
        ];
        assert_eq!(told, expected);
        let (span, each) = (secs(2), Duration::from_micros(300));
        let even = Network::Slow { from: each, to: each, span };
        assert_eq!(even.sentence(None), "messages took 300 us on their way, for 2 s");
        let all_lost = Network::Lossy { one_in: 1, span };
        assert_eq!(all_lost.sentence(None), "every message was lost and sent again, for 2 s");
    }

    #[test]
    fn an_entry_has_its_name_and_the_rest() {
        let shown = ALL.map(|network| {
            let what = What::Fault(Struck::Network(network));
            let entry = Entry { at_ns: 0, step: 1, process: None, what, hash: 0 };
            assert_eq!(entry.fault().map(Struck::fault), Some(Fault::Custom), "no swarm draws it");
            format!("{}: {}", entry.label(), entry.detail())
        });
        let expected = [
            "cut off: from the server, for 12 s",
            "cut off one way: on the way to the server, for 12 s",
            "cut off one way: on the way from the server, for 12 s",
            "connections reset: ",
            "freeze: for 3 s",
            "slow network: 2 s to 1 min a message, for 5 min",
            "lossy network: one message in 5, for 5 min",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn its_kind_and_all_that_it_carries_go_into_the_hash() {
        let others = [
            Network::Cut { lost: Lost::Both, span: secs(13) },
            Network::Freeze { span: secs(4) },
            Network::Slow { from: secs(1), to: secs(60), span: secs(300) },
            Network::Slow { from: secs(2), to: secs(61), span: secs(300) },
            Network::Slow { from: secs(2), to: secs(60), span: secs(301) },
            Network::Lossy { one_in: 6, span: secs(300) },
            Network::Lossy { one_in: 5, span: secs(301) },
        ];
        let hashes: Vec<u64> = ALL.iter().chain(&others).map(|network| network.hash(Hash::new()).value()).collect();
        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash), "number {index} is like one before");
        }
    }

    #[test]
    fn its_hash_is_the_same_in_every_build() {
        let all = ALL.iter().fold(Hash::new(), |hash, network| network.hash(hash));
        assert_eq!(all.value(), 0x7a4c_7a72_e40d_2a46);
    }
}
