//! Which run a request means that names a run, a chain by the id of its first run, or both.

use foretime_server::proto::{
    enums::{EventType, UpdateWorkflowExecutionLifecycleStage as Stage},
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*, updates::*};

crate::scripts![
    cancel_of_a_run_and_its_chain,
    cancel_of_a_run_and_another_chain,
    cancel_in_a_closed_chain,
    cancel_of_a_chain_that_is_no_uuid,
    terminate_a_run_and_its_chain,
    terminate_a_run_and_another_chain,
    terminate_in_a_closed_chain,
    terminate_a_chain_that_is_no_uuid,
    update_of_a_run_and_its_chain,
    update_of_a_run_and_another_chain,
    update_in_a_closed_chain,
];

/// No run has this id.
const UNKNOWN: &str = "01234567-0123-7123-8123-0123456789ab";

/// What is asked of a run.
#[derive(Clone, Copy)]
enum Ask {
    Cancel,
    Terminate,
    Update,
}

/// A workflow that has continued as new. Returns its first run, which is closed, and the second.
async fn chain(s: &Script, id: &str) -> (String, String) {
    let first = s.start(id).await;
    s.await_restart_interval().await;
    s.run_task([continue_as_new(s.next_run())]).await;
    let task = s.await_workflow_task().await;
    let _ = s.complete(&task, []).await;
    (first, task.workflow_execution.unwrap_or_default().run_id)
}

/// Asks the run `run_id` of `id`, if it is of the chain that `first_run_id` began.
async fn ask(s: &Script, what: Ask, id: &str, run_id: &str, first_run_id: &str) {
    let (workflow_execution, first_execution_run_id) = (s.run(id, run_id), first_run_id.to_owned());
    match what {
        Ask::Cancel => {
            let request = s.new_request_cancel(id);
            let _ =
                s.call(RequestCancelWorkflowExecutionRequest { workflow_execution, first_execution_run_id, ..request }).await;
        }
        Ask::Terminate => {
            let request = s.new_terminate(id);
            let _ = s.call(TerminateWorkflowExecutionRequest { workflow_execution, first_execution_run_id, ..request }).await;
        }
        Ask::Update => {
            let request = s.new_update(id, "update");
            // An update that nobody takes up ends with the caller's patience.
            let wait_policy = until(Stage::Accepted);
            let request = UpdateWorkflowExecutionRequest { workflow_execution, first_execution_run_id, wait_policy, ..request };
            let _ = s.call(request).await;
        }
    }
}

/// Each way to name a run of a chain, together with that chain.
async fn of_a_run_and_its_chain(s: &Script, what: Ask, seen: EventType) {
    for name in ["closed run", "current run", "unknown run", "no run"] {
        s.step(name);
        let (first, second) = chain(s, name).await;
        let run_id = match name {
            "closed run" => &first,
            "current run" => &second,
            "unknown run" => UNKNOWN,
            _ => "",
        };
        ask(s, what, name, run_id, &first).await;
        let is_seen = s.has_event(name, seen).await;
        s.note(format_args!("the current run has seen it: {is_seen}"));
    }
}

/// Each way to name a run, together with what is not its chain.
async fn of_a_run_and_another_chain(s: &Script, what: Ask) {
    let (first, second) = chain(s, "wf").await;
    for (chain_name, chain) in [("an unknown run", UNKNOWN), ("the second run", &second)] {
        for (name, run) in [("closed run", first.as_str()), ("current run", &second), ("unknown run", UNKNOWN), ("no run", "")]
        {
            s.step(&format!("{name}, of the chain that {chain_name} began"));
            ask(s, what, "wf", run, chain).await;
        }
    }
    s.step("nothing came of it");
    s.history("wf").await;
    s.step("the closed run, of whatever chain");
    ask(s, what, "wf", &first, "").await;
    s.step("a workflow that there is not");
    ask(s, what, "nothing", "", &first).await;
}

async fn in_a_closed_chain(s: &Script, what: Ask) {
    let (first, second) = chain(s, "wf").await;
    s.terminate("wf").await;
    for (chain_name, chain) in [("its chain", first.as_str()), ("another chain", UNKNOWN)] {
        for (name, run) in [("first run", first.as_str()), ("last run", &second), ("unknown run", UNKNOWN), ("no run", "")] {
            s.step(&format!("{name}, and {chain_name}"));
            ask(s, what, "wf", run, chain).await;
        }
    }
}

async fn of_a_chain_that_is_no_uuid(s: &Script, what: Ask) {
    let run = s.start("wf").await;
    ask(s, what, "wf", "", "first").await;
    ask(s, what, "wf", &run, "first").await;
    s.step("nor is the run");
    ask(s, what, "wf", "run", &run).await;
}

async fn cancel_of_a_run_and_its_chain(s: &Script) {
    of_a_run_and_its_chain(s, Ask::Cancel, EventType::WorkflowExecutionCancelRequested).await;
}

async fn cancel_of_a_run_and_another_chain(s: &Script) {
    of_a_run_and_another_chain(s, Ask::Cancel).await;
}

async fn cancel_in_a_closed_chain(s: &Script) {
    in_a_closed_chain(s, Ask::Cancel).await;
}

async fn cancel_of_a_chain_that_is_no_uuid(s: &Script) {
    of_a_chain_that_is_no_uuid(s, Ask::Cancel).await;
}

async fn terminate_a_run_and_its_chain(s: &Script) {
    of_a_run_and_its_chain(s, Ask::Terminate, EventType::WorkflowExecutionTerminated).await;
}

async fn terminate_a_run_and_another_chain(s: &Script) {
    of_a_run_and_another_chain(s, Ask::Terminate).await;
}

async fn terminate_in_a_closed_chain(s: &Script) {
    in_a_closed_chain(s, Ask::Terminate).await;
}

async fn terminate_a_chain_that_is_no_uuid(s: &Script) {
    of_a_chain_that_is_no_uuid(s, Ask::Terminate).await;
}

async fn update_of_a_run_and_its_chain(s: &Script) {
    let (first, second) = chain(s, "wf").await;
    s.step("the closed run");
    ask(s, Ask::Update, "wf", &first, &first).await;
    s.step("an unknown run");
    ask(s, Ask::Update, "wf", UNKNOWN, &first).await;
    s.step("the current run");
    let request = UpdateWorkflowExecutionRequest {
        workflow_execution: s.run("wf", &second),
        first_execution_run_id: first,
        ..s.new_update("wf", "update")
    };
    s.updated(request, async {
        let task = s.workflow_task().await;
        let _ = s.complete_with(s.new_report(&task, done(&task, "update"))).await;
    })
    .await;
}

async fn update_of_a_run_and_another_chain(s: &Script) {
    of_a_run_and_another_chain(s, Ask::Update).await;
}

async fn update_in_a_closed_chain(s: &Script) {
    in_a_closed_chain(s, Ask::Update).await;
}
