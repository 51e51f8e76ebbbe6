//! The subscription, tested. Each test starts a server of its own in this process, tells the world how to misbehave, lets
//! months pass, and reads the diary. The worker, the client and the workflow are the real ones.

mod first_deploy;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use first_deploy::FirstSubscription;
use foretime::Environment;
use foretime_scenarios::{
    outside::{Event, Fault, Outside},
    subscription::{self, MONTH, Plan, State, Status, Subscription, TASK_QUEUE},
    worker::beside,
};
use temporalio_client::{
    Client, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowHistory, WorkflowQueryOptions,
    WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_sdk::{
    WorkerOptions, WorkflowRegistrationError,
    workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions},
};

type Code = fn(&Arc<Outside>) -> Result<WorkerOptions, WorkflowRegistrationError>;
type Handle = WorkflowHandle<Client, Subscription>;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const CANCELLED_AFTER_4_CHARGES: Status = Status { state: State::Cancelled, charges: 4, paid_cents: 4 * 2_999 };

#[tokio::test]
async fn a_full_year() -> anyhow::Result<()> {
    let (environment, outside) = (Environment::start().await?, Arc::new(Outside::default()));
    let start = environment.now();

    let status = beside(environment.client(), subscription::worker(&outside)?, async {
        Ok(subscribe(&environment.client(), "ada").await?.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;

    assert_eq!(status, Status { state: State::Completed, charges: 13, paid_cents: 7 * 2_999 + 6 * 2_499 });
    let year = environment.now().duration_since(start)?;
    assert_eq!(days(year), 360);
    assert_eq!(
        transcript(&outside, start),
        [
            "day 0: charged 29.99 for ada/0",
            "day 0: emailed ada: welcome",
            "day 30: charged 29.99 for ada/1",
            "day 60: charged 29.99 for ada/2",
            "day 90: charged 29.99 for ada/3",
            "day 120: charged 29.99 for ada/4",
            "day 150: charged 29.99 for ada/5",
            "day 180: charged 29.99 for ada/6",
            "day 210: charged 24.99 for ada/7",
            "day 240: charged 24.99 for ada/8",
            "day 270: charged 24.99 for ada/9",
            "day 300: charged 24.99 for ada/10",
            "day 330: charged 24.99 for ada/11",
            "day 360: charged 24.99 for ada/12",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_flaky_gateway_recovers_and_charges_once() -> anyhow::Result<()> {
    let (environment, outside) = (Environment::start().await?, Arc::new(Outside::default()));
    outside.fail_charge("ada/0", [Fault::Unreachable, Fault::ReplyLost, Fault::Unreachable]);
    let start = environment.now();

    beside(environment.client(), subscription::worker(&outside)?, async {
        let ada = subscribe(&environment.client(), "ada").await?;
        environment.sleep(DAY).await?;
        let status = ada.query(Subscription::status, (), WorkflowQueryOptions::default()).await?;
        assert_eq!(status, Status { state: State::Active, charges: 1, paid_cents: 2_999 });
        Ok(())
    })
    .await?;

    assert_eq!(
        transcript(&outside, start),
        [
            "day 0: ada/0 failed: the gateway is unreachable",
            "day 0: charged 29.99 for ada/0",
            "day 0: ada/0 failed: the gateway's reply was lost",
            "day 0: ada/0 failed: the gateway is unreachable",
            "day 0: recognised ada/0",
            "day 0: emailed ada: welcome",
        ]
    );
    assert_eq!(attempts_apart_s(&outside), [2, 4, 8]);
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_stays_down_is_a_case_for_a_human() -> anyhow::Result<()> {
    let (environment, outside) = (Environment::start().await?, Arc::new(Outside::default()));
    let start = environment.now();

    let status = beside(environment.client(), subscription::worker(&outside)?, async {
        let ada = subscribe(&environment.client(), "ada").await?;
        environment.sleep(MONTH / 2).await?;
        outside.take_gateway_down();
        Ok(ada.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;

    assert_eq!(status, Status { state: State::Escalated, charges: 1, paid_cents: 2_999 });
    assert_eq!(
        transcript(&outside, start),
        [
            "day 0: charged 29.99 for ada/0",
            "day 0: emailed ada: welcome",
            "day 30: ada/1 failed: the gateway is unreachable",
            "day 30: ada/1 failed: the gateway is unreachable",
            "day 30: ada/1 failed: the gateway is unreachable",
            "day 30: ada/1 failed: the gateway is unreachable",
            "day 30: ada/1 failed: the gateway is unreachable",
            "day 30: a human was told about ada: the charge for month 1 does not go through",
        ]
    );
    assert_eq!(attempts_apart_s(&outside)[1..], [2, 4, 8, 16], "after the first month");
    Ok(())
}

#[tokio::test]
async fn cancelled_in_mid_month() -> anyhow::Result<()> {
    let (environment, outside) = (Environment::start().await?, Arc::new(Outside::default()));
    let start = environment.now();

    let status = beside(environment.client(), subscription::worker(&outside)?, async {
        let ada = subscribe(&environment.client(), "ada").await?;
        environment.sleep(MONTH * 3 + MONTH / 2).await?;
        ada.signal(Subscription::cancel, (), WorkflowSignalOptions::default()).await?;
        Ok(ada.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;

    assert_eq!(status, CANCELLED_AFTER_4_CHARGES);
    assert_eq!(days(environment.now().duration_since(start)?), 105, "it ends at once, not at the end of the month");
    environment.sleep(MONTH * 12).await?;
    assert_eq!(transcript(&outside, start).last().map(String::as_str), Some("day 90: charged 29.99 for ada/3"));
    Ok(())
}

#[tokio::test]
async fn its_status_can_be_asked_at_any_time_even_afterwards() -> anyhow::Result<()> {
    let (environment, outside) = (Environment::start().await?, Arc::new(Outside::default()));

    beside(environment.client(), subscription::worker(&outside)?, async {
        let ada = subscribe(&environment.client(), "ada").await?;
        environment.sleep(MONTH / 2).await?;
        for charges in 1..=4 {
            let status = ada.query(Subscription::status, (), WorkflowQueryOptions::default()).await?;
            assert_eq!(status, Status { state: State::Active, charges, paid_cents: u64::from(charges) * 2_999 });
            environment.sleep(MONTH).await?;
        }

        let last = ada.get_result(WorkflowGetResultOptions::default()).await?;
        assert_eq!(ada.query(Subscription::status, (), WorkflowQueryOptions::default()).await?, last);
        Ok(())
    })
    .await
}

/// The discount came while subscriptions were running. One that was past its sixth month keeps the old price; one that was not
/// gets the new price. Neither breaks on the new worker.
#[tokio::test]
async fn todays_code_takes_over_what_the_first_deploy_began() -> anyhow::Result<()> {
    let (environment, outside) = (Environment::start().await?, Arc::new(Outside::default()));
    let client = environment.client();

    let (late, early) = beside(environment.client(), first_deploy::worker(&outside)?, async {
        let late = subscribe(&client, "late").await?;
        environment.sleep(MONTH * 6).await?;
        let early = subscribe(&client, "early").await?;
        environment.sleep(MONTH * 2 + MONTH / 2).await?;
        Ok((late, early))
    })
    .await?;
    let (late_status, early_status) = beside(environment.client(), subscription::worker(&outside)?, async {
        let late_status = late.get_result(WorkflowGetResultOptions::default()).await?;
        Ok((late_status, early.get_result(WorkflowGetResultOptions::default()).await?))
    })
    .await?;

    assert_eq!(late_status, Status { state: State::Completed, charges: 13, paid_cents: 13 * 2_999 });
    assert_eq!(early_status, Status { state: State::Completed, charges: 13, paid_cents: 7 * 2_999 + 6 * 2_499 });
    Ok(())
}

#[tokio::test]
async fn histories_of_both_deploys_replay_on_todays_code_and_only_there() -> anyhow::Result<()> {
    let (old, new) = (a_years_history(first_deploy::worker).await?, a_years_history(subscription::worker).await?);
    let today = WorkflowReplayer::new(WorkflowReplayerOptions::new().register_workflow::<Subscription>()?.build())?;
    let first = WorkflowReplayer::new(WorkflowReplayerOptions::new().register_workflow::<FirstSubscription>()?.build())?;

    today.replay_workflow(WorkflowHistory::from_json(&old)?).await?;
    today.replay_workflow(WorkflowHistory::from_json(&new)?).await?;
    first.replay_workflow(WorkflowHistory::from_json(&old)?).await?;
    let went_back = first.replay_workflow(WorkflowHistory::from_json(&new)?).await;
    assert!(went_back.is_err(), "the first deploy knows nothing of the patch: {went_back:?}");
    Ok(())
}

async fn a_years_history(code: Code) -> anyhow::Result<Vec<u8>> {
    let (environment, outside) = (Environment::start().await?, Arc::new(Outside::default()));
    beside(environment.client(), code(&outside)?, async {
        let ada = subscribe(&environment.client(), "ada").await?;
        ada.get_result(WorkflowGetResultOptions::default()).await?;
        Ok(ada.fetch_history(WorkflowFetchHistoryOptions::default()).to_json().await?)
    })
    .await
}

/// Starts the subscription of `customer`, under the customer's name.
async fn subscribe(client: &Client, customer: &str) -> anyhow::Result<Handle> {
    let options = WorkflowStartOptions::new(TASK_QUEUE, customer).build();
    let handle = client.start_workflow(Subscription::run, Plan::standard(customer), options).await?;
    Ok(client.get_workflow_handle::<Subscription>(handle.info().workflow_id.clone()))
}

/// The diary, one line each.
fn transcript(outside: &Outside, start: SystemTime) -> Vec<String> {
    let line = |event| match event {
        Event::Charged(it) => {
            format!("charged {}.{:02} for {}", it.amount_cents / 100, it.amount_cents % 100, it.idempotency_key)
        }
        Event::Recognised(it) => format!("recognised {}", it.idempotency_key),
        Event::Failed(it, fault) => format!("{} failed: {fault}", it.idempotency_key),
        Event::Emailed(it) => format!("emailed {}: {}", it.customer, it.text),
        Event::Escalated(it) => format!("a human was told about {}: {}", it.customer, it.text),
    };
    let day = |at: SystemTime| days(at.duration_since(start).unwrap_or_default());
    outside.diary().into_iter().map(|entry| format!("day {}: {}", day(entry.at), line(entry.event))).collect()
}

/// The spans between the attempts to charge, in whole seconds of virtual time.
fn attempts_apart_s(outside: &Outside) -> Vec<u64> {
    let mut attempts = Vec::new();
    for entry in outside.diary() {
        let charge = match entry.event {
            Event::Charged(_) | Event::Recognised(_) | Event::Failed(..) => entry.at,
            Event::Emailed(_) | Event::Escalated(_) => continue,
        };
        if attempts.last() != Some(&charge) {
            attempts.push(charge);
        }
    }
    attempts.windows(2).map(|pair| pair[1].duration_since(pair[0]).unwrap_or_default().as_secs()).collect()
}

fn days(span: Duration) -> u64 {
    span.as_secs() / DAY.as_secs()
}
