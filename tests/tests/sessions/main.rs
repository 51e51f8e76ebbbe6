//! Random sessions of clients and workers against the service, in process, with time in the session's hand: whatever they say,
//! in any order, with answers that come late, twice or never, and messages that are damaged.
//!
//! After each step of a session: the service has not panicked; a twin that heard the same has said the same, byte by byte
//! ([`twins`]); a refusal has changed nothing; what was written stands, and the whole is a history that a server may write
//! ([`histories`]). At its end no poll waits for ever. And a campaign reaches all that the service serves and writes
//! ([`coverage`]).
//!
//! A session that fails shrinks to the few steps that it takes, a line each. The sessions are the same ones each time; other and
//! more ones: `PROPTEST_RNG_SEED=2 PROPTEST_CASES=5000 cargo test -p foretime-tests --test sessions`.
//!
//! What new families of calls add stands in [`calls`], and nowhere else.

use std::{
    cell::RefCell,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};

use foretime_server::{
    engine::Ticket,
    proto::workflowservice::StartWorkflowExecutionRequest,
    rpc::{Call, Caller, Service, table::WORKFLOW_SERVICE},
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

/// How many sessions a campaign has, if nobody asks for more or fewer.
const CASES: u32 = 300;
/// How often a session that fails is made smaller.
const SHRINKS: u32 = 20_000;

/// A number that the environment may say.
fn asked<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// A runner of the campaign that the environment asks for. (Without its feature `std`, proptest reads no environment and
/// catches no panic.)
fn runner(cases: u32) -> TestRunner {
    let seed: u64 = asked("PROPTEST_RNG_SEED").unwrap_or(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, max_shrink_iters: SHRINKS, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Plays a session; a panic is a failure like any other.
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

/// The run id of the first workflow of a server with this seed.
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
    service.call(world::START, call, Ticket(1)).expect("it is answered at once").expect("it starts");
    service.runs().next().expect("a run").run_id().to_owned()
}

#[test]
fn another_seed_gives_other_ids() {
    assert_ne!(first_run_id(1), first_run_id(2));
}
