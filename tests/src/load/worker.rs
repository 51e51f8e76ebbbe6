//! A raw worker: a few loops of poll and answer for workflow tasks (on the sticky and the normal queue) and activities.

use std::{sync::Arc, time::Duration};

use foretime_server::proto::{
    common::Payloads,
    enums::TaskQueueKind,
    history::HistoryEvent,
    taskqueue::{StickyExecutionAttributes, TaskQueue},
    workflowservice::{
        GetWorkflowExecutionHistoryRequest, PollActivityTaskQueueRequest, PollWorkflowTaskQueueRequest,
        PollWorkflowTaskQueueResponse, RespondActivityTaskCompletedRequest, RespondWorkflowTaskCompletedRequest,
    },
};
use tokio::{task::JoinSet, time::sleep};
use tonic::{Code, Status};

use super::{
    fleet::NAMESPACE,
    link::Link,
    plan::{Plan, Step, TASK_QUEUE, charge, task_queue},
    tally::Tally,
};

/// The deadline of a poll, as the SDKs send it.
const POLL_TIMEOUT: Duration = Duration::from_secs(70);
/// After which the server moves a task from the sticky to the normal queue; the SDKs' default.
const STICKY_TIMEOUT_SECONDS: i64 = 10;
/// The pause after a poll that failed, so that a broken server is not flooded.
const FAILURE_PAUSE: Duration = Duration::from_millis(10);
const STICKY_QUEUE: &str = "load-sticky";
const IDENTITY: &str = "load";
/// No history here has more pages than this.
const PAGES: usize = 1_000;

/// A running worker. It stops when dropped.
pub struct Worker {
    /// What it has done.
    pub tally: Arc<Tally>,
    _loops: JoinSet<()>,
}

impl Worker {
    /// Opens `pollers` polls of sticky tasks, as many of activities, and a quarter as many of tasks on the normal queue.
    pub fn start(workflow_link: &Link, activity_link: &Link, plan: &Plan, pollers: usize) -> Self {
        let tally = Arc::new(Tally::default());
        let plan = Arc::new(plan.clone());
        let mut loops = JoinSet::new();
        let normal = pollers.div_ceil(4);
        for queue in (0..pollers).map(|_| sticky_queue()).chain((0..normal).map(|_| task_queue())) {
            loops.spawn(answer_workflow_tasks(workflow_link.clone(), queue, Arc::clone(&plan), Arc::clone(&tally)));
        }
        for _ in 0..pollers {
            loops.spawn(answer_activities(activity_link.clone(), Arc::clone(&tally)));
        }
        Self { tally, _loops: loops }
    }
}

fn sticky_queue() -> TaskQueue {
    TaskQueue { name: STICKY_QUEUE.to_owned(), kind: TaskQueueKind::Sticky.into(), normal_name: TASK_QUEUE.to_owned() }
}

async fn answer_workflow_tasks(mut link: Link, queue: TaskQueue, plan: Arc<Plan>, tally: Arc<Tally>) {
    let request = PollWorkflowTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: Some(queue),
        identity: IDENTITY.to_owned(),
        ..PollWorkflowTaskQueueRequest::default()
    };
    loop {
        match link.call_within(POLL_TIMEOUT, request.clone()).await {
            Ok(task) if task.task_token.is_empty() => {}
            Ok(task) => match answer_workflow_task(&mut link, &plan, task).await {
                Ok(step) => tally.answered(step),
                Err(failure) => tally.failed(failure),
            },
            Err(status) => poll_failed(&tally, &status).await,
        }
    }
}

async fn answer_workflow_task(link: &mut Link, plan: &Plan, task: PollWorkflowTaskQueueResponse) -> Result<Step, String> {
    let token = task.task_token.clone();
    let events = events_of(link, task).await.map_err(|status| format!("history: {status}"))?;
    let (commands, step) = plan.answer(&events).map_err(|error| error.to_string())?;
    let sticky = StickyExecutionAttributes {
        worker_task_queue: Some(sticky_queue()),
        schedule_to_start_timeout: Some(prost_types::Duration { seconds: STICKY_TIMEOUT_SECONDS, nanos: 0 }),
    };
    let answer = RespondWorkflowTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: token,
        commands,
        identity: IDENTITY.to_owned(),
        sticky_attributes: Some(sticky),
        ..RespondWorkflowTaskCompletedRequest::default()
    };
    link.call(answer).await.map_err(|status| format!("answer to a workflow task: {status}"))?;
    Ok(step)
}

async fn events_of(link: &mut Link, task: PollWorkflowTaskQueueResponse) -> Result<Vec<HistoryEvent>, Status> {
    let mut events = task.history.unwrap_or_default().events;
    let mut token = task.next_page_token;
    for _ in 0..PAGES {
        if token.is_empty() {
            return Ok(events);
        }
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: NAMESPACE.to_owned(),
            execution: task.workflow_execution.clone(),
            next_page_token: token,
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        let page = link.call(request).await?;
        events.extend(page.history.unwrap_or_default().events);
        token = page.next_page_token;
    }
    Err(Status::out_of_range("the history does not end"))
}

async fn answer_activities(mut link: Link, tally: Arc<Tally>) {
    let request = PollActivityTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: Some(task_queue()),
        identity: IDENTITY.to_owned(),
        ..PollActivityTaskQueueRequest::default()
    };
    let result: Payloads = charge();
    loop {
        match link.call_within(POLL_TIMEOUT, request.clone()).await {
            Ok(task) if task.task_token.is_empty() => {}
            Ok(task) => {
                let answer = RespondActivityTaskCompletedRequest {
                    namespace: NAMESPACE.to_owned(),
                    task_token: task.task_token,
                    result: Some(result.clone()),
                    identity: IDENTITY.to_owned(),
                    ..RespondActivityTaskCompletedRequest::default()
                };
                if let Err(status) = link.call(answer).await {
                    tally.failed(format!("answer to an activity: {status}"));
                }
            }
            Err(status) => poll_failed(&tally, &status).await,
        }
    }
}

async fn poll_failed(tally: &Tally, status: &Status) {
    // A poll that got no task may end by its deadline. That is not a failure.
    if status.code() != Code::DeadlineExceeded {
        tally.failed(format!("poll: {status}"));
        sleep(FAILURE_PAUSE).await;
    }
}
