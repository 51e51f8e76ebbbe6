//! The runs that a cluster knows, and their histories.

use bytes::Bytes;
use foretime_server::proto::{
    common::{DataBlob, WorkflowExecution},
    enums::WorkflowExecutionStatus,
    workflow::WorkflowExecutionInfo,
    workflowservice::{CountWorkflowExecutionsRequest, GetWorkflowExecutionHistoryRequest, ListWorkflowExecutionsRequest},
};
use futures_util::{Stream, StreamExt, stream};
use prost_types::Timestamp;
use tonic::Code;

use super::{Cluster, choice::Choice};
use crate::failure::Failure;

/// So many histories are fetched at the same time.
const FETCHES_MAX: usize = 8;

/// A run, as the list of a cluster has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    pub(crate) workflow_type: String,
    pub(crate) task_queue: String,
    pub(crate) status: WorkflowExecutionStatus,
    pub(crate) start_time: Option<Timestamp>,
    /// `None` while it is open.
    pub(crate) close_time: Option<Timestamp>,
    /// How many events there are; 0 if the cluster does not say, as some do not of open runs.
    pub(crate) history_length: i64,
}

impl From<WorkflowExecutionInfo> for Run {
    fn from(info: WorkflowExecutionInfo) -> Self {
        let status = info.status();
        let execution = info.execution.unwrap_or_default();
        Self {
            workflow_id: execution.workflow_id,
            run_id: execution.run_id,
            workflow_type: info.r#type.unwrap_or_default().name,
            task_queue: info.task_queue,
            status,
            start_time: info.start_time,
            close_time: info.close_time,
            history_length: info.history_length,
        }
    }
}

/// An answer to GetWorkflowExecutionHistory of which the events are not decoded.
#[derive(Clone, PartialEq, prost::Message)]
struct HistoryPage {
    /// A `History` message. Those of all pages, one after the other, are one such message again.
    #[prost(bytes = "bytes", tag = "1")]
    history: Bytes,
    /// What some clusters send in its place: the same message in each.
    #[prost(message, repeated, tag = "2")]
    raw_history: Vec<DataBlob>,
    #[prost(bytes = "vec", tag = "3")]
    next_page_token: Vec<u8>,
}

impl Cluster {
    /// How many runs there are for a list filter. `None` if the cluster cannot count.
    ///
    /// # Errors
    /// The cluster does not answer, or refuses.
    pub(crate) async fn count(&self, query: &str) -> Result<Option<u64>, Failure> {
        let namespace = self.profile.namespace.clone();
        match self.call(CountWorkflowExecutionsRequest { namespace, query: query.to_owned() }).await {
            Ok(reply) => Ok(Some(reply.count.unsigned_abs())),
            Err(status) if status.code() == Code::Unimplemented => Ok(None),
            Err(status) => Err(self.profile.refused(&status)),
        }
    }

    /// The runs for a list filter, at most `most` of each workflow type, in the cluster's order: the newest first.
    ///
    /// # Errors
    /// The cluster does not answer, or refuses.
    pub(crate) async fn runs(&self, query: &str, most: usize) -> Result<Vec<Run>, Failure> {
        let mut choice = Choice::new(query, most);
        let mut request = ListWorkflowExecutionsRequest {
            namespace: self.profile.namespace.clone(),
            page_size: self.page_size.try_into().unwrap_or(i32::MAX),
            query: choice.query(),
            ..ListWorkflowExecutionsRequest::default()
        };
        loop {
            let reply = self.call(request.clone()).await.map_err(|status| self.profile.refused(&status))?;
            let took_some = choice.take(reply.executions.into_iter().map(Run::from));
            if reply.next_page_token.is_empty() {
                return Ok(choice.taken());
            }
            request.next_page_token = reply.next_page_token;
            let narrower = choice.query();
            if !took_some && narrower != request.query {
                request.next_page_token.clear();
                request.query = narrower;
            }
        }
    }

    /// The whole history of a run: the bytes of a `temporal.api.history.v1.History`. `None` if the cluster no longer has it.
    ///
    /// # Errors
    /// The cluster does not answer, or refuses.
    pub(crate) async fn history(&self, run: &Run) -> Result<Option<Vec<u8>>, Failure> {
        let mut encoded = Vec::new();
        let mut request = GetWorkflowExecutionHistoryRequest {
            namespace: self.profile.namespace.clone(),
            execution: Some(WorkflowExecution { workflow_id: run.workflow_id.clone(), run_id: run.run_id.clone() }),
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        loop {
            let page: HistoryPage = match self.call_as(request.clone()).await {
                Err(status) if status.code() == Code::NotFound => return Ok(None),
                page => page.map_err(|status| self.profile.refused(&status))?,
            };
            encoded.extend_from_slice(&page.history);
            page.raw_history.iter().for_each(|raw| encoded.extend_from_slice(&raw.data));
            if page.next_page_token.is_empty() {
                return Ok(Some(encoded));
            }
            request.next_page_token = page.next_page_token;
        }
    }

    /// The histories of `runs`, in that order, some fetched at the same time. See [`Cluster::history`].
    pub(crate) fn histories<'a>(
        &'a self,
        runs: &'a [Run],
    ) -> impl Stream<Item = (&'a Run, Result<Option<Vec<u8>>, Failure>)> + 'a {
        stream::iter(runs).map(async move |run| (run, self.history(run).await)).buffered(FETCHES_MAX)
    }
}
