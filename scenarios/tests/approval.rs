//! Approvals, tested: who was told what and when, and what was decided.

use std::time::SystemTime;

use foretime::Environment;
use foretime_scenarios::{
    approval::{self, Approval, DAY, Decision, Desk, PAGES, Request, TASK_QUEUE},
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

type Code = fn(&Desk) -> Result<WorkerOptions, WorkflowRegistrationError>;

#[tokio::test]
async fn approved_on_the_first_day() -> anyhow::Result<()> {
    let (environment, desk) = (Environment::start().await?, Desk::default());
    let start = environment.now();
    let decision = beside(environment.client(), approval::worker(&desk)?, async {
        let request = ask(&environment.client()).await?;
        environment.sleep(DAY / 2).await?;
        assert_eq!(request.query(Approval::decision, (), WorkflowQueryOptions::default()).await?, None);
        request.signal(Approval::approve, "ann".to_owned(), WorkflowSignalOptions::default()).await?;
        Ok(request.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;
    assert_eq!(decision, Decision::Approved("ann".to_owned()));
    assert_eq!(transcript(&desk, start), ["day 0, ann: please decide", "day 0, ann: Approved(\"ann\")"]);
    let filed: Vec<u32> = desk.pages().into_iter().map(|(page, _)| page).collect();
    assert_eq!(filed, (0..PAGES).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn the_manager_rejects_and_is_not_overruled() -> anyhow::Result<()> {
    let (environment, desk) = (Environment::start().await?, Desk::default());
    let start = environment.now();
    let decision = beside(environment.client(), approval::worker(&desk)?, async {
        let request = ask(&environment.client()).await?;
        environment.sleep(DAY * 4).await?;
        request.signal(Approval::reject, "max".to_owned(), WorkflowSignalOptions::default()).await?;
        request.signal(Approval::approve, "ann".to_owned(), WorkflowSignalOptions::default()).await?;
        Ok(request.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;
    assert_eq!(decision, Decision::Rejected("max".to_owned()));
    assert_eq!(
        transcript(&desk, start),
        ["day 0, ann: please decide", "day 1, ann: reminder", "day 3, max: escalation", "day 4, ann: Rejected(\"max\")"]
    );
    Ok(())
}

#[tokio::test]
async fn nobody_answers_for_a_week() -> anyhow::Result<()> {
    let (environment, desk) = (Environment::start().await?, Desk::default());
    let start = environment.now();
    let decision = beside(environment.client(), approval::worker(&desk)?, async {
        Ok(ask(&environment.client()).await?.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;
    assert_eq!(decision, Decision::Expired);
    assert_eq!(transcript(&desk, start).last().map(String::as_str), Some("day 7, ann: Expired"));
    Ok(())
}

/// What the simulation must find. A single worker that keeps the workflow cached sees no harm, but a replay does. A map may
/// have the same order again, once in 24 times, so it is tried more than once.
#[tokio::test]
async fn the_broken_version_does_not_replay_and_the_good_one_does() -> anyhow::Result<()> {
    let good = WorkflowReplayer::new(WorkflowReplayerOptions::new().register_workflow::<Approval>()?.build())?;
    good.replay_workflow(WorkflowHistory::from_json(&history(approval::worker).await?)?).await?;

    let broken = history(approval::broken::worker).await?;
    let mut refused = 0;
    for _ in 0..8 {
        let options = WorkflowReplayerOptions::new().register_workflow::<approval::broken::Approval>()?.build();
        let replayed = WorkflowReplayer::new(options)?.replay_workflow(WorkflowHistory::from_json(&broken)?).await;
        refused += u32::from(replayed.is_err());
    }
    assert!(refused > 0, "no replay failed");
    Ok(())
}

/// The history of a request that nobody answers.
async fn history(code: Code) -> anyhow::Result<Vec<u8>> {
    let (environment, desk) = (Environment::start().await?, Desk::default());
    beside(environment.client(), code(&desk)?, async {
        let request = ask(&environment.client()).await?;
        assert_eq!(request.get_result(WorkflowGetResultOptions::default()).await?, Decision::Expired);
        Ok(request.fetch_history(WorkflowFetchHistoryOptions::default()).to_json().await?)
    })
    .await
}

fn transcript(desk: &Desk, start: SystemTime) -> Vec<String> {
    let day = |at: SystemTime| at.duration_since(start).unwrap_or_default().as_secs() / DAY.as_secs();
    desk.notes().into_iter().map(|(at, note)| format!("day {}, {}: {}", day(at), note.to, note.text)).collect()
}

/// Asks `ann`, whose manager is `max`.
async fn ask(client: &Client) -> anyhow::Result<WorkflowHandle<Client, Approval>> {
    let request = Request { title: "a new chair".to_owned(), approver: "ann".to_owned(), manager: "max".to_owned() };
    client.start_workflow(Approval::run, request, WorkflowStartOptions::new(TASK_QUEUE, "chair").build()).await?;
    Ok(client.get_workflow_handle::<Approval>("chair".to_owned()))
}
