//! Decides which faults befall what a worker or a struck client does. One function decides, from the deed, the plan and the draws. It knows no
//! transport and no times. The caller carries the verdict out; the simulated wire does so in virtual time.

use std::time::Duration;

use super::plan::{Mishap, Plan};
use crate::{
    choices::{Choices, Label},
    fault::{Fault, Place, RpcKind},
};

/// How long a delayed message is under way.
const DELAY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));
/// For how long a worker is cut off.
const CUT_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// How large an opportunity for a crash one turn of a worker is, compared with one of its messages.
const AT_WORK: f64 = 0.1;

/// Something that a worker or a struck client does, as an opportunity for faults.
#[derive(Clone, Copy, Debug)]
pub enum Deed<'a> {
    /// It goes on after a wait.
    Turn,
    /// It sends this request. `is_cut`: it is cut off from the server.
    Request {
        /// The name of the request.
        rpc: &'a str,
        /// Whether nothing of the worker reaches the server.
        is_cut: bool,
    },
    /// The server answers this request. `is_empty`: the answer has no content.
    Reply {
        /// The name of the request.
        rpc: &'a str,
        /// Whether it is a poll that ends without a task.
        is_empty: bool,
    },
    /// The answer to this request has reached it.
    Delivery {
        /// The name of the request.
        rpc: &'a str,
    },
    /// It begins an attempt of this activity. The attempt is given up after `patience` without an end or a heartbeat.
    Attempt {
        /// Its type.
        activity_type: &'a str,
        /// How long the server waits.
        patience: Option<Duration>,
    },
    /// It has had an effect on the outside world.
    Effect {
        /// What was done.
        kind: &'a str,
        /// To whom or what.
        subject: &'a str,
    },
}

/// What befalls the worker. By default nothing does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The worker ends here. After a crash, the rest of the verdict is empty.
    pub fall: Option<Fall>,
    /// The worker is cut off for this long, from here on.
    pub cut: Option<Duration>,
    /// The message does not get through.
    pub loss: Option<Loss>,
    /// The request reaches the server a second time.
    pub is_doubled: bool,
    /// The message takes this long.
    pub delay: Option<Duration>,
    /// What befalls the attempt.
    pub mishap: Mishap,
}

impl Verdict {
    /// The worker is no more.
    pub const fn is_crash(&self) -> bool {
        matches!(self.fall, Some(Fall::Crash | Fall::ClusterCrash))
    }
}

/// How a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fall {
    /// It crashes.
    Crash,
    /// All workers and struck clients do.
    ClusterCrash,
    /// It is asked to stop and to start again, and goes on until it stops.
    Restart,
}

/// How a message is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Its sender is cut off.
    CutOff,
    /// It is refused: the server cannot be reached.
    Unavailable,
    /// It is refused: the server is too busy.
    ResourceExhausted,
    /// It is lost, and its sender waits until its timeout.
    DeadlineExceeded,
    /// It is lost, and its sender is told that it arrived: a heartbeat.
    Heartbeat,
    /// Its sender only learns that the connection broke: a reply.
    Reply,
}

/// What decides on a verdict.
#[derive(Debug)]
pub struct Fates<'a> {
    /// Which faults the run has, and which of them rest.
    pub plan: &'a mut Plan,
    /// What the verdict is drawn from.
    pub choices: &'a mut Choices,
    /// The virtual time now: kinds of faults rest for a while after they struck.
    pub now_ns: u64,
}

/// Decides what befalls a worker in what it does.
pub fn verdict(deed: Deed<'_>, fates: &mut Fates<'_>) -> Verdict {
    let fall = match deed {
        Deed::Turn => {
            fates.plan.strikes(Fault::Crash, Place::Await, AT_WORK, fates.now_ns, fates.choices).then_some(Fall::Crash)
        }
        // A poll that is answered with nothing is simply over.
        Deed::Reply { rpc, is_empty: true } if RpcKind::of(rpc) == RpcKind::Poll => None,
        _ => fates.fall(deed.place()),
    };
    let begun = Verdict { fall, ..Verdict::default() };
    if begun.is_crash() {
        return begun;
    }
    match deed {
        Deed::Request { rpc, is_cut } => fates.request(begun, rpc, is_cut),
        Deed::Reply { rpc, .. } => {
            let loss = fates.strikes(Fault::ReplyLost, Place::OnTheWire(rpc)).then_some(Loss::Reply);
            Verdict { loss, delay: fates.delay(rpc), ..begun }
        }
        Deed::Attempt { activity_type, patience } => {
            Verdict { mishap: fates.plan.mishap(activity_type, patience, fates.now_ns, fates.choices), ..begun }
        }
        Deed::Turn | Deed::Delivery { .. } | Deed::Effect { .. } => begun,
    }
}

impl<'a> Deed<'a> {
    /// Where the worker falls, if it does.
    pub const fn place(self) -> Place<&'a str> {
        match self {
            Self::Turn => Place::Await,
            Self::Request { rpc, .. } => Place::BeforeRequest(rpc),
            Self::Reply { rpc, .. } => Place::BeforeReply(rpc),
            Self::Delivery { rpc } => Place::AfterReply(rpc),
            Self::Attempt { activity_type, .. } => Place::ActivityStart(activity_type),
            Self::Effect { kind, subject } => Place::AfterEffect { kind, subject },
        }
    }
}

impl Fates<'_> {
    fn strikes(&mut self, fault: Fault, place: Place<&str>) -> bool {
        self.plan.strikes(fault, place, 1.0, self.now_ns, self.choices)
    }

    fn fall(&mut self, place: Place<&str>) -> Option<Fall> {
        let falls = [(Fault::ClusterCrash, Fall::ClusterCrash), (Fault::Crash, Fall::Crash), (Fault::Restart, Fall::Restart)];
        falls.into_iter().find(|(fault, _)| self.strikes(*fault, place)).map(|(_, fall)| fall)
    }

    fn request(&mut self, begun: Verdict, rpc: &str, is_cut: bool) -> Verdict {
        if is_cut {
            return Verdict { loss: Some(Loss::CutOff), ..begun };
        }
        if self.strikes(Fault::Cut, Place::Connection) {
            let cut = Some(self.choices.span(Label::CutOff, CUT_OFF.0, CUT_OFF.1));
            return Verdict { cut, loss: Some(Loss::CutOff), ..begun };
        }
        let loss = self.loss(rpc);
        if loss.is_some() {
            return Verdict { loss, ..begun };
        }
        let is_doubled = RpcKind::of(rpc) != RpcKind::Poll && self.strikes(Fault::Duplicate, Place::OnTheWire(rpc));
        Verdict { is_doubled, delay: self.delay(rpc), ..begun }
    }

    /// How a request is lost before it reaches the server, if it is.
    fn loss(&mut self, rpc: &str) -> Option<Loss> {
        let losses = [
            (Fault::Unavailable, Loss::Unavailable),
            (Fault::ResourceExhausted, Loss::ResourceExhausted),
            (Fault::DeadlineExceeded, Loss::DeadlineExceeded),
            (Fault::HeartbeatLost, Loss::Heartbeat),
        ];
        let is_heartbeat = RpcKind::of(rpc) == RpcKind::Heartbeat;
        let mut losses = losses.into_iter().filter(|(_, loss)| *loss != Loss::Heartbeat || is_heartbeat);
        losses.find(|(fault, _)| self.strikes(*fault, Place::OnTheWire(rpc))).map(|(_, loss)| loss)
    }

    fn delay(&mut self, rpc: &str) -> Option<Duration> {
        self.strikes(Fault::Delay, Place::OnTheWire(rpc)).then(|| self.choices.span(Label::Delay, DELAY.0, DELAY.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Faults;

    const COMPLETED: &str = "RespondActivityTaskCompleted";

    fn verdicts(faults: &Faults, deed: Deed<'_>) -> Vec<Verdict> {
        let mut choices = Choices::from_seed(7, "test");
        let mut plan = Plan::draw(faults, &mut choices);
        (0..4).map(|now_ns| verdict(deed, &mut Fates { plan: &mut plan, choices: &mut choices, now_ns })).collect()
    }

    fn always(fault: Fault) -> Faults {
        Faults::none().with(fault, 1.0)
    }

    #[test]
    fn without_faults_nothing_befalls_a_message() {
        for deed in [
            Deed::Turn,
            Deed::Request { rpc: COMPLETED, is_cut: false },
            Deed::Reply { rpc: COMPLETED, is_empty: false },
            Deed::Delivery { rpc: COMPLETED },
            Deed::Attempt { activity_type: "act", patience: None },
            Deed::Effect { kind: "charge", subject: "card 7" },
        ] {
            assert_eq!(verdicts(&Faults::none(), deed), vec![Verdict::default(); 4], "{deed:?}");
        }
    }

    #[test]
    fn a_crash_ends_the_verdict_and_a_restart_does_not() {
        let request = Deed::Request { rpc: COMPLETED, is_cut: false };
        let crash = Verdict { fall: Some(Fall::Crash), ..Verdict::default() };
        assert_eq!(verdicts(&always(Fault::Crash).with(Fault::Duplicate, 1.0), request), vec![crash; 4]);
        let restart = Verdict { fall: Some(Fall::Restart), is_doubled: true, ..Verdict::default() };
        assert_eq!(verdicts(&always(Fault::Restart).with(Fault::Duplicate, 1.0), request), vec![restart; 4]);
    }

    #[test]
    fn each_fault_befalls_what_it_can() {
        let losses = |fault: Fault, deed: Deed<'_>| verdicts(&always(fault), deed).pop().and_then(|verdict| verdict.loss);
        let request = |rpc| Deed::Request { rpc, is_cut: false };
        assert_eq!(losses(Fault::HeartbeatLost, request("RecordActivityTaskHeartbeat")), Some(Loss::Heartbeat));
        assert_eq!(losses(Fault::HeartbeatLost, request(COMPLETED)), None);
        assert_eq!(losses(Fault::DeadlineExceeded, request(COMPLETED)), Some(Loss::DeadlineExceeded));
        assert_eq!(losses(Fault::ReplyLost, request(COMPLETED)), None);
        assert_eq!(losses(Fault::ReplyLost, Deed::Reply { rpc: COMPLETED, is_empty: false }), Some(Loss::Reply));
        let poll = "PollActivityTaskQueue";
        assert!(verdicts(&always(Fault::Duplicate), request(poll)).iter().all(|verdict| !verdict.is_doubled));
        let falls = |is_empty| verdicts(&always(Fault::Crash), Deed::Reply { rpc: poll, is_empty }).remove(0).fall;
        assert_eq!((falls(true), falls(false)), (None, Some(Fall::Crash)));
    }

    #[test]
    fn who_is_cut_off_gets_nothing_through() {
        let [first, ..] = &*verdicts(&always(Fault::Cut), Deed::Request { rpc: COMPLETED, is_cut: false }) else {
            panic!("four verdicts")
        };
        assert!(first.cut.is_some_and(|span| span >= CUT_OFF.0 && span <= CUT_OFF.1), "{first:?}");
        assert_eq!(first.loss, Some(Loss::CutOff));
        let cut = Verdict { loss: Some(Loss::CutOff), ..Verdict::default() };
        assert_eq!(verdicts(&Faults::none(), Deed::Request { rpc: COMPLETED, is_cut: true }), vec![cut; 4]);
    }
}
