//! What is left inside, for who checks that a server has come to rest.

#![allow(deprecated, reason = "the API deprecates how executions are named, which clients still use")]

use std::time::Duration;

use foretime_server::{
    config::{Config, Replay},
    engine::Connection,
    proto::{
        batch::BatchOperationTermination,
        common::WorkflowExecution,
        foretimeservice::SettleRequest,
        testservice::{LockTimeSkippingRequest, UnlockTimeSkippingRequest},
        workflowservice::{StartBatchOperationRequest, start_batch_operation_request::Operation},
    },
};

use crate::support::{worker::WORKER, *};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_workflow_is_left_until_it_closes() {
    let mut t = Transcript::new();
    t.has_left("nothing");
    t.starts("order");
    t.has_left("open runs: 1, queued tasks: 1, holds: 1");
    let task = t.polls_workflow_task(WORKER);
    t.has_left("open runs: 1, timers: 1, holds: 1, in hand: 1");
    t.completes(&task, [start_timer("t", HOUR)]);
    t.has_left("open runs: 1, timers: 1");
    t.time_passes(HOUR);
    t.runs_workflow_task([complete("done")]);
    t.has_left("nothing");
}

#[test]
fn an_activity_is_left_in_its_queue_in_a_workers_hand_and_while_it_backs_off() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([schedule(Activity { retry_policy: attempts(2), ..activity("a") })]);
    t.has_left("open runs: 1, queued tasks: 1, holds: 1");
    let task = t.polls_activity(WORKER);
    t.has_left("open runs: 1, timers: 1, holds: 1, in hand: 1");
    t.fails_activity(&task, failure("no"));
    t.has_left("open runs: 1, timers: 1");
    t.time_passes(seconds(1));
    t.has_left("open runs: 1, queued tasks: 1, holds: 1");
    t.terminates("order");
    t.has_left("nothing");
}

#[test]
fn calls_are_left_while_they_wait() {
    let mut t = Transcript::new();
    let poll = t.awaits_workflow_task("w");
    t.has_left("parked calls: 1, polls: 1");
    t.gives_up(&poll);
    t.has_left("nothing");

    t.starts("order");
    t.runs_workflow_task([]);
    t.has_left("open runs: 1");
    let end = t.awaits_close_of("order");
    t.has_left("open runs: 1, parked calls: 1, waiters: 1");
    let query = t.queries("order", "state");
    t.has_left("open runs: 1, parked calls: 2, queued tasks: 1, waiters: 1, queries: 1, holds: 1");
    let settled = t.sends(SettleRequest::default());
    t.has_left("open runs: 1, parked calls: 3, queued tasks: 1, waiters: 1, queries: 1, callers of Settle: 1, holds: 1");
    t.gives_up(&query);
    t.time_skips();
    assert!(t.is_answered(&settled));
    t.terminates("order");
    assert!(t.is_answered(&end));
    t.has_left("nothing");
}

#[test]
fn an_update_is_left_until_its_caller_is_answered() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([]);
    let update = t.updates("order", "u");
    // The timer is the timeout of the speculative workflow task that carries it.
    t.has_left("open runs: 1, parked calls: 1, timers: 1, queued tasks: 1, waiters for updates: 1, holds: 1");
    t.terminates("order");
    assert!(t.is_answered(&update));
    t.has_left("nothing");
}

#[test]
fn sleeps_are_left_until_they_end() {
    let mut t = Transcript::new();
    let sleep = t.unlocks_and_sleeps(HOUR);
    t.has_left("parked calls: 1, timers: 1, sleeps: 1");
    t.time_skips();
    assert!(t.is_answered(&sleep));
    t.has_left("nothing");
    let sleep = t.unlocks_and_sleeps(HOUR);
    t.gives_up(&sleep);
    t.has_left("nothing");
}

#[test]
fn locks_are_left_until_they_are_given_back_or_their_connection_closes() {
    let mut t = Transcript::new();
    t.calls_on(1);
    t.calls(LockTimeSkippingRequest {});
    t.calls(LockTimeSkippingRequest {});
    t.calls_on(2);
    t.calls(UnlockTimeSkippingRequest {});
    t.has_left("locks: 2, unlocks: 1");
    t.calls(LockTimeSkippingRequest {});
    t.has_left("locks: 2");
    // Its grace has only begun, but it ends by itself.
    t.closes(Connection(1));
    t.has_left("nothing");
}

#[test]
fn a_batch_operation_is_left_until_it_is_over() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([]);
    t.calls(StartBatchOperationRequest {
        namespace: NAMESPACE.to_owned(),
        job_id: "job".to_owned(),
        reason: "the reason".to_owned(),
        executions: vec![WorkflowExecution { workflow_id: "order".to_owned(), ..WorkflowExecution::default() }],
        operation: Some(Operation::TerminationOperation(BatchOperationTermination::default())),
        ..StartBatchOperationRequest::default()
    });
    t.has_left("open runs: 1, open batch operations: 1, timers: 1");
    t.time_passes(seconds(1));
    t.has_left("nothing");
}

#[test]
fn a_replay_is_left_until_a_worker_has_done_it() {
    let mut t = Transcript::with(Config { replay: Replay { always: false, closed: true }, ..Config::default() });
    t.starts("order");
    t.runs_workflow_task([complete("done")]);
    t.has_left("queued tasks: 1, holds: 1, replays: 1");
    let replay = t.polls_workflow_task(WORKER);
    t.has_left("holds: 1, replays: 1");
    t.completes(&replay, []);
    t.has_left("nothing");
}
