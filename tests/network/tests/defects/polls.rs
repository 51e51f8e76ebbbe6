//! Defects of polls, and of connections.

use std::collections::BTreeSet;

use bytes::Bytes;
use foretime_server::{
    engine::Connection,
    rpc::{Answer, Call},
};

use crate::Tamper;

/// The answer to one wait in five for the end of a run is lost.
#[derive(Default)]
pub(crate) struct LosesAnswers {
    count: u64,
}

impl Tamper for LosesAnswers {
    fn goes(&mut self, call: &Call, answer: Answer) -> Option<Answer> {
        if call.method != "GetWorkflowExecutionHistory" || !matches!(&answer, Ok(message) if !message.is_empty()) {
            return Some(answer);
        }
        self.count += 1;
        (!self.count.is_multiple_of(5)).then_some(answer)
    }
}

/// One workflow task in five is handed to the next poller, too.
#[derive(Default)]
pub(crate) struct HandsOutTwice {
    count: u64,
    again: Option<Bytes>,
}

impl Tamper for HandsOutTwice {
    fn comes(&mut self, call: &mut Call) -> Option<Answer> {
        if call.method != "PollWorkflowTaskQueue" {
            return None;
        }
        self.again.take().map(Ok)
    }

    fn goes(&mut self, call: &Call, answer: Answer) -> Option<Answer> {
        if let ("PollWorkflowTaskQueue", Ok(message)) = (call.method.as_str(), &answer)
            && !message.is_empty()
        {
            self.count += 1;
            if self.count.is_multiple_of(5) {
                self.again = Some(message.clone());
            }
        }
        Some(answer)
    }
}

/// One poll for an activity task in ten is sent away at once.
#[derive(Default)]
pub(crate) struct SendsPollsAway {
    count: u64,
}

impl Tamper for SendsPollsAway {
    fn comes(&mut self, call: &mut Call) -> Option<Answer> {
        if call.method != "PollActivityTaskQueue" {
            return None;
        }
        self.count += 1;
        self.count.is_multiple_of(10).then(|| Ok(Bytes::new()))
    }
}

/// Who has locked time is never heard to leave.
#[derive(Default)]
pub(crate) struct KeepsLocks {
    locking: BTreeSet<Connection>,
}

impl Tamper for KeepsLocks {
    fn comes(&mut self, call: &mut Call) -> Option<Answer> {
        match call.method.as_str() {
            "LockTimeSkipping" => drop(self.locking.insert(call.caller.connection)),
            "UnlockTimeSkipping" => drop(self.locking.remove(&call.caller.connection)),
            _ => {}
        }
        None
    }

    fn tells_of_closing(&mut self, connection: Connection) -> bool {
        !self.locking.remove(&connection)
    }
}
