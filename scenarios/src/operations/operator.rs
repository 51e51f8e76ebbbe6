//! What an operator does to shipments: finds them by what they are, looks at them, and repairs what is stuck. Any of it may come too
//! late, as the shipment goes on meanwhile.

use std::{collections::BTreeMap, time::Duration};

use foretime::{
    Sim,
    proptest::{collection::vec, prelude::*, sample::select},
};
use futures::TryStreamExt;
use temporalio_client::{
    NamespacedClient, WorkflowCountOptions, WorkflowExecution as Listed, WorkflowListOptions, WorkflowSignalOptions,
    grpc::WorkflowService,
    tonic::{Code, IntoRequest, Status},
};
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::{
    activity::v1::ActivityOptions,
    common::v1::{Priority, RetryPolicy, WorkflowExecution},
    history::v1::HistoryEvent,
    workflow::v1::{PendingActivityInfo, WorkflowExecutionOptions},
    workflowservice::v1::{
        DeleteWorkflowExecutionRequest, DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryReverseRequest,
        PauseActivityRequest, PauseWorkflowExecutionRequest, ResetActivityRequest, ResetWorkflowExecutionRequest,
        UnpauseActivityRequest, UnpauseWorkflowExecutionRequest, UpdateActivityOptionsRequest,
        UpdateWorkflowExecutionOptionsRequest, pause_activity_request, reset_activity_request, unpause_activity_request,
        update_activity_options_request,
    },
};

use super::{
    STAGE, Shipment,
    batches::{BATCHES, Batch},
};
use crate::people::{in_one_of_three, in_time, span};

pub(super) const IDENTITY: &str = "ops";
/// A page of a history that is read backwards. Small, so that there are several.
const PAGE_EVENTS: i32 = 4;

/// What an operator may do to a shipment that runs.
#[derive(Clone, Copy, Debug)]
enum Repair {
    Pause { by_type: bool },
    Unpause { resets_attempts: bool },
    ChangeOptions,
    ResetActivity { keeps_paused: bool, restores_options: bool },
    Reset,
    Prefer,
    PauseWorkflow,
    Address,
}

fn a_repair() -> impl Strategy<Value = Repair> {
    prop_oneof![
        Just(Repair::Address),
        Just(Repair::Prefer),
        Just(Repair::ChangeOptions),
        Just(Repair::PauseWorkflow),
        Just(Repair::Reset),
        any::<bool>().prop_map(|by_type| Repair::Pause { by_type }),
        any::<bool>().prop_map(|resets_attempts| Repair::Unpause { resets_attempts }),
        any::<(bool, bool)>()
            .prop_map(|(keeps_paused, restores_options)| Repair::ResetActivity { keeps_paused, restores_options }),
    ]
}

/// A round in which an operator looks after the shipments.
#[derive(Clone, Debug)]
pub(super) struct Round {
    /// How long after the one before.
    after: Duration,
    /// Whether what is paused goes on.
    unpauses: bool,
    /// What is done to the shipments that run, one after the other, and how long after the one before.
    repairs: Vec<(Duration, Repair)>,
    batch: Option<Batch>,
}

pub(super) fn some_rounds() -> impl Strategy<Value = Vec<Round>> {
    // Whoever looks at one after the other does not see that the next has gone on.
    let repairs = vec((span(Duration::from_secs(20 * 60)), a_repair()), 1..=3);
    let batch = in_one_of_three(select(&BATCHES));
    let round = (span(Duration::from_secs(3 * 60 * 60)), any::<bool>(), repairs, batch);
    vec(round.prop_map(|(after, unpauses, repairs, batch)| Round { after, unpauses, repairs, batch }), 1..=8)
}

/// The operator, and what came of it so far.
pub(super) struct Operator<'a> {
    sim: &'a Sim,
    /// How many resets there were.
    pub(super) resets: usize,
    /// How many batches there were.
    pub(super) batches: usize,
    deeds: BTreeMap<&'static str, usize>,
}

impl<'a> Operator<'a> {
    pub(super) fn new(sim: &'a Sim) -> Self {
        Self { sim, resets: 0, batches: 0, deeds: BTreeMap::new() }
    }

    pub(super) fn service(&self) -> Box<dyn WorkflowService> {
        self.sim.client().connection().workflow_service()
    }

    pub(super) fn namespace(&self) -> String {
        self.sim.client().namespace()
    }

    /// Shipments by a filter.
    pub(super) async fn find(&self, filter: &str) -> foretime::Result<Vec<Listed>> {
        let query = format!("WorkflowType = 'Shipment' AND {filter}");
        Ok(self.sim.client().list_workflows(query, WorkflowListOptions::default()).try_collect().await?)
    }

    /// How many there are of each status, as the server counts them.
    pub(super) async fn counts(&self) -> foretime::Result<BTreeMap<String, usize>> {
        let query = "WorkflowType = 'Shipment' GROUP BY ExecutionStatus";
        let counted = self.sim.client().count_workflows(query, WorkflowCountOptions::default()).await?;
        let group = |group: &temporalio_client::WorkflowCountAggregationGroup| {
            (group.get::<String>(0).unwrap_or_default(), group.count())
        };
        Ok(counted.groups().iter().map(group).collect())
    }

    /// Looks after the shipments for a while, again and again.
    pub(super) async fn look_after(&mut self, rounds: &[Round]) -> foretime::Result {
        for Round { after, unpauses, repairs, batch } in rounds {
            tokio::time::sleep(*after).await;
            if *unpauses {
                self.unpause_workflows().await?;
            }
            for (running, (after, repair)) in self.find("ExecutionStatus = 'Running'").await?.iter().zip(repairs) {
                tokio::time::sleep(*after).await;
                self.repair(*repair, running.id(), running.run_id()).await?;
            }
            if let Some(batch) = batch {
                self.repair_many(*batch).await?;
            }
        }
        Ok(())
    }

    async fn repair(&mut self, repair: Repair, id: &str, run_id: &str) -> foretime::Result {
        match repair {
            Repair::Pause { by_type } => self.pause(id, run_id, by_type).await,
            Repair::Unpause { resets_attempts } => self.unpause(id, run_id, resets_attempts).await,
            Repair::ChangeOptions => self.change_options(id, run_id).await,
            Repair::ResetActivity { keeps_paused, restores_options } => {
                self.reset_activity(id, run_id, keeps_paused, restores_options).await
            }
            Repair::Reset => self.reset(id, run_id).await.map(drop),
            Repair::Prefer => self.prefer(id, run_id).await,
            Repair::PauseWorkflow => self.pause_workflow(id, run_id).await,
            Repair::Address => self.give_address(id).await,
        }
    }

    /// Ends what holds shipments up: nothing stays paused, and each has an address.
    pub(super) async fn clean_up(&mut self) -> foretime::Result {
        self.unpause_workflows().await?;
        for running in self.find("ExecutionStatus = 'Running'").await? {
            self.unpause(running.id(), running.run_id(), false).await?;
        }
        for waiting in self.find(&format!("ExecutionStatus = 'Running' AND {} = 'waiting'", STAGE.name())).await? {
            self.give_address(waiting.id()).await?;
        }
        Ok(())
    }

    /// What is pending of a run. Nothing, if it is over.
    async fn pending(&self, id: &str, run_id: &str) -> foretime::Result<Vec<PendingActivityInfo>> {
        let request =
            DescribeWorkflowExecutionRequest { namespace: self.namespace(), execution: execution(id, run_id) }.into_request();
        let described = self.service().describe_workflow_execution(request).await?.into_inner();
        Ok(described.pending_activities)
    }

    async fn pause(&mut self, id: &str, run_id: &str, by_type: bool) -> foretime::Result {
        let Some(activity) = self.pending(id, run_id).await?.into_iter().next() else { return Ok(()) };
        let its_type = activity.activity_type.map(|it| pause_activity_request::Activity::Type(it.name));
        let its_id = pause_activity_request::Activity::Id(activity.activity_id);
        let request = PauseActivityRequest {
            namespace: self.namespace(),
            execution: execution(id, run_id),
            identity: IDENTITY.to_owned(),
            activity: Some(its_type.filter(|_| by_type).unwrap_or(its_id)),
            reason: "the depot is closed".to_owned(),
            ..Default::default()
        };
        let answer = self.service().pause_activity(request.into_request()).await;
        self.note("pauses an activity", answer)
    }

    async fn unpause(&mut self, id: &str, run_id: &str, reset_attempts: bool) -> foretime::Result {
        if self.pending(id, run_id).await?.iter().all(|it| !it.paused) {
            return Ok(());
        }
        let request = UnpauseActivityRequest {
            namespace: self.namespace(),
            execution: execution(id, run_id),
            identity: IDENTITY.to_owned(),
            activity: Some(unpause_activity_request::Activity::UnpauseAll(true)),
            reset_attempts,
            ..Default::default()
        };
        let answer = self.service().unpause_activity(request.into_request()).await;
        self.note("unpauses an activity", answer)
    }

    /// Shorter waits between attempts.
    async fn change_options(&mut self, id: &str, run_id: &str) -> foretime::Result {
        let Some(activity) = self.pending(id, run_id).await?.into_iter().next() else { return Ok(()) };
        let policy = RetryPolicy { maximum_interval: Duration::from_secs(10 * 60).try_into().ok(), ..Default::default() };
        let mut request = UpdateActivityOptionsRequest {
            namespace: self.namespace(),
            execution: execution(id, run_id),
            identity: IDENTITY.to_owned(),
            activity_options: Some(ActivityOptions { retry_policy: Some(policy), ..Default::default() }),
            activity: Some(update_activity_options_request::Activity::Id(activity.activity_id)),
            ..Default::default()
        };
        request.update_mask.get_or_insert_default().paths.push("retry_policy.maximum_interval".to_owned());
        let answer = self.service().update_activity_options(request.into_request()).await;
        self.note("changes an activity's options", answer)
    }

    async fn reset_activity(
        &mut self,
        id: &str,
        run_id: &str,
        keep_paused: bool,
        restore_original_options: bool,
    ) -> foretime::Result {
        let Some(activity) = self.pending(id, run_id).await?.into_iter().next() else { return Ok(()) };
        let request = ResetActivityRequest {
            namespace: self.namespace(),
            execution: execution(id, run_id),
            identity: IDENTITY.to_owned(),
            activity: Some(reset_activity_request::Activity::Id(activity.activity_id)),
            keep_paused,
            restore_original_options,
            ..Default::default()
        };
        let answer = self.service().reset_activity(request.into_request()).await;
        self.note("resets an activity", answer)
    }

    /// Lets a shipment begin again, after its first workflow task. Returns whether it does.
    pub(super) async fn reset(&mut self, id: &str, run_id: &str) -> foretime::Result<bool> {
        let history = self.backwards(id, run_id).await?;
        let completed = history.iter().rfind(|event| event.event_type() == EventType::WorkflowTaskCompleted);
        let Some(completed) = completed else { return Ok(false) };
        let request = ResetWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_execution: execution(id, run_id),
            reason: "it is stuck".to_owned(),
            workflow_task_finish_event_id: completed.event_id,
            request_id: format!("{run_id}/{}", self.resets),
            identity: IDENTITY.to_owned(),
            ..Default::default()
        };
        let answer = self.service().reset_workflow_execution(request.into_request()).await;
        // A task that was tried again is written in one batch, within which nothing begins anew.
        if answer.as_ref().is_err_and(|status| status.message().ends_with("this event must be at the boundary")) {
            return Ok(false);
        }
        let is_reset = answer.is_ok();
        self.resets += usize::from(is_reset);
        self.note("resets a workflow", answer)?;
        Ok(is_reset)
    }

    async fn prefer(&mut self, id: &str, run_id: &str) -> foretime::Result {
        let priority = Priority { priority_key: 1, ..Default::default() };
        let mut request = UpdateWorkflowExecutionOptionsRequest {
            namespace: self.namespace(),
            workflow_execution: execution(id, run_id),
            workflow_execution_options: Some(WorkflowExecutionOptions { priority: Some(priority), ..Default::default() }),
            identity: IDENTITY.to_owned(),
            ..Default::default()
        };
        request.update_mask.get_or_insert_default().paths.push("priority".to_owned());
        let answer = self.service().update_workflow_execution_options(request.into_request()).await;
        self.note("prefers a workflow", answer)
    }

    async fn pause_workflow(&mut self, id: &str, run_id: &str) -> foretime::Result {
        let request = PauseWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_id: id.to_owned(),
            run_id: run_id.to_owned(),
            identity: IDENTITY.to_owned(),
            reason: "the customer asks for it".to_owned(),
            ..Default::default()
        };
        let answer = self.service().pause_workflow_execution(request.into_request()).await;
        self.note("pauses a workflow", answer)
    }

    async fn unpause_workflows(&mut self) -> foretime::Result {
        for paused in self.find("ExecutionStatus = 'Paused'").await? {
            self.unpause_workflow(paused.id(), paused.run_id()).await?;
        }
        Ok(())
    }

    async fn unpause_workflow(&mut self, id: &str, run_id: &str) -> foretime::Result {
        let request = UnpauseWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_id: id.to_owned(),
            run_id: run_id.to_owned(),
            identity: IDENTITY.to_owned(),
            reason: "the customer is satisfied".to_owned(),
            ..Default::default()
        };
        let answer = self.service().unpause_workflow_execution(request.into_request()).await;
        self.note("unpauses a workflow", answer)
    }

    async fn give_address(&mut self, id: &str) -> foretime::Result {
        let shipment = self.sim.client().get_workflow_handle::<Shipment>(id);
        let said = shipment.signal(Shipment::address, "the shop".to_owned(), WorkflowSignalOptions::default()).await;
        if in_time(said)? {
            *self.deeds.entry("gives an address").or_default() += 1;
        }
        Ok(())
    }

    pub(super) async fn delete(&mut self, id: &str, run_id: &str) -> foretime::Result {
        let request = DeleteWorkflowExecutionRequest { namespace: self.namespace(), workflow_execution: execution(id, run_id) };
        self.service().delete_workflow_execution(request.into_request()).await?;
        let request = DescribeWorkflowExecutionRequest { namespace: self.namespace(), execution: execution(id, run_id) };
        let refused = self.service().describe_workflow_execution(request.into_request()).await.err();
        assert_eq!(refused.map(|status| status.code()), Some(Code::NotFound), "{id} was deleted");
        Ok(())
    }

    /// The history of a run, from its last event to its first.
    pub(super) async fn backwards(&self, id: &str, run_id: &str) -> foretime::Result<Vec<HistoryEvent>> {
        let (mut events, mut next_page_token) = (Vec::new(), Vec::new());
        loop {
            let request = GetWorkflowExecutionHistoryReverseRequest {
                namespace: self.namespace(),
                execution: execution(id, run_id),
                maximum_page_size: PAGE_EVENTS,
                next_page_token,
            };
            let page = self.service().get_workflow_execution_history_reverse(request.into_request()).await?.into_inner();
            events.extend(page.history.unwrap_or_default().events);
            next_page_token = page.next_page_token;
            if next_page_token.is_empty() {
                let ids = events.iter().map(|event| event.event_id);
                assert!(
                    ids.rev().eq(1..=i64::try_from(events.len())?),
                    "each event of {id} comes once, from the last to the first"
                );
                return Ok(events);
            }
        }
    }

    /// Notes what came of a deed. The shipment may have gone on meanwhile; then there is nothing left to repair.
    fn note<T>(&mut self, deed: &'static str, answer: Result<T, Status>) -> foretime::Result {
        match answer {
            Ok(_) => *self.deeds.entry(deed).or_default() += 1,
            Err(status) if matches!(status.code(), Code::NotFound | Code::FailedPrecondition) => {
                *self.deeds.entry("comes too late").or_default() += 1;
            }
            Err(status) => return Err(status.into()),
        }
        Ok(())
    }

    /// Claims that each deed is done in some run.
    pub(super) fn sometimes(&self) {
        let done = |deed: &str| self.deeds.contains_key(deed);
        foretime::sometimes!(done("pauses an activity"), "an operator pauses an activity");
        foretime::sometimes!(done("unpauses an activity"), "an operator unpauses an activity");
        foretime::sometimes!(done("changes an activity's options"), "an operator changes an activity's options");
        foretime::sometimes!(done("resets an activity"), "an operator resets an activity");
        foretime::sometimes!(done("resets a workflow"), "an operator resets a workflow");
        foretime::sometimes!(done("prefers a workflow"), "an operator prefers a workflow");
        foretime::sometimes!(done("pauses a workflow"), "an operator pauses a workflow");
        foretime::sometimes!(done("unpauses a workflow"), "an operator unpauses a workflow");
        foretime::sometimes!(done("gives an address"), "an operator gives an address");
        foretime::sometimes!(done("comes too late"), "an operator comes too late");
    }
}

fn execution(id: &str, run_id: &str) -> Option<WorkflowExecution> {
    Some(WorkflowExecution { workflow_id: id.to_owned(), run_id: run_id.to_owned() })
}
