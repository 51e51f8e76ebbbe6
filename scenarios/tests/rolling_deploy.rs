//! The rolling deploy, tested: claims that one version began and another ends.

use foretime::Environment;
use foretime_scenarios::{
    rolling_deploy::{APPEAL, Claim, DAY, Files, OBJECTIONS, Outcome, TASK_QUEUE, broken, v1, v2},
    worker::beside,
};
use temporalio_client::{
    Client, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowHistory, WorkflowStartOptions,
};
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};

type Handle = WorkflowHandle<Client, v2::ClaimWorkflow>;

#[tokio::test]
async fn each_version_sees_its_own_claims_through() -> anyhow::Result<()> {
    for (code, done) in [
        (v1::worker as fn(&Files) -> _, ["register", "pay", "close"].as_slice()),
        (v2::worker, &["register", "check", "pay", "close"]),
        (broken::worker, &["register", "check", "pay", "close"]),
    ] {
        let (environment, files) = (Environment::start().await?, Files::default());
        let outcome = beside(environment.client(), code(&files)?, async {
            Ok(claim(&environment.client(), "new").await?.get_result(WorkflowGetResultOptions::default()).await?)
        })
        .await?;
        assert_eq!(outcome, Outcome::Paid);
        assert_eq!(files.done_for("new"), done);
    }
    Ok(())
}

/// At the deploy one claim is paid and two are not. One of these is a fraud.
#[tokio::test]
async fn the_second_version_takes_over_what_the_first_began() -> anyhow::Result<()> {
    let (environment, files) = (Environment::start().await?, Files::default());
    files.suspect("fraud");
    let client = environment.client();

    let (paid, waiting, fraud) = beside(environment.client(), v1::worker(&files)?, async {
        let paid = claim(&client, "paid").await?;
        environment.sleep(OBJECTIONS).await?;
        let (waiting, fraud) = (claim(&client, "waiting").await?, claim(&client, "fraud").await?);
        environment.sleep(DAY).await?;
        Ok((paid, waiting, fraud))
    })
    .await?;
    assert_eq!(files.done_for("paid"), ["register", "pay"]);
    assert_eq!(files.done_for("waiting"), ["register"]);

    beside(environment.client(), v2::worker(&files)?, async {
        assert_eq!(paid.get_result(WorkflowGetResultOptions::default()).await?, Outcome::Paid);
        assert_eq!(waiting.get_result(WorkflowGetResultOptions::default()).await?, Outcome::Paid);
        assert_eq!(fraud.get_result(WorkflowGetResultOptions::default()).await?, Outcome::Refused);
        Ok(())
    })
    .await?;
    assert_eq!(files.done_for("paid"), ["register", "pay", "close"]);
    assert_eq!(files.done_for("waiting"), ["register", "check", "pay", "close"]);
    assert_eq!(files.done_for("fraud"), ["register", "check", "close"]);
    Ok(())
}

/// What the simulation must find: a claim that the first version had paid does not replay.
#[tokio::test]
async fn the_broken_version_does_not_replay_what_was_paid_before() -> anyhow::Result<()> {
    let (environment, files) = (Environment::start().await?, Files::default());
    let (early, late) = beside(environment.client(), v1::worker(&files)?, async {
        let claim = claim(&environment.client(), "paid").await?;
        environment.sleep(DAY).await?;
        let early = claim.fetch_history(WorkflowFetchHistoryOptions::default()).to_json().await?;
        environment.sleep(OBJECTIONS + APPEAL / 2).await?;
        Ok((early, claim.fetch_history(WorkflowFetchHistoryOptions::default()).to_json().await?))
    })
    .await?;
    assert_eq!(files.done_for("paid"), ["register", "pay"]);

    let good = WorkflowReplayer::new(WorkflowReplayerOptions::new().register_workflow::<v2::ClaimWorkflow>()?.build())?;
    good.replay_workflow(WorkflowHistory::from_json(&early)?).await?;
    good.replay_workflow(WorkflowHistory::from_json(&late)?).await?;
    let bad = WorkflowReplayer::new(WorkflowReplayerOptions::new().register_workflow::<broken::ClaimWorkflow>()?.build())?;
    bad.replay_workflow(WorkflowHistory::from_json(&early)?).await?;
    let replayed = bad.replay_workflow(WorkflowHistory::from_json(&late)?).await;
    assert!(replayed.is_err(), "{replayed:?}");
    Ok(())
}

async fn claim(client: &Client, id: &str) -> anyhow::Result<Handle> {
    let claim = Claim { customer: id.to_owned(), amount_cents: 120_000 };
    client.start_workflow(v2::ClaimWorkflow::run, claim, WorkflowStartOptions::new(TASK_QUEUE, id).build()).await?;
    Ok(client.get_workflow_handle::<v2::ClaimWorkflow>(id.to_owned()))
}
