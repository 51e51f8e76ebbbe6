//! Histories that one version of a workflow has written, checked with other versions.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use foretime::{Environment, check::Check};
use temporalio_client::{WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, LocalActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowRegistrationError,
    WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

const QUEUE: &str = "orders";
const TIMEOUT: Duration = Duration::from_secs(30);

/// Counts what it does.
struct Shop {
    deeds: Arc<AtomicUsize>,
}

impl Shop {
    fn act(&self) -> Result<(), ActivityError> {
        self.deeds.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[activities]
impl Shop {
    #[activity]
    async fn price(self: Arc<Self>, _ctx: ActivityContext, _order: String) -> Result<u64, ActivityError> {
        self.act()?;
        Ok(7)
    }

    #[activity]
    async fn reserve(self: Arc<Self>, _ctx: ActivityContext, _order: String) -> Result<(), ActivityError> {
        self.act()
    }

    #[activity]
    async fn inspect(self: Arc<Self>, _ctx: ActivityContext, _order: String) -> Result<(), ActivityError> {
        self.act()
    }

    #[activity]
    async fn charge(self: Arc<Self>, _ctx: ActivityContext, _order: String) -> Result<(), ActivityError> {
        self.act()
    }
}

fn remote() -> ActivityOptions {
    ActivityOptions::start_to_close_timeout(TIMEOUT)
}

fn local() -> LocalActivityOptions {
    LocalActivityOptions::builder().schedule_to_close_timeout(TIMEOUT).build()
}

/// A version of the workflow.
macro_rules! version {
    ($name:ident, |$ctx:ident, $order:ident| $body:block) => {
        mod $name {
            use super::*;

            #[workflow]
            #[derive(Default)]
            pub(crate) struct Order;

            #[workflow_methods]
            impl Order {
                #[run(name = "Order")]
                pub(crate) async fn run($ctx: &mut WorkflowContext<Self>, $order: String) -> WorkflowResult<()> {
                    $body;
                    Ok(())
                }
            }

            pub(crate) fn worker(deeds: &Arc<AtomicUsize>) -> Result<WorkerOptions, WorkflowRegistrationError> {
                let shop = Shop { deeds: deeds.clone() };
                Ok(WorkerOptions::new(QUEUE).register_workflow::<Order>()?.register_activities(shop).build())
            }
        }
    };
}

version!(first, |ctx, order| {
    ctx.execute_local_activity(Shop::price, order.clone(), local()).await?;
    ctx.execute_activity(Shop::reserve, order.clone(), remote()).await?;
    ctx.timer(Duration::from_secs(10)).await;
    ctx.execute_activity(Shop::charge, order, remote()).await?;
});
version!(charges_first, |ctx, order| {
    ctx.execute_local_activity(Shop::price, order.clone(), local()).await?;
    ctx.execute_activity(Shop::charge, order.clone(), remote()).await?;
    ctx.timer(Duration::from_secs(10)).await;
    ctx.execute_activity(Shop::reserve, order, remote()).await?;
});
version!(waits_less, |ctx, order| {
    ctx.execute_local_activity(Shop::price, order.clone(), local()).await?;
    ctx.execute_activity(Shop::reserve, order.clone(), remote()).await?;
    ctx.timer(Duration::from_secs(5)).await;
    ctx.execute_activity(Shop::charge, order, remote()).await?;
});
version!(charges_otherwise, |ctx, order| {
    ctx.execute_local_activity(Shop::price, order.clone(), local()).await?;
    ctx.execute_activity(Shop::reserve, order.clone(), remote()).await?;
    ctx.timer(Duration::from_secs(10)).await;
    ctx.execute_activity(Shop::charge, format!("the order {order}"), remote()).await?;
});
version!(inspects, |ctx, order| {
    ctx.execute_local_activity(Shop::price, order.clone(), local()).await?;
    ctx.execute_activity(Shop::reserve, order.clone(), remote()).await?;
    ctx.timer(Duration::from_secs(10)).await;
    ctx.execute_activity(Shop::inspect, order.clone(), remote()).await?;
    ctx.execute_activity(Shop::charge, order, remote()).await?;
});
version!(inspects_with_a_patch, |ctx, order| {
    ctx.execute_local_activity(Shop::price, order.clone(), local()).await?;
    ctx.execute_activity(Shop::reserve, order.clone(), remote()).await?;
    ctx.timer(Duration::from_secs(10)).await;
    if ctx.patched("inspect") {
        ctx.execute_activity(Shop::inspect, order.clone(), remote()).await?;
    }
    ctx.execute_activity(Shop::charge, order, remote()).await?;
});
version!(prices_twice, |ctx, order| {
    ctx.execute_local_activity(Shop::price, order.clone(), local()).await?;
    ctx.execute_activity(Shop::reserve, order.clone(), remote()).await?;
    ctx.timer(Duration::from_secs(10)).await;
    ctx.execute_local_activity(Shop::price, order.clone(), local()).await?;
    ctx.execute_activity(Shop::charge, order, remote()).await?;
});
version!(does_not_price, |ctx, order| {
    ctx.execute_activity(Shop::reserve, order.clone(), remote()).await?;
    ctx.timer(Duration::from_secs(10)).await;
    ctx.execute_activity(Shop::charge, order, remote()).await?;
});
version!(walks_a_map, |ctx, order| {
    // Twelve keys come in one order in one of 479,001,600 maps.
    let rooms: HashMap<String, usize> = (0..12).map(|room| (format!("room {room} of {order}"), room)).collect();
    let rooms: Vec<String> = rooms.into_keys().collect();
    ctx.execute_activity(Shop::reserve, rooms.join(", "), remote()).await?;
    ctx.execute_activity(Shop::charge, order, remote()).await?;
});
version!(never_returns, |ctx, order| {
    ctx.execute_local_activity(Shop::price, order.clone(), local()).await?;
    while !order.is_empty() {
        std::thread::park();
    }
});

/// Runs two orders with these options, and returns the folder of their histories.
async fn record(name: &str, options: WorkerOptions) -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check").join(name);
    std::fs::create_dir_all(&folder)?;
    let environment = Environment::start().await?;
    let client = environment.client();
    let mut worker = Worker::new(&Runtime::from_current_tokio(Default::default())?, client.clone(), options)?;
    let stop_worker = worker.shutdown_handle();
    let runs = async {
        for order in ["order-1", "order-2"] {
            let options = WorkflowStartOptions::new(QUEUE, order).build();
            let run = client.start_workflow(first::Order::run, order.to_owned(), options).await?;
            run.get_result(WorkflowGetResultOptions::default()).await?;
            let history = run.fetch_history(WorkflowFetchHistoryOptions::default());
            std::fs::write(folder.join(order).with_extension("json"), history.to_json().await?)?;
        }
        stop_worker();
        anyhow::Ok(())
    };
    let (worked, ran) = tokio::join!(worker.run(), runs);
    worked?;
    ran?;
    Ok(folder)
}

/// Histories of the first version.
async fn recorded(test: &str) -> anyhow::Result<PathBuf> {
    record(test, first::worker(&Arc::default())?).await
}

/// The text of the report of a check that must fail, and that must not do anything.
async fn fails(check: Check, deeds: &AtomicUsize) -> String {
    let text = check.run().await.expect_err("it must fail").to_string();
    assert_eq!(deeds.load(Ordering::Relaxed), 0, "{text}");
    text
}

fn assert_says(text: &str, said: &[&str]) {
    for said in said {
        assert!(text.contains(said), "{said:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn code_that_has_not_changed_replays() -> foretime::check::Result {
    let deeds = Arc::default();
    let folder = recorded("same").await?;
    let report = foretime::check(first::worker(&deeds)?).histories(folder).all().strict().run().await?;
    assert_eq!((report.counts.checked, report.counts.replays), (2, 2), "{report}");
    assert_eq!(report.remarks, [""; 0], "{report}");
    assert_eq!(deeds.load(Ordering::Relaxed), 0);
    Ok(report)
}

#[tokio::test]
async fn activities_in_another_order_break() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let check = foretime::check(charges_first::worker(&deeds)?).histories(recorded("reordered").await?);
    let text = fails(check, &deeds).await;
    assert_says(
        &text,
        &[
            "breaks Order: 2 runs",
            "reserve is recorded, the code asks for",
            "charge",
            "2 runs took 1 path through the code, 1 history was checked",
        ],
    );
    Ok(())
}

#[tokio::test]
async fn another_span_of_a_timer_differs_only_if_asked_for() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let folder = recorded("sooner").await?;
    foretime::check(waits_less::worker(&deeds)?).histories(&folder).run().await.map_err(anyhow::Error::msg)?;
    let text = fails(foretime::check(waits_less::worker(&deeds)?).histories(folder).strict(), &deeds).await;
    assert_says(&text, &["differs Order", "10s", "5s"]);
    Ok(())
}

#[tokio::test]
async fn another_input_differs_only_if_asked_for() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let folder = recorded("input").await?;
    foretime::check(charges_otherwise::worker(&deeds)?).histories(&folder).run().await.map_err(anyhow::Error::msg)?;
    let text = fails(foretime::check(charges_otherwise::worker(&deeds)?).histories(folder).strict(), &deeds).await;
    assert_says(&text, &["differs Order", "the order order-"]);
    Ok(())
}

#[tokio::test]
async fn a_patch_makes_a_new_activity_replay() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let folder = recorded("patched").await?;
    let text = fails(foretime::check(inspects::worker(&deeds)?).histories(&folder), &deeds).await;
    assert_says(&text, &["breaks Order", "charge is recorded, the code asks for", "inspect"]);
    let report = foretime::check(inspects_with_a_patch::worker(&deeds)?).histories(folder).all().strict().run().await;
    let report = report.map_err(anyhow::Error::msg)?;
    assert_eq!(report.counts.replays, 2);
    assert_eq!(deeds.load(Ordering::Relaxed), 0);
    Ok(())
}

#[tokio::test]
async fn code_from_before_a_patch_breaks_behind_it() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let folder = record("unpatched", inspects_with_a_patch::worker(&Arc::default())?).await?;
    let text = fails(foretime::check(first::worker(&deeds)?).histories(folder), &deeds).await;
    assert_says(&text, &["event 17: MarkerRecorded inspect is recorded, the code does not ask for it"]);
    Ok(())
}

#[tokio::test]
async fn a_new_local_activity_breaks_and_does_not_run() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let folder = recorded("local").await?;
    let text = fails(foretime::check(prices_twice::worker(&deeds)?).histories(folder), &deeds).await;
    assert_says(&text, &["breaks Order", "charge is recorded"]);
    Ok(())
}

#[tokio::test]
async fn a_local_activity_that_is_gone_breaks() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let check = foretime::check(does_not_price::worker(&deeds)?).histories(recorded("gone").await?);
    let text = fails(check, &deeds).await;
    assert_says(&text, &["event 5: MarkerRecorded", "is recorded, the code does not ask for it"]);
    Ok(())
}

/// A worker that is at a local activity for long completes its workflow task, and gets another. The history of that run ends between.
#[tokio::test]
async fn a_local_activity_that_was_under_way_does_not_run() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let folder = recorded("under-way").await?;
    for order in ["order-1", "order-2"] {
        let path = folder.join(order).with_extension("json");
        let mut history: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let events = history["events"].as_array_mut().expect("events");
        events.truncate(4);
        std::fs::write(path, history.to_string())?;
    }
    let check = foretime::check(first::worker(&deeds)?).histories(folder).strict().answer_timeout(Duration::from_secs(5));
    let report = check.run().await.map_err(anyhow::Error::msg)?;
    assert_eq!(report.counts.replays, 1);
    assert_eq!(deeds.load(Ordering::Relaxed), 0);
    Ok(())
}

#[tokio::test]
async fn the_order_of_a_map_is_found() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let folder = record("map", walks_a_map::worker(&Arc::default())?).await?;
    foretime::check(walks_a_map::worker(&deeds)?).histories(&folder).run().await.map_err(anyhow::Error::msg)?;
    let text = fails(foretime::check(walks_a_map::worker(&deeds)?).histories(folder).strict(), &deeds).await;
    assert_says(
        &text,
        &["differs Order", "ActivityTaskScheduled Shop::reserve is recorded, the code asks for it with another input"],
    );
    Ok(())
}

#[tokio::test]
async fn code_that_never_returns_is_told() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let check = foretime::check(never_returns::worker(&deeds)?).histories(recorded("hangs").await?);
    let text = fails(check.answer_timeout(Duration::from_secs(1)), &deeds).await;
    assert_says(&text, &["could not tell", "did not answer in time"]);
    Ok(())
}

#[tokio::test]
async fn what_could_not_be_told_fails() -> anyhow::Result<()> {
    let deeds = Arc::default();
    let folder = recorded("untold").await?;
    let none = foretime::check(first::worker(&deeds)?);
    assert_says(&fails(none, &deeds).await, &["no histories given"]);
    std::fs::write(folder.join("broken.json"), "{")?;
    let text = fails(foretime::check(first::worker(&deeds)?).histories(&folder), &deeds).await;
    assert_says(&text, &["cannot read", "broken.json", "1 replays, 1 could not be read"]);
    std::fs::remove_file(folder.join("broken.json"))?;
    let unknown = WorkerOptions::new(QUEUE).register_workflow::<other::Other>()?.build();
    let text = fails(foretime::check(unknown).histories(folder), &deeds).await;
    assert_says(&text, &["could not tell", "Order"]);
    Ok(())
}

mod other {
    use super::*;

    #[workflow]
    #[derive(Default)]
    pub(crate) struct Other;

    #[workflow_methods]
    impl Other {
        #[run]
        pub(crate) async fn run(_ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
            Ok(())
        }
    }
}
