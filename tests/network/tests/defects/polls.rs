//! Defects of polls, and of connections.

use std::collections::BTreeSet;

use bytes::Bytes;
use foretime_proto::workflowservice::PollWorkflowTaskQueueResponse;
use foretime_server::{
    engine::Connection,
    rpc::{Answer, Call},
};
use prost::Message;

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

/// One workflow task in three comes without the updates that are for it.
#[derive(Default)]
pub(crate) struct ForgetsUpdates {
    count: u64,
}

impl Tamper for ForgetsUpdates {
    fn goes(&mut self, call: &Call, answer: Answer) -> Option<Answer> {
        if call.method != "PollWorkflowTaskQueue" {
            return Some(answer);
        }
        let without = answer.map(|message| {
            let mut task = PollWorkflowTaskQueueResponse::decode(&*message).unwrap_or_default();
            self.count += u64::from(!task.messages.is_empty());
            if task.messages.is_empty() || !self.count.is_multiple_of(3) {
                return message;
            }
            task.messages.clear();
            task.encode_to_vec().into()
        });
        Some(without)
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
