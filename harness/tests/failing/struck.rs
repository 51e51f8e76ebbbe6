//! Struck clients: calls that are lost, calls that are refused, and what is reported of them. Some of these tests pass.

use std::{
    fs,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use foretime::{Fault, Faults, Sim, StruckClient};
use futures::future::{join, join_all};
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowIdReusePolicy,
    WorkflowStartOptions, errors::WorkflowStartError,
};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::{
    assert_says, fails, report,
    trouble::{QUEUE, Trouble, worker},
};

const SECOND: Duration = Duration::from_secs(1);

/// Starts the workflow with this id, once and for all.
async fn start(client: Client, id: String) -> Result<(), WorkflowStartError> {
    let options = WorkflowStartOptions::new(QUEUE, id).id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate).build();
    match client.start_workflow(Trouble::run, "charge with a key".to_owned(), options).await {
        Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Clicks until the answer comes. `id`: the workflow to start with the nth click, from 0. Returns how many clicks it took.
async fn click(sim: &Sim, api: &StruckClient, id: impl Fn(usize) -> String) -> usize {
    for clicks in 0.. {
        let id = id(clicks);
        if let Ok(Ok(())) = api.call(|client| start(client, id)).await {
            return clicks + 1;
        }
        sim.sleep(SECOND).await;
    }
    unreachable!("there is always another click")
}

fn workers(sim: &Sim) {
    let client = sim.client().clone();
    sim.workers(2, move |_| worker(&client));
}

/// What is started under a new id with each click may be started twice.
async fn orders_anew(sim: Sim, crash: Fault) -> foretime::Result {
    let api = sim.struck_client();
    sim.faults(Faults::none().with(crash, 0.1).each_at_most(1));
    let clicks = click(&sim, &api, |number| format!("order-{number}")).await;
    sim.sleep(60 * SECOND).await;
    let orders = (0..clicks).map(|number| sim.client().get_workflow_handle::<Trouble>(format!("order-{number}")));
    let orders: Vec<_> = orders.collect();
    let described = join_all(orders.iter().map(|order| order.describe(WorkflowDescribeOptions::default()))).await;
    if described.iter().filter(|order| order.is_ok()).count() > 1 { Err("it was ordered twice".into()) } else { Ok(()) }
}

#[foretime::test(runs = 100, finds = "it was ordered twice")]
async fn a_call_that_is_lost_and_made_again_starts_two_workflows(sim: Sim) -> foretime::Result {
    orders_anew(sim, Fault::Crash).await
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn orders_twice(sim: Sim) -> foretime::Result {
    orders_anew(sim, Fault::Crash).await
}

#[test]
fn a_crash_of_a_client_and_the_call_that_it_loses_are_told() {
    let text = fails("struck::orders_twice", &[]);
    assert_says(
        &text,
        &[
            "it was ordered twice",
            "client 1 crashed ",
            "order-0",
            "the test lost its call 1 to client 1, which ended meanwhile",
        ],
    );
    assert_says(&text, &["Without that one fault the run passes."]);
    let seed =
        text.lines().find_map(|line| line.strip_prefix("seed ")).and_then(|rest| rest.split(' ').next()).expect("a seed");
    let report = report("struck::orders_twice", seed);
    let timeline = fs::read_to_string(report.join("timeline.txt")).expect("the timeline");
    assert_says(&timeline, &["time test  client-1", "╳", "crash: "]);
    assert!(!timeline.contains("worker-3"), "a client is no worker: {timeline}");
    let page = fs::read_to_string(report.join("report.html")).expect("the page");
    assert_says(&page, &[r#""name":"client-1","kind":"client""#]);
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn orders_twice_since_all_crash(sim: Sim) -> foretime::Result {
    orders_anew(sim, Fault::ClusterCrash).await
}

#[test]
fn a_crash_of_the_cluster_takes_clients_along() {
    let all = "client 1 and all other workers and clients crashed ";
    assert_says(&fails("struck::orders_twice_since_all_crash", &[]), &["it was ordered twice", all]);
}

#[foretime::test(runs = 100)]
#[ignore = "fails on purpose"]
async fn is_in_a_hurry(sim: Sim) -> foretime::Result {
    let api = sim.struck_client();
    api.call(|_| async {}).await?;
    sim.faults(Faults::none().with(Fault::ReplyLost, 0.3).each_at_most(1));
    let asked = sim.now();
    api.call(|client| start(client, "order".to_owned())).await??;
    let took = sim.now().duration_since(asked)?;
    let order = sim.client().get_workflow_handle::<Trouble>("order");
    let events = order.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;
    match events[0].attributes.as_ref().expect("the first event says who asked") {
        Attributes::WorkflowExecutionStartedEventAttributes(it) => assert_eq!(it.identity, "client-1"),
        other => panic!("{other:?}"),
    }
    if took > Duration::from_millis(50) { Err("it took too long".into()) } else { Ok(()) }
}

#[test]
fn a_reply_that_a_client_never_got_is_told_with_the_workflow_that_it_asked_for() {
    let lost = "client 1 never got the reply to StartWorkflowExecution for order.";
    assert_says(&fails("struck::is_in_a_hurry", &[]), &["it took too long", lost, "Without that one fault the run passes."]);
}

/// One run for each order, whatever happens to two clients that start them and tell how they ended.
#[foretime::test(runs = 60)]
async fn what_is_started_under_its_own_id_is_started_once(sim: Sim) -> foretime::Result {
    workers(&sim);
    let (api, other) = (sim.struck_client(), sim.struck_client());
    sim.faults(Faults::swarm().with(Fault::Crash, 0.05));
    let ends = |order: usize| {
        let (sim, api) = (&sim, if order.is_multiple_of(2) { &api } else { &other });
        async move {
            click(sim, api, |_| format!("order-{order}")).await;
            loop {
                let ended = api.call(move |client| async move {
                    let order = client.get_workflow_handle::<Trouble>(format!("order-{order}"));
                    order.get_result(WorkflowGetResultOptions::default()).await
                });
                match ended.await {
                    Ok(Ok(())) => return,
                    Err(crashed) => {
                        foretime::sometimes!(crashed.is_down(), "a call is refused");
                        foretime::sometimes!(!crashed.is_down(), "a call is lost");
                    }
                    Ok(Err(error)) => drop(error),
                }
                sim.sleep(SECOND).await;
            }
        }
    };
    join_all((0..4).map(ends)).await;
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

#[foretime::test(runs = 60)]
async fn a_client_that_restarts_finishes_its_calls(sim: Sim) -> foretime::Result {
    let api = sim.struck_client();
    sim.faults(Faults::none().with(Fault::Restart, 0.05));
    for _ in 0..20 {
        let told = api.call(|client| async move {
            for _ in 0..5 {
                tokio::time::sleep(10 * SECOND).await;
                start(client.clone(), "order".to_owned()).await?;
            }
            Ok::<_, WorkflowStartError>("done")
        });
        match told.await {
            Ok(told) => assert_eq!(told?, "done"),
            Err(crashed) => {
                assert!(crashed.is_down(), "{crashed}");
                assert_eq!(crashed.to_string(), "client-1 is down");
                foretime::sometimes!(true, "a call comes while it restarts");
                sim.sleep(SECOND).await;
            }
        }
    }
    Ok(())
}

#[foretime::test(runs = 60)]
async fn a_client_that_does_not_finish_its_calls_in_time_is_killed(sim: Sim) -> foretime::Result {
    let api = sim.struck_client();
    sim.faults(Faults::none().with(Fault::Restart, 0.3).each_at_most(1));
    let long = api.call(|client| async move {
        let told = start(client, "order".to_owned()).await;
        tokio::time::sleep(200 * SECOND).await;
        told
    });
    let told = long.await;
    foretime::sometimes!(told.is_err_and(|crashed| !crashed.is_down()), "it is killed after its grace");
    Ok(())
}

#[foretime::test(runs = 60)]
async fn what_a_dead_client_was_about_to_do_is_not_done(sim: Sim) -> foretime::Result {
    let api = sim.struck_client();
    sim.faults(Faults::none().with(Fault::Crash, 0.03).each_at_most(1));
    let told = api.call(|_| async {
        for second in 1..=20 {
            tokio::time::sleep(SECOND).await;
            let _ = foretime::effect("tick", second.to_string()).apply();
        }
    });
    let told = told.await;
    let done = sim.ledger().effects();
    assert!(done.iter().all(|effect| effect.process == "client-1"), "{done:?}");
    sim.sleep(60 * SECOND).await;
    assert_eq!(sim.ledger().effects().len(), done.len());
    assert!(done.len() == 20 || told.is_err(), "{done:?}");
    foretime::sometimes!(told.is_err() && !done.is_empty(), "it crashes after an effect, which counts");
    foretime::sometimes!(told.is_ok(), "it does all of it");
    Ok(())
}

#[foretime::test(runs = 20)]
async fn nothing_strikes_a_client_once_faults_are_stopped(sim: Sim) -> foretime::Result {
    let api = sim.struck_client();
    sim.faults(Faults::none().with(Fault::Crash, 1.0).with(Fault::ReplyLost, 1.0).with(Fault::Cut, 1.0));
    assert!(api.call(|client| start(client, "order".to_owned())).await.is_err(), "all that it does makes it crash");
    sim.stop_faults();
    sim.sleep(400 * SECOND).await;
    for number in 0..20 {
        api.call(move |client| start(client, format!("order-{number}"))).await??;
    }
    Ok(())
}

/// Nor does what a client is still at keep the world from its rest, or fail the run.
#[foretime::test(runs = 20)]
async fn a_body_may_end_while_a_client_is_at_work(sim: Sim) -> foretime::Result {
    workers(&sim);
    let api = sim.struck_client();
    sim.faults(Faults::swarm());
    let calls = (0..3).map(|number| {
        api.call(move |client| async move {
            tokio::task::spawn(async move {
                loop {
                    tokio::time::sleep(SECOND).await;
                }
            });
            drop(start(client, format!("order-{number}")).await);
            pending::<()>().await;
        })
    });
    let _ = tokio::time::timeout(10 * SECOND, join_all(calls)).await;
    Ok(())
}

#[foretime::test(runs = 10)]
async fn calls_run_at_once_and_end_with_their_callers(sim: Sim) -> foretime::Result {
    let api = sim.struck_client();
    let asked = sim.now();
    let told = |word: &'static str| {
        let api = api.clone();
        async move {
            let slow = api.call(move |_| async move {
                tokio::time::sleep(10 * SECOND).await;
                word
            });
            slow.await
        }
    };
    assert_eq!(join(told("one"), told("two")).await, (Ok("one"), Ok("two")));
    assert!(sim.now().duration_since(asked)? < 11 * SECOND);

    let begun = Arc::new(AtomicUsize::new(0));
    let counts = begun.clone();
    let late = api.call(|_| async move {
        counts.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(10 * SECOND).await;
        foretime::effect("charge", "card 7").apply()
    });
    assert!(tokio::time::timeout(SECOND, late).await.is_err());
    sim.sleep(60 * SECOND).await;
    assert_eq!((begun.load(Ordering::Relaxed), sim.ledger().effects().len()), (1, 0));
    Ok(())
}

#[foretime::test(runs = 10)]
async fn a_call_that_panics_ends_alone(sim: Sim) -> foretime::Result {
    sim.allow_panics();
    let api = sim.struck_client();
    let crashed = api.call(|_| async { has_had_enough() }).await.expect_err("it panics");
    assert_eq!(crashed.to_string(), "the call panicked in client-1");
    assert_eq!(api.call(|_| async { 7 }).await?, 7);
    Ok(())
}

fn has_had_enough() -> u32 {
    panic!("enough of it")
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn panics(sim: Sim) -> foretime::Result {
    sim.struck_client().call(|_| async { has_had_enough() }).await?;
    Ok(())
}

#[test]
fn a_panic_in_a_client_fails_the_run() {
    assert_says(&fails("struck::panics", &[]), &["client-1 panicked: enough of it"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn waits(sim: Sim) -> foretime::Result {
    Ok(sim.struck_client().call(|_| pending()).await?)
}

#[test]
fn that_the_test_waits_for_a_client_is_told() {
    assert_says(&fails("struck::waits", &[]), &["test: waits for what it called client-1 for", "client-1: has nothing to do"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn fails_after_a_call(sim: Sim) -> foretime::Result {
    workers(&sim);
    let api = sim.struck_client();
    sim.faults(Faults::none().with(Fault::Crash, 1.0));
    let told = api.call(|client| async move {
        start(client, "order".to_owned()).await?;
        Ok::<_, WorkflowStartError>(7)
    });
    let told = told.await??;
    Err(format!("it was told {told}").into())
}

#[test]
fn where_nothing_is_simulated_a_call_is_made_in_place_and_nothing_strikes() {
    assert_says(&fails("struck::fails_after_a_call", &[("FORETIME_STAGED", "1")]), &["it was told 7"]);
    assert_says(&fails("struck::fails_after_a_call", &[]), &["client-1 crashed before the call was done"]);
}
