//! Conformance of our server: the same scripts as on the real server must give the same transcripts.
//!
//! `tests/snapshots/` holds what the real server (CLI 1.9.1, server 1.32.0) said; nothing else writes there. Each script is a
//! test `ours::SCRIPT` and, where `FORETIME_TEST_REAL_SERVER` names a `temporal` executable, also `real::SCRIPT`. With
//! `FORETIME_TEST_RECORD=1` the latter write the record again.

mod activities;
mod activity_options;
mod activity_reports;
mod batch_limits;
mod batches;
mod chains;
mod children;
mod deletions;
mod descriptions;
mod eager;
mod errors;
mod external_payloads;
mod growth;
mod limits;
mod list_filters;
mod listings;
mod named_runs;
mod namespaces;
mod paged_completions;
mod paused_activities;
mod paused_workflows;
mod properties;
mod queries;
mod raw_reads;
mod reads;
mod reported_problems;
mod reset_options;
mod resets;
mod reverse_reads;
mod schedule_actions;
mod schedule_lists;
mod schedule_specs;
mod schedules;
mod signals;
mod size_warnings;
mod starts;
mod switches;
mod task_queues;
mod timers;
mod update_troubles;
mod update_with_start;
mod updates;
mod worker_heartbeats;
mod worker_versions;
mod workflow_options;
mod workflow_tasks;

use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use foretime_tests::{
    client::Client,
    script::Script,
    server::{Kind, Server},
    snapshot,
};
use futures_util::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

/// What a script does.
type Act = for<'a> fn(&'a Script) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A list of the scripts of a module, each under its function's name.
macro_rules! scripts {
    ($($script:ident),* $(,)?) => {
        /// The scripts of this room.
        pub(crate) const SCRIPTS: &[(&str, $crate::Act)] = &[$((stringify!($script), |script| Box::pin($script(script)))),*];
    };
}
pub(crate) use scripts;

const ROOMS: &[(&str, &[(&str, Act)])] = &[
    ("starts", starts::SCRIPTS),
    ("chains", chains::SCRIPTS),
    ("signals", signals::SCRIPTS),
    ("named_runs", named_runs::SCRIPTS),
    ("workflow_tasks", workflow_tasks::SCRIPTS),
    ("task_queues", task_queues::SCRIPTS),
    ("timers", timers::SCRIPTS),
    ("activities", activities::SCRIPTS),
    ("children", children::SCRIPTS),
    ("properties", properties::SCRIPTS),
    ("queries", queries::SCRIPTS),
    ("updates", updates::SCRIPTS),
    ("update_with_start", update_with_start::SCRIPTS),
    ("update_troubles", update_troubles::SCRIPTS),
    ("reads", reads::SCRIPTS),
    ("reverse_reads", reverse_reads::SCRIPTS),
    ("raw_reads", raw_reads::SCRIPTS),
    ("resets", resets::SCRIPTS),
    ("reset_options", reset_options::SCRIPTS),
    ("deletions", deletions::SCRIPTS),
    ("descriptions", descriptions::SCRIPTS),
    ("eager", eager::SCRIPTS),
    ("errors", errors::SCRIPTS),
    ("external_payloads", external_payloads::SCRIPTS),
    ("schedules", schedules::SCRIPTS),
    ("schedule_specs", schedule_specs::SCRIPTS),
    ("schedule_actions", schedule_actions::SCRIPTS),
    ("schedule_lists", schedule_lists::SCRIPTS),
    ("worker_heartbeats", worker_heartbeats::SCRIPTS),
    ("worker_versions", worker_versions::SCRIPTS),
    ("batches", batches::SCRIPTS),
    ("batch_limits", batch_limits::SCRIPTS),
    ("namespaces", namespaces::SCRIPTS),
    ("limits", limits::SCRIPTS),
    ("growth", growth::SCRIPTS),
    ("size_warnings", size_warnings::SCRIPTS),
    ("switches", switches::SCRIPTS),
    ("paused_activities", paused_activities::SCRIPTS),
    ("activity_options", activity_options::SCRIPTS),
    ("activity_reports", activity_reports::SCRIPTS),
    ("paused_workflows", paused_workflows::SCRIPTS),
    ("workflow_options", workflow_options::SCRIPTS),
    ("paged_completions", paged_completions::SCRIPTS),
    ("reported_problems", reported_problems::SCRIPTS),
    ("list_filters", list_filters::SCRIPTS),
    ("listings", listings::SCRIPTS),
];

/// Scripts mostly wait: many at once cost little.
const THREADS: usize = 24;
/// A script that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(90);

/// The rooms that need a server of their own, each with what it needs beyond the usual.
const OWN_SERVERS: &[(&str, &[&str])] = &[
    ("batches", batches::ARGUMENTS),
    ("namespaces", namespaces::ARGUMENTS),
    ("limits", limits::ARGUMENTS),
    ("growth", growth::ARGUMENTS),
    ("size_warnings", size_warnings::ARGUMENTS),
    ("switches", switches::ARGUMENTS),
    ("raw_reads", raw_reads::ARGUMENTS),
];

/// The server of the rooms that are not in [`OWN_SERVERS`].
const USUAL: &str = "";

/// The servers under test, by kind and by whose it is, each started by the first script that needs it.
struct Bench {
    runtime: Runtime,
    servers: BTreeMap<(bool, &'static str), OnceLock<Result<Server, String>>>,
}

impl Bench {
    fn new(runtime: Runtime) -> Self {
        let owners = || OWN_SERVERS.iter().map(|(room, _)| *room).chain([USUAL]);
        let all = [true, false].into_iter().flat_map(|is_real| owners().map(move |owner| (is_real, owner)));
        Self { runtime, servers: all.map(|server| (server, OnceLock::new())).collect() }
    }

    fn address(&self, kind: Kind, room: &str) -> Result<&str, String> {
        let (owner, own) = OWN_SERVERS.iter().find(|(own, _)| *own == room).copied().unwrap_or((USUAL, &[]));
        let arguments = [ARGUMENTS, own].concat();
        let start = || self.runtime.block_on(Server::start(kind, &arguments)).map_err(|error| format!("{error:#}"));
        let server = self.servers[&(kind == Kind::Real, owner)].get_or_init(start);
        server.as_ref().map(|server| server.address.as_str()).map_err(Clone::clone)
    }

    fn run(&self, kind: Kind, name: &str, act: Act) -> Result<(), Failed> {
        let room = name.split("::").next().unwrap_or_default();
        let address = self.address(kind, room)?;
        self.runtime.block_on(async {
            let client = Client::connect(address).await.map_err(|error| error.to_string())?;
            let script = Script::new(client, &name.replace("::", "-").replace('_', "-"));
            let run = AssertUnwindSafe(tokio::time::timeout(LIMIT, act(&script))).catch_unwind();
            match run.await {
                Ok(Ok(())) => snapshot::check(kind, &name.replace("::", "/"), &script.transcript()).map_err(Failed::from),
                Ok(Err(_)) => Err(format!("hangs after:\n{}", script.transcript()).into()),
                Err(panic) => Err(format!("{}, after:\n{}", said(&*panic), script.transcript()).into()),
            }
        })
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic")
}

/// What the scripts need beyond the defaults.
#[rustfmt::skip]
const ARGUMENTS: &[&str] = &[
    "--search-attribute", "Colour=Keyword",
    "--search-attribute", "Size=Int",
    "--search-attribute", "Weight=Double",
    "--search-attribute", "Ripe=Bool",
    "--search-attribute", "Picked=Datetime",
    "--search-attribute", "Tags=KeywordList",
    "--search-attribute", "Note=Text",
    "--dynamic-config-value", "frontend.namespaceRPS.visibility=100000",
    "--dynamic-config-value", "frontend.WorkflowPauseEnabled=true",
    "--dynamic-config-value", "history.enableWorkflowTaskCompletionPagination=true",
];

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let recording = std::env::var_os(snapshot::RECORD).is_some();
    let kinds = [("ours", Kind::Ours, !recording), ("real", Kind::Real, Kind::Real.executable().is_some())];

    let runtime = Runtime::new().expect("a runtime");
    let bench = Arc::new(Bench::new(runtime));
    let mut trials = Vec::new();
    for (kind_name, kind, _) in kinds.into_iter().filter(|(.., wanted)| *wanted) {
        for (room, scripts) in ROOMS {
            for (script, act) in *scripts {
                let (bench, act, name) = (Arc::clone(&bench), *act, format!("{room}::{script}"));
                trials.push(Trial::test(format!("{kind_name}::{name}"), move || bench.run(kind, &name, act)));
            }
        }
    }
    // A script's panic is the failure of its test, which shows it.
    panic::set_hook(Box::new(|_| {}));
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(bench);
    conclusion.exit();
}
