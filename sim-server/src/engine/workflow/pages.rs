//! The commands of a workflow task that its worker completes in pages (`workflow/context.go`). They wait here until the last page
//! comes, and are lost with the task.

use std::collections::BTreeMap;

use prost::Message;

use super::run::Run;
use crate::{
    engine::kernel::error::{Error, Result},
    proto::{command::Command, workflowservice::RespondWorkflowTaskCompletedRequest},
};

/// Pages of one completion.
const PAGES_MAX: i32 = 1024;

/// The pages that have come of a completion.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// By number, from 0.
    all: BTreeMap<i32, Vec<Command>>,
    size_bytes: usize,
}

/// What becomes of a page.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine) enum Kept {
    /// It waits for the last.
    Waits,
    /// All pages together are too large. The task fails, and the workflow with it.
    TooLarge,
}

/// Whether a completion is a page of several.
pub(in crate::engine) fn is_page(request: &RespondWorkflowTaskCompletedRequest) -> bool {
    request.intermediate_page || request.page_number > 0
}

/// Refuses a page that cannot be one.
fn check(request: &RespondWorkflowTaskCompletedRequest) -> Result<()> {
    if request.page_number < 0 {
        return Err(Error::invalid("workflow task completion pagination page number must be non-negative"));
    }
    if request.page_number >= PAGES_MAX {
        return Err(Error::invalid(format!("workflow task completion pagination supports at most {PAGES_MAX} pages")));
    }
    if request.intermediate_page && request.commands.is_empty() {
        return Err(Error::invalid("intermediate workflow task page must carry at least one command"));
    }
    Ok(())
}

impl Run {
    /// Keeps a page until the last comes. One that has come already stays as it was. A bad one costs those before it.
    ///
    /// # Errors
    /// It cannot be a page.
    pub(in crate::engine) fn keep_page(
        &mut self,
        request: &mut RespondWorkflowTaskCompletedRequest,
        max_bytes: usize,
    ) -> Result<Kept> {
        self.keep_speculative();
        if let Err(error) = check(request) {
            self.volatile.pages = None;
            return Err(error);
        }
        let pages = self.volatile.pages.get_or_insert_default();
        if pages.all.contains_key(&request.page_number) {
            return Ok(Kept::Waits);
        }
        let size_bytes = pages.size_bytes + request.commands.iter().map(Message::encoded_len).sum::<usize>();
        if max_bytes > 0 && size_bytes > max_bytes {
            self.volatile.pages = None;
            return Ok(Kept::TooLarge);
        }
        pages.size_bytes = size_bytes;
        pages.all.insert(request.page_number, std::mem::take(&mut request.commands));
        Ok(Kept::Waits)
    }

    /// The last page has come: takes the commands of all before it, in order. Whatever comes of it, none is kept.
    ///
    /// # Errors
    /// It cannot be a page; one before it is not there, and the worker has to send all again.
    pub(in crate::engine) fn take_pages(&mut self, request: &RespondWorkflowTaskCompletedRequest) -> Result<Vec<Command>> {
        self.keep_speculative();
        check(request)?;
        let Some(pages) = self.volatile.pages.take() else {
            let scheduled_event_id = self.workflow_task().scheduled().map_or(0, |task| task.scheduled_event_id);
            let attempt = self.workflow_task_attempt();
            return Err(Error::CompletionBufferLost(format!(
                "workflow task completion buffer lost for scheduled event {scheduled_event_id} attempt {attempt}"
            )));
        };
        let mut all = pages.all;
        let mut commands = Vec::new();
        for number in 0..request.page_number {
            let page = all.remove(&number).ok_or_else(|| {
                let count = request.page_number;
                Error::CompletionBufferLost(format!("workflow task completion buffer missing page {number} of {count}"))
            })?;
            commands.extend(page);
        }
        Ok(commands)
    }
}
