//! Machines that stand still, and their clocks with them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use foretime_network::{
    nodes::{NAMESPACE, interpreter, requests},
    wire::retry::ATTEMPT_TIMEOUT,
};
use foretime_server::{
    engine::time::Time,
    proto::{
        enums::WorkflowExecutionStatus,
        history::HistoryEvent,
        testservice::GetCurrentTimeResponse,
        workflowservice::{PollWorkflowTaskQueueResponse, RespondWorkflowTaskCompletedRequest},
    },
    rpc::table::TEST_SERVICE,
};
use madsim::time;
use prost::Message;
use tonic::Code;

use crate::scene::{AT_ONCE, Asked, LONG, Machine, TASK_TIMEOUT, config, pass, play, start};

/// How long a machine stands still: longer than timeouts, shorter than a silence after which a connection is given up.
const FROZEN: Duration = Duration::from_secs(40);

/// Asks what the server's clock shows.
fn ask_time(machine: &Machine, timeout: Duration) -> Asked<Bytes> {
    machine.call(TEST_SERVICE, "GetCurrentTime", Bytes::new(), timeout)
}

/// What the server's clock shows.
async fn server_time(machine: &Machine) -> Time {
    let answer = GetCurrentTimeResponse::decode(ask_time(machine, LONG).answer().await).expect("an answer");
    Time::from_proto(&answer.time.expect("a time"))
}

fn completed(task: &PollWorkflowTaskQueueResponse) -> RespondWorkflowTaskCompletedRequest {
    let decision = interpreter::decide(&task.history.clone().unwrap_or_default().events, &task.messages);
    RespondWorkflowTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        commands: decision.commands,
        messages: decision.messages,
        ..RespondWorkflowTaskCompletedRequest::default()
    }
}

#[test]
fn the_timers_of_a_frozen_machine_do_not_run_until_its_thaw() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        let ticks: Arc<AtomicU64> = Arc::default();
        let counted = ticks.clone();
        machine.spawn(async move {
            loop {
                time::sleep(Duration::from_secs(1)).await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        time::sleep(Duration::from_millis(3_500)).await;
        assert_eq!(ticks.load(Ordering::Relaxed), 3);
        scene.cluster.freeze(&machine.name);
        pass(20).await;
        assert_eq!(ticks.load(Ordering::Relaxed), 3);
        scene.cluster.thaw(&machine.name);
        time::sleep(Duration::from_millis(3_500)).await;
        // The one that was due at its thaw, and one a second since.
        assert_eq!(ticks.load(Ordering::Relaxed), 7);
    });
}

#[test]
fn a_frozen_caller_hears_of_its_deadline_at_its_thaw() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        let poll = machine.ask(&requests::poll_workflow("worker"), Duration::from_secs(5));
        pass(1).await;
        scene.cluster.freeze(&machine.name);
        pass(20).await;
        let thawed_at = scene.now();
        scene.cluster.thaw(&machine.name);
        let heard = poll.heard().await;
        assert_eq!(heard.answer.expect_err("no task").code(), Code::DeadlineExceeded);
        assert!(heard.at >= thawed_at && heard.at - thawed_at < AT_ONCE, "{:?}", heard.at);
    });
}

#[test]
fn the_clock_of_a_frozen_server_stands_and_goes_on_after_its_thaw() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        let before = server_time(&machine).await;
        pass(1).await;
        scene.cluster.freeze("server");
        let refused = ask_time(&machine, ATTEMPT_TIMEOUT).refusal().await;
        assert_eq!(refused.code(), Code::DeadlineExceeded);
        time::sleep(FROZEN - ATTEMPT_TIMEOUT).await;
        scene.cluster.thaw("server");
        let thawed = server_time(&machine).await;
        let passed = thawed.since(before);
        assert!((Duration::from_secs(1)..Duration::from_secs(1) + 2 * AT_ONCE).contains(&passed), "{passed:?}");
        pass(5).await;
        let passed = server_time(&machine).await.since(thawed);
        assert!((Duration::from_secs(5)..Duration::from_secs(5) + 2 * AT_ONCE).contains(&passed), "{passed:?}");
    });
}

#[test]
fn a_machine_that_is_frozen_twice_stands_until_both_are_over() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        let before = server_time(&machine).await;
        scene.cluster.freeze("server");
        pass(5).await;
        scene.cluster.freeze("server");
        pass(5).await;
        scene.cluster.thaw("server");
        let refused = ask_time(&machine, ATTEMPT_TIMEOUT).refusal().await;
        assert_eq!(refused.code(), Code::DeadlineExceeded);
        scene.cluster.thaw("server");
        let passed = server_time(&machine).await.since(before);
        assert!(passed < 2 * AT_ONCE, "{passed:?}");
    });
}

#[test]
fn a_task_does_not_time_out_while_the_server_stands() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        machine.ask(&start("client-1.1"), LONG).answer().await;
        let task = machine.ask(&requests::poll_workflow("worker"), LONG).answer().await;
        scene.cluster.freeze("server");
        time::sleep(FROZEN).await;
        scene.cluster.thaw("server");
        // What is due goes first, if anything is.
        pass(1).await;
        machine.ask(&completed(&task), LONG).answer().await;
        let (status, events) = scene.cluster.server().look(|view| {
            let run = view.runs().next().expect("a run");
            (run.status(), run.events_from(1))
        });
        assert_eq!(status, WorkflowExecutionStatus::Completed);
        let at = |event: Option<&HistoryEvent>| Time::from_proto(&event.and_then(|it| it.event_time).expect("a time"));
        let took = at(events.last()).since(at(events.first()));
        assert!(took < Duration::from_secs(2) && FROZEN > TASK_TIMEOUT, "{took:?}");
    });
}
