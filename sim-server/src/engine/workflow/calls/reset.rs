//! ResetWorkflowExecution (`api/resetworkflow`).

use crate::{
    engine::{
        Engine,
        kernel::{effects::RESETTER_IDENTITY, error::Result, key::RunKey},
        rules::validate,
        workflow::{
            options::OptionsChange,
            reset::{
                options,
                reapply::{Reapplied, Selection},
                rebuild::{Reset, Send},
            },
            run::Run,
        },
    },
    proto::workflowservice::{ResetWorkflowExecutionRequest, ResetWorkflowExecutionResponse},
};

impl Engine {
    /// ResetWorkflowExecution.
    pub(in crate::engine) fn reset_workflow_execution(
        &mut self,
        mut request: ResetWorkflowExecutionRequest,
    ) -> Result<ResetWorkflowExecutionResponse> {
        self.resolve(&request.namespace)?;
        validate::execution::reset(&request, &self.limits)?;
        let target = self.target(&request.namespace, request.workflow_execution.as_ref())?;
        let base = self.find(&target)?;
        self.runs.get(base).check_finish_event_id(request.workflow_task_finish_event_id)?;
        let changes = options::read(std::mem::take(&mut request.post_reset_operations), self.runs.get(base))?;
        let current = self.runs.current(target.namespace, self.runs.get(base).workflow_id());
        // The real server means to find a reset again by its request id, and compares that with the one of the start.
        if let Some(run) = current.map(|key| self.runs.get(key)).filter(|run| run.start_request_id() == request.request_id) {
            return Ok(ResetWorkflowExecutionResponse { run_id: run.run_id().to_owned() });
        }
        let run_id = self.ids.uuid();
        let base_run = self.runs.get(base);
        let run = Run::rebuilt(self.runs.next_key(), base_run, request.workflow_task_finish_event_id, run_id.clone())?;
        let end = base_run.history().next_id();
        self.events_after(base, end, &request).check(&run)?;
        for key in current.into_iter().chain((current != Some(base)).then_some(base)) {
            self.transact(key, |of, cx| {
                if key == base {
                    of.note_reset(&run_id);
                }
                // Of a workflow id, only the current run can be open.
                if of.is_running() {
                    of.terminate(cx, &request.reason, None, RESETTER_IDENTITY, Vec::new());
                }
            });
        }
        self.begin_reset_run(base, end, run, &request, changes);
        Ok(ResetWorkflowExecutionResponse { run_id })
    }

    /// Stores the rebuilt run, and begins it. `end`: the base run's events before the reset end here.
    fn begin_reset_run(
        &mut self,
        base: RunKey,
        end: i64,
        run: Run,
        request: &ResetWorkflowExecutionRequest,
        changes: Vec<OptionsChange>,
    ) {
        let reapplied = self.events_after(base, end, request);
        let base_run_id = self.runs.get(base).run_id().to_owned();
        let own = run.namespace();
        let sends = run.sends().into_iter().map(|(initiated_event_id, external, namespace_uuid)| Send {
            initiated_event_id,
            namespace: self.namespaces.by_uuid(&namespace_uuid).unwrap_or(own),
            external,
        });
        let sends = sends.collect();
        let reset = Reset { reason: &request.reason, base_run_id: &base_run_id, sends, reapplied, changes };
        let key = self.runs.insert(run);
        // It is listed by the end of this, and not before: only then it has its own start time.
        self.transact(key, |run, cx| run.reset(cx, reset));
    }

    /// What came after the reset point and is to come again: of the base run, and of those that it continued as. `end`: the base
    /// run's events before the reset end here.
    fn events_after(&self, base: RunKey, end: i64, request: &ResetWorkflowExecutionRequest) -> Reapplied {
        let selection = Selection::of(request);
        let mut events = Vec::new();
        let first = if selection.is_empty { end } else { request.workflow_task_finish_event_id };
        let mut next = Some((base, first));
        while let Some((key, from)) = next.take() {
            let run = self.runs.get(key);
            let history = run.history();
            let later = (from..history.next_id()).filter_map(|id| history.get(id));
            events.extend(later.filter(|event| selection.includes(event)));
            if !selection.is_empty {
                next = run.continued_as().and_then(|run_id| self.runs.find_by_run_id(run_id)).map(|key| (key, 1));
            }
        }
        Reapplied(events)
    }
}
