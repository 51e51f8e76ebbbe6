//! `--save-histories`: what is in the folder after a server was killed.

mod common;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
};

use common::Server;
use foretime_server::proto::{
    Rpc,
    command::{Command, CompleteWorkflowExecutionCommandAttributes, StartTimerCommandAttributes, command::Attributes},
    common::{WorkflowExecution, WorkflowType},
    enums::{CommandType, HistoryEventFilterType},
    sdk::WorkflowTaskCompletedMetadata,
    taskqueue::TaskQueue,
    workflowservice::{
        GetWorkflowExecutionHistoryRequest, PollWorkflowTaskQueueRequest, RespondWorkflowTaskCompletedRequest,
        StartWorkflowExecutionRequest,
    },
};
use prost::Message;
use tonic::{Request, transport::Channel};
use tonic_prost::ProstCodec;

const TYPE: &str = "shop::Order";

/// A folder for one test, empty at its begin and gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        Self(env::temp_dir().join(format!("foretime-{test}-{}", process::id())))
    }

    /// What is in it, sorted.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        walk(&self.0, &mut files);
        let mut files: Vec<String> = files
            .iter()
            .map(|file| file.strip_prefix(&self.0).expect("a file in it").to_string_lossy().replace('\\', "/"))
            .collect();
        files.sort();
        files
    }

    /// The types of the events in its only file.
    fn events(&self) -> Vec<String> {
        let [file] = &self.files()[..] else { panic!("{:?}", self.files()) };
        let history: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(self.0.join(file)).expect("the file")).expect("JSON");
        let events = history["events"].as_array().expect("events");
        events.iter().map(|event| event["eventType"].as_str().expect("a type").replace("EVENT_TYPE_", "")).collect()
    }

    fn serve(&self) -> Server {
        Server::start(&["serve", "--port", "0", "--save-histories", self.0.to_str().expect("a path")])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

async fn call<R>(channel: &Channel, request: R) -> R::Reply
where
    R: Rpc + Message + 'static,
    R::Reply: Message + Default + 'static,
{
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.expect("the channel");
    let path = format!("/{}/{}", R::SERVICE, R::METHOD).parse().expect("a path");
    let answer = client.unary(Request::new(request), path, ProstCodec::<R, R::Reply>::default()).await;
    answer.expect("an answer").into_inner()
}

fn queue() -> Option<TaskQueue> {
    Some(TaskQueue { name: "queue".to_owned(), ..TaskQueue::default() })
}

/// Starts a workflow, and answers its first workflow task with these commands.
async fn run(channel: &Channel, workflow_id: &str, commands: impl IntoIterator<Item = Command>) {
    let start = StartWorkflowExecutionRequest {
        namespace: "default".to_owned(),
        workflow_id: workflow_id.to_owned(),
        workflow_type: Some(WorkflowType { name: TYPE.to_owned() }),
        task_queue: queue(),
        request_id: workflow_id.to_owned(),
        ..StartWorkflowExecutionRequest::default()
    };
    call(channel, start).await;
    let poll = PollWorkflowTaskQueueRequest {
        namespace: "default".to_owned(),
        task_queue: queue(),
        ..PollWorkflowTaskQueueRequest::default()
    };
    let task = call(channel, poll).await;
    let sdk_metadata = WorkflowTaskCompletedMetadata {
        sdk_name: "temporal-test".to_owned(),
        sdk_version: "1.2.3".to_owned(),
        ..WorkflowTaskCompletedMetadata::default()
    };
    let completion = RespondWorkflowTaskCompletedRequest {
        namespace: "default".to_owned(),
        task_token: task.task_token,
        commands: commands.into_iter().collect(),
        sdk_metadata: Some(sdk_metadata),
        ..RespondWorkflowTaskCompletedRequest::default()
    };
    call(channel, completion).await;
}

/// Waits until a workflow has closed.
async fn end(channel: &Channel, workflow_id: &str) {
    let read = GetWorkflowExecutionHistoryRequest {
        namespace: "default".to_owned(),
        execution: Some(WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: String::new() }),
        wait_new_event: true,
        history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
        ..GetWorkflowExecutionHistoryRequest::default()
    };
    call(channel, read).await;
}

fn complete() -> Command {
    let attributes = CompleteWorkflowExecutionCommandAttributes::default();
    Command {
        command_type: CommandType::CompleteWorkflowExecution.into(),
        attributes: Some(Attributes::CompleteWorkflowExecutionCommandAttributes(attributes)),
        ..Command::default()
    }
}

fn start_timer() -> Command {
    let after = prost_types::Duration { seconds: 3600, nanos: 0 };
    let attributes = StartTimerCommandAttributes { timer_id: "1".to_owned(), start_to_fire_timeout: Some(after) };
    Command {
        command_type: CommandType::StartTimer.into(),
        attributes: Some(Attributes::StartTimerCommandAttributes(attributes)),
        ..Command::default()
    }
}

#[tokio::test]
async fn what_a_client_knows_to_be_closed_is_kept_though_the_server_is_killed() {
    let folder = Folder::new("closed");
    let server = folder.serve();
    let channel = server.connect().await;
    run(&channel, "order-1", [complete()]).await;
    end(&channel, "order-1").await;
    drop(server);
    let files = folder.files();
    let name = files[0].strip_prefix("shop.Order/shop.Order-").and_then(|name| name.strip_suffix("-temporal-test-1.2.3.json"));
    assert!(name.is_some_and(|class| class.len() == 8), "{files:?}");
    assert_eq!(
        folder.events(),
        [
            "WORKFLOW_EXECUTION_STARTED",
            "WORKFLOW_TASK_SCHEDULED",
            "WORKFLOW_TASK_STARTED",
            "WORKFLOW_TASK_COMPLETED",
            "WORKFLOW_EXECUTION_COMPLETED"
        ]
    );
}

#[tokio::test]
async fn the_same_path_adds_nothing_and_another_adds_one() {
    let folder = Folder::new("paths");
    for (workflow_id, commands, count) in
        [("a", vec![complete()], 1), ("b", vec![complete()], 1), ("c", vec![start_timer(), complete()], 2)]
    {
        let server = folder.serve();
        let channel = server.connect().await;
        let before = folder.files().first().map(|file| fs::read(folder.0.join(file)).expect("the file"));
        run(&channel, workflow_id, commands).await;
        end(&channel, workflow_id).await;
        drop(server);
        let files = folder.files();
        assert_eq!(files.len(), count, "{files:?}");
        let kept = files.iter().any(|file| before.as_ref() == Some(&fs::read(folder.0.join(file)).expect("the file")));
        assert!(kept || before.is_none(), "what is there stays");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_open_run_is_kept_as_far_as_it_has_come() {
    let folder = Folder::new("open");
    let mut server = folder.serve();
    let channel = server.connect().await;
    run(&channel, "order-1", [start_timer()]).await;
    server.end_by("-TERM");
    assert!(folder.files()[0].contains("-open-temporal-test-1.2.3"), "{:?}", folder.files());
    assert_eq!(folder.events().last().map(String::as_str), Some("TIMER_STARTED"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_once_and_fails_no_call() {
    let mut server = Server::start(&["serve", "--port", "0", "--save-histories", "/dev/null/histories"]);
    let channel = server.connect().await;
    for workflow_id in ["a", "b"] {
        run(&channel, workflow_id, [complete()]).await;
        end(&channel, workflow_id).await;
    }
    let (_, errors) = server.end_by("-TERM");
    assert_eq!(errors.matches("cannot be kept").count(), 1, "{errors}");
}
