//! GetWorkflowExecutionHistoryReverse: a history from its end to its beginning (`api/getworkflowexecutionhistoryreverse`).

use super::history::{HistoryReply, PAGE_BYTES};
use crate::{
    engine::{
        Engine,
        kernel::{
            error::{Error, Result},
            token::PageToken,
        },
        rules::validate,
        workflow::run::Run,
    },
    proto::workflowservice::GetWorkflowExecutionHistoryReverseRequest,
};

/// A page of a history that is read backwards; its events are encoded already.
#[derive(Debug, Default)]
pub struct ReverseHistoryReply(pub HistoryReply);

impl Engine {
    /// GetWorkflowExecutionHistoryReverse. A page is made of whole batches, too. Events that are not written yet are not shown, nor
    /// those that come after the first page was read.
    pub(in crate::engine) fn get_workflow_execution_history_reverse(
        &mut self,
        mut request: GetWorkflowExecutionHistoryReverseRequest,
    ) -> Result<ReverseHistoryReply> {
        let target = self.target(&request.namespace, request.execution.as_ref())?;
        validate::execution::history_reverse(&mut request, &self.limits);
        let page_size = usize::try_from(request.maximum_page_size).unwrap_or(0);
        if request.next_page_token.is_empty() {
            let run = self.runs.get(self.find(&target)?);
            return Ok(page(run, run.history().next_id(), page_size));
        }
        let token = PageToken::parse(&request.next_page_token)?;
        if !token.backwards {
            return Err(Error::invalid("Invalid NextPageToken."));
        }
        let run = self.runs.get(self.find_by_token(&target, &token)?);
        Ok(page(run, token.until, page_size))
    }
}

/// The page that ends before `until`.
fn page(run: &Run, until: i64, batch_count_max: usize) -> ReverseHistoryReply {
    let history = run.history();
    let from = history.page_back(until, batch_count_max, PAGE_BYTES);
    let bytes = (from..until).rev().flat_map(|id| history.encoded(id, id + 1)).collect();
    let next = (from > 1).then(|| {
        let token = PageToken { run_id: run.run_id().to_owned(), until: from, backwards: true, ..PageToken::default() };
        token.into_bytes()
    });
    ReverseHistoryReply(HistoryReply { history: bytes, next_page_token: next.unwrap_or_default(), ..HistoryReply::default() })
}
