//! Gives the worker a history up to a cut.

use foretime_server::proto::foretimeservice::{Poller, ServeHistoryRequest};

use super::{Examiner, Subject};
use crate::said::Said;

/// What the worker said.
pub(super) struct Asked {
    pub(super) said: Said,
    pub(super) poller: Option<Poller>,
}

/// What a worker has of a run already.
#[derive(Clone, Debug)]
pub(super) struct Cached {
    /// The queue of its own, on which it is given the rest.
    pub(super) sticky_task_queue: String,
    /// The last event that it has seen.
    pub(super) until_event_id: i64,
}

impl Examiner<'_> {
    /// Asks the worker to replay the history up to and with an event.
    pub(super) async fn ask(self, subject: &Subject, until_event_id: i64, keeps_run: bool) -> Asked {
        self.ask_on(subject, until_event_id, keeps_run, None).await
    }

    /// The same for a worker that has the beginning of it in its cache.
    pub(super) async fn ask_on(
        self,
        subject: &Subject,
        until_event_id: i64,
        keeps_run: bool,
        cached: Option<&Cached>,
    ) -> Asked {
        let from_event_id = cached.map_or(1, |cached| cached.until_event_id + 1);
        let request = ServeHistoryRequest {
            task_queue: cached.map_or_else(|| subject.task_queue.clone(), |cached| cached.sticky_task_queue.clone()),
            namespace: self.namespace.to_owned(),
            workflow_type: subject.workflow_type.clone(),
            workflow_id: subject.workflow_id.clone(),
            run_id: subject.run_id.clone(),
            history: subject.slice(from_event_id, until_event_id),
            manner: self.family.manner().into(),
            query_type: self.family.query_type().to_owned(),
            timeout: self.timeout.try_into().ok(),
            started_event_id: subject.started_event_id(until_event_id),
            messages: Vec::new(),
            keeps_run,
            previous_started_event_id: None,
        };
        match self.server.serve(request).await {
            Ok(response) => Asked { said: Said::of(&response), poller: response.poller },
            Err(why) => Asked { said: Said::Unclear(why), poller: None },
        }
    }
}
