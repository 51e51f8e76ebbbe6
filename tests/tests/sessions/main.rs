//! Random sessions of clients and workers against the service, in process. Calls come in any order; answers of workers are
//! late, repeated or missing; messages are damaged; time passes or skips.
//!
//! Each step is checked: the service does not panic; a second service with the same inputs gives the same bytes, and a refusal
//! changes nothing ([`twins`]); histories only grow, and are legal ([`histories`]). At the end of a session every poll ends.
//! All sessions of a campaign together reach every RPC and every event of the service ([`coverage`]).
//!
//! A failing session shrinks to a few steps, one a line. Each run plays the same sessions ([`campaign`]). To play more, and
//! others: `PROPTEST_RNG_SEED=2 PROPTEST_CASES=5000 cargo test -p foretime-tests --test sessions`.
//!
//! The histories of the sessions also show that the grammar finds what is wrong: [`mutations`] breaks each of its rules in
//! them.
//!
//! New families of calls are added in [`calls`] only.

use foretime_server::{
    engine::Caller,
    proto::workflowservice::StartWorkflowExecutionRequest,
    rpc::{Call, Serve, Served, Service, first_come, table::WORKFLOW_SERVICE},
};
use foretime_tests::script::{task_queue, workflow_type};
use prost::Message;

mod calls;
mod campaign;
mod coverage;
mod histories;
mod mutations;
mod pending;
mod step;
mod twins;
mod world;

use campaign::Campaign;

#[test]
fn no_session_of_clients_and_workers_breaks_the_service() {
    match Campaign::played() {
        Ok(campaign) if campaign.is_whole() => campaign.coverage.assert_complete(),
        Ok(_) => {}
        Err(failure) => panic!("{failure}"),
    }
}

/// The run id of the first workflow of a service with this seed.
fn first_run_id(seed: u64) -> String {
    let request = StartWorkflowExecutionRequest {
        namespace: "default".to_owned(),
        workflow_id: "wf".to_owned(),
        workflow_type: Some(workflow_type("W")),
        task_queue: Some(task_queue("queue")),
        ..StartWorkflowExecutionRequest::default()
    };
    let call = Call {
        service: WORKFLOW_SERVICE.to_owned(),
        method: "StartWorkflowExecution".to_owned(),
        caller: Caller::default(),
        deadline: None,
        message: request.encode_to_vec().into(),
    };
    let config = foretime_server::config::Config { seed, ..foretime_server::config::Config::default() };
    let mut service = Service::new(&config).expect("the configuration is sound");
    let served = service.call(world::START, call, &mut first_come);
    assert!(matches!(served, Served::Now(Ok(_))), "it starts: {served:?}");
    service.view().runs().next().expect("a run").run_id().to_owned()
}

#[test]
fn another_seed_gives_other_ids() {
    assert_ne!(first_run_id(1), first_run_id(2));
}
