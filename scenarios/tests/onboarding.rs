//! The onboarding, tested: which mails left on which day.

use foretime::Environment;
use foretime_scenarios::{
    onboarding::{self, DAY, Mailer, Onboarding, Report, TASK_QUEUE, Trouble},
    worker::beside,
};
use temporalio_client::{
    Client, WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions, WorkflowSignalOptions, WorkflowStartOptions,
};

#[tokio::test]
async fn six_mails_in_thirty_days() -> anyhow::Result<()> {
    let (environment, mailer) = (Environment::start().await?, Mailer::default());
    let start = environment.now();
    let report = beside(environment.client(), onboarding::worker(&mailer)?, async {
        Ok(begin(&environment.client(), "ada").await?.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;
    let days: Vec<u64> =
        mailer.sent().iter().map(|(at, _)| at.duration_since(start).unwrap().as_secs() / DAY.as_secs()).collect();
    assert_eq!(days, [0, 1, 3, 7, 14, 30]);
    assert_eq!(report.sent, subjects(&mailer));
    assert_eq!((report.skipped.len(), report.unsubscribed), (0, false));
    Ok(())
}

#[tokio::test]
async fn a_step_that_is_done_needs_no_mail() -> anyhow::Result<()> {
    let (environment, mailer) = (Environment::start().await?, Mailer::default());
    let report = beside(environment.client(), onboarding::worker(&mailer)?, async {
        let ada = begin(&environment.client(), "ada").await?;
        environment.sleep(DAY * 2).await?;
        // The first comes too late to matter. The second is sent twice.
        for step in ["profile", "invite a friend", "invite a friend", "upgrade"] {
            ada.signal(Onboarding::completed_step, step.to_owned(), WorkflowSignalOptions::default()).await?;
        }
        Ok(ada.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;
    assert_eq!(subjects(&mailer), ["welcome", "profile", "first project", "connect a calendar"]);
    assert_eq!(report.skipped, ["invite a friend", "upgrade"]);
    Ok(())
}

#[tokio::test]
async fn a_mail_is_sent_once_however_often_it_is_tried() -> anyhow::Result<()> {
    let (environment, mailer) = (Environment::start().await?, Mailer::default());
    mailer.plan([Trouble::ReplyLost, Trouble::Unreachable, Trouble::ReplyLost]);
    beside(environment.client(), onboarding::worker(&mailer)?, async {
        let ada = begin(&environment.client(), "ada").await?;
        environment.sleep(DAY / 2).await?;
        let report = ada.query(Onboarding::report, (), WorkflowQueryOptions::default()).await?;
        assert_eq!(report.sent, ["welcome"]);
        Ok(())
    })
    .await?;
    assert_eq!(subjects(&mailer), ["welcome"]);
    Ok(())
}

#[tokio::test]
async fn nothing_is_sent_to_those_who_unsubscribed() -> anyhow::Result<()> {
    let (environment, mailer) = (Environment::start().await?, Mailer::default());
    let start = environment.now();
    let report = beside(environment.client(), onboarding::worker(&mailer)?, async {
        let ada = begin(&environment.client(), "ada").await?;
        environment.sleep(DAY * 5).await?;
        ada.signal(Onboarding::unsubscribed, (), WorkflowSignalOptions::default()).await?;
        Ok(ada.get_result(WorkflowGetResultOptions::default()).await?)
    })
    .await?;
    assert_eq!(environment.now().duration_since(start)?.as_secs() / DAY.as_secs(), 5, "it ends at once");
    assert_eq!(report, unsubscribed_after(&["welcome", "profile", "first project"]));
    assert!(mailer.suppresses("ada"));
    environment.sleep(DAY * 30).await?;
    assert_eq!(subjects(&mailer), report.sent);
    Ok(())
}

/// The mail of the first day is tried in vain for a day. Then the customer unsubscribes, and it is not tried again.
#[tokio::test]
async fn a_mail_that_is_being_retried_is_given_up() -> anyhow::Result<()> {
    let (environment, mailer) = (Environment::start().await?, Mailer::default());
    mailer.plan([Trouble::Unreachable; 1_000]);
    let report = beside(environment.client(), onboarding::worker(&mailer)?, async {
        let ada = begin(&environment.client(), "ada").await?;
        environment.sleep(DAY).await?;
        ada.signal(Onboarding::unsubscribed, (), WorkflowSignalOptions::default()).await?;
        let report = ada.get_result(WorkflowGetResultOptions::default()).await?;
        let requests = mailer.requests();
        environment.sleep(DAY * 30).await?;
        assert_eq!(mailer.requests(), requests);
        Ok(report)
    })
    .await?;
    assert_eq!(report, unsubscribed_after(&[]));
    assert_eq!(mailer.sent(), []);
    Ok(())
}

fn unsubscribed_after(sent: &[&str]) -> Report {
    Report { sent: sent.iter().map(|&step| step.to_owned()).collect(), skipped: Vec::new(), unsubscribed: true }
}

fn subjects(mailer: &Mailer) -> Vec<String> {
    mailer.sent().into_iter().map(|(_, mail)| mail.step).collect()
}

async fn begin(client: &Client, customer: &str) -> anyhow::Result<WorkflowHandle<Client, Onboarding>> {
    let options = WorkflowStartOptions::new(TASK_QUEUE, customer).build();
    client.start_workflow(Onboarding::run, customer.to_owned(), options).await?;
    Ok(client.get_workflow_handle::<Onboarding>(customer.to_owned()))
}
