//! Random sessions of clients and workers against the service, in process. Calls come in any order; answers of workers are late,
//! repeated or missing; messages are damaged; time passes or skips.
//!
//! Each step is checked: the service does not panic; a second service with the same inputs gives the same bytes, and a refusal
//! changes nothing ([`twins`]); histories only grow, and are legal ([`histories`]). At the end of a session every poll ends. All
//! sessions of a campaign together reach every RPC and every event of the service ([`coverage`]).
//!
//! A failing session shrinks to a few steps, one a line. Each run plays the same sessions. To play more, and others:
//! `PROPTEST_RNG_SEED=2 PROPTEST_CASES=5000 cargo test -p foretime-tests --test sessions`.
//!
//! New families of calls are added in [`calls`] only.

use std::{
    cell::RefCell,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};

use foretime_server::{
    engine::Caller,
    proto::workflowservice::StartWorkflowExecutionRequest,
    rpc::{Call, Serve, Served, Service, first_come, table::WORKFLOW_SERVICE},
};
use foretime_tests::script::{task_queue, workflow_type};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use prost::Message;

mod calls;
mod coverage;
mod histories;
mod pending;
mod step;
mod twins;
mod world;

use coverage::Coverage;
use step::Session;

/// Sessions of a campaign, unless PROPTEST_CASES says otherwise.
const CASES: u32 = 300;
/// Attempts to make a failing session smaller.
const SHRINKS: u32 = 20_000;

/// A number from the environment.
fn asked<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// The runner, seeded by PROPTEST_RNG_SEED. Without its feature `std`, proptest neither reads the environment nor catches panics.
fn runner(cases: u32) -> TestRunner {
    let seed: u64 = asked("PROPTEST_RNG_SEED").unwrap_or(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, max_shrink_iters: SHRINKS, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Plays a session; a panic counts as a failure.
fn play(session: &Session) -> Result<Coverage, String> {
    catch_unwind(AssertUnwindSafe(|| session.play())).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Err(format!("the service panicked: {}", text.unwrap_or_default()))
    })
}

#[test]
fn no_session_of_clients_and_workers_breaks_the_service() {
    let cases = asked("PROPTEST_CASES").unwrap_or(CASES);
    let seen = RefCell::new(Coverage::default());
    let outcome = runner(cases).run(&Session::any(), |session| {
        let covered = play(&session).map_err(TestCaseError::fail)?;
        seen.borrow_mut().add(covered);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Err(TestError::Fail(_, session)) => {
            let session = session.smallest(|session| play(session).is_err());
            panic!("{}\nin the session\n{session:?}", play(&session).expect_err("it fails"));
        }
    }
    if cases >= CASES {
        seen.borrow().assert_complete();
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
