//! Gives the worker a history up to a cut.

use foretime_server::proto::foretimeservice::{Poller, ServeHistoryRequest};

use super::{Examiner, Subject};
use crate::{
    said::{Answer, Said},
    stack,
};

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

/// Which part of a history is given, and how.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub(super) until_event_id: i64,
    /// Whether the worker keeps the run, to be given more of it.
    pub(super) keeps_run: bool,
    /// What it has of the run already.
    pub(super) cached: Option<Cached>,
}

impl Cached {
    /// What a worker keeps that has answered so; `None` if it keeps nothing.
    pub(super) fn of(answer: &Answer, until_event_id: i64) -> Option<Self> {
        let queue = answer.completed.as_ref()?.sticky_attributes.as_ref()?.worker_task_queue.as_ref()?;
        Some(Self { sticky_task_queue: queue.name.clone(), until_event_id })
    }
}

impl Cut {
    /// All up to and with an event, for a worker that forgets the run afterwards.
    pub(super) fn at(until_event_id: i64) -> Self {
        Self { until_event_id, keeps_run: false, cached: None }
    }
}

impl Examiner<'_> {
    /// Asks the worker to replay the history up to the cut.
    pub(super) async fn ask(self, subject: &Subject, cut: Cut) -> Asked {
        let Cut { until_event_id, keeps_run, cached } = cut;
        let from_event_id = cached.as_ref().map_or(1, |cached| self.family.next_event(subject, cached.until_event_id));
        let request = self.request(subject);
        self.serve(ServeHistoryRequest {
            task_queue: cached.map_or(request.task_queue, |cached| cached.sticky_task_queue),
            history: subject.slice(from_event_id, until_event_id),
            started_event_id: subject.started_event_id(until_event_id),
            keeps_run,
            ..request
        })
        .await
    }

    /// What all requests of this run have in common. The history itself is missing.
    pub(super) fn request(self, subject: &Subject) -> ServeHistoryRequest {
        ServeHistoryRequest {
            task_queue: subject.task_queue.clone(),
            namespace: self.namespace.to_owned(),
            workflow_type: subject.workflow_type.clone(),
            workflow_id: subject.workflow_id.clone(),
            run_id: subject.run_id.clone(),
            manner: self.family.manner().into(),
            query_type: stack::query_type(self.client_name).to_owned(),
            timeout: self.timeout.try_into().ok(),
            ..ServeHistoryRequest::default()
        }
    }

    /// Gives the worker what is requested, and waits for what it says.
    pub(super) async fn serve(self, request: ServeHistoryRequest) -> Asked {
        match self.server.serve(request).await {
            Ok(response) => {
                let response = self.readable(response).await;
                Asked { said: Said::of(&response), poller: response.poller }
            }
            Err(why) => Asked { said: Said::Unclear(why), poller: None },
        }
    }
}
