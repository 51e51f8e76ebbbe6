//! What an SDK's client and worker would ask of the server, by hand: they need threads and tokio's own timer, which madsim has not.

use std::time::Duration;

use foretime_server::proto::{
    command::{
        Command, CompleteWorkflowExecutionCommandAttributes, ScheduleActivityTaskCommandAttributes, command::Attributes,
    },
    common::{ActivityType, Payload, Payloads, WorkflowType},
    enums::{CommandType, EventType},
    failure::Failure,
    history::{HistoryEvent, history_event::Attributes as Event},
    taskqueue::TaskQueue,
    workflowservice::{
        PollActivityTaskQueueRequest, PollWorkflowTaskQueueRequest, RespondActivityTaskCompletedRequest,
        RespondActivityTaskFailedRequest, RespondWorkflowTaskCompletedRequest, StartWorkflowExecutionRequest,
    },
};
use tokio::time::sleep;
use tonic::{Request, Status, async_trait, transport::Endpoint};

use crate::{
    NAMESPACE, ORDERS, TASK_QUEUE,
    orders::{
        Starter,
        pb::{Order, orders_client::OrdersClient},
    },
    temporal::Client,
};

const POLL_PATIENCE: Duration = Duration::from_secs(70);
const CALL_PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(1);

#[async_trait]
impl Starter for Client {
    async fn start(&self, order_id: &str, request_id: &str) -> Result<String, Status> {
        let start = StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: format!("order-{order_id}"),
            workflow_type: Some(WorkflowType { name: "Order".to_owned() }),
            task_queue: Some(task_queue()),
            input: Some(Payloads { payloads: vec![Payload { data: order_id.into(), ..Payload::default() }] }),
            request_id: request_id.to_owned(),
            ..StartWorkflowExecutionRequest::default()
        };
        Ok(self.call(start, CALL_PATIENCE).await?.run_id)
    }
}

/// Works until the node ends.
pub async fn work() {
    tokio::spawn(activities(Client::new()));
    workflows(Client::new()).await;
}

/// The workflow: one activity, and its end is the end.
fn decide(events: &[HistoryEvent]) -> Vec<Command> {
    let has = |event_type: EventType| events.iter().any(|event| event.event_type() == event_type);
    let (command_type, attributes) = if has(EventType::ActivityTaskCompleted) {
        let end = CompleteWorkflowExecutionCommandAttributes::default();
        (CommandType::CompleteWorkflowExecution, Attributes::CompleteWorkflowExecutionCommandAttributes(end))
    } else if has(EventType::ActivityTaskScheduled) {
        return Vec::new();
    } else {
        let input = events.first().and_then(|event| match &event.attributes {
            Some(Event::WorkflowExecutionStartedEventAttributes(started)) => started.input.clone(),
            _ => None,
        });
        let schedule = ScheduleActivityTaskCommandAttributes {
            activity_id: "ship".to_owned(),
            activity_type: Some(ActivityType { name: "Ship".to_owned() }),
            task_queue: Some(task_queue()),
            input,
            start_to_close_timeout: Some(prost_types::Duration { seconds: 20, nanos: 0 }),
            ..ScheduleActivityTaskCommandAttributes::default()
        };
        (CommandType::ScheduleActivityTask, Attributes::ScheduleActivityTaskCommandAttributes(schedule))
    };
    vec![Command { command_type: command_type.into(), attributes: Some(attributes), ..Command::default() }]
}

async fn workflows(temporal: Client) {
    loop {
        let poll = PollWorkflowTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(task_queue()),
            identity: "worker".to_owned(),
            ..PollWorkflowTaskQueueRequest::default()
        };
        let Ok(task) = temporal.call(poll, POLL_PATIENCE).await else {
            sleep(PAUSE).await;
            continue;
        };
        if task.task_token.is_empty() {
            continue;
        }
        let completed = RespondWorkflowTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token,
            commands: decide(&task.history.unwrap_or_default().events),
            ..RespondWorkflowTaskCompletedRequest::default()
        };
        // If it is lost, the task times out and comes again.
        let _ = temporal.call(completed, CALL_PATIENCE).await;
    }
}

async fn activities(temporal: Client) {
    loop {
        let poll = PollActivityTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(task_queue()),
            identity: "worker".to_owned(),
            ..PollActivityTaskQueueRequest::default()
        };
        let Ok(task) = temporal.call(poll, POLL_PATIENCE).await else {
            sleep(PAUSE).await;
            continue;
        };
        if task.task_token.is_empty() {
            continue;
        }
        let (namespace, task_token) = (NAMESPACE.to_owned(), task.task_token);
        // As above: an answer that is lost makes another attempt.
        let _ = match ship(&task.input.unwrap_or_default()).await {
            Ok(()) => {
                let completed = RespondActivityTaskCompletedRequest { namespace, task_token, ..Default::default() };
                temporal.call(completed, CALL_PATIENCE).await.map(|_| ())
            }
            Err(status) => {
                let failure = Some(Failure { message: status.to_string(), ..Failure::default() });
                let failed = RespondActivityTaskFailedRequest { namespace, task_token, failure, ..Default::default() };
                temporal.call(failed, CALL_PATIENCE).await.map(|_| ())
            }
        };
    }
}

/// The activity: calls the service back.
async fn ship(input: &Payloads) -> Result<(), Status> {
    let id = input.payloads.iter().map(|payload| String::from_utf8_lossy(&payload.data)).collect();
    let mut request = Request::new(Order { id });
    request.set_timeout(CALL_PATIENCE);
    OrdersClient::new(Endpoint::from_static(ORDERS).connect_lazy()).ship(request).await?;
    Ok(())
}

fn task_queue() -> TaskQueue {
    TaskQueue { name: TASK_QUEUE.to_owned(), ..TaskQueue::default() }
}
