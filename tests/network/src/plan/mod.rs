//! What a seed plans: the cluster, what clients want, how the network is, and which faults there may be.
//!
//! [`draw`] is where the plan comes from. [`script`] is what a workflow does and [`activity`] what its activities do; [`digest`] is what
//! a run has seen and done. [`errand`] is what a client wants, [`swarm`] which kinds of faults a run has, and how often.

use std::time::Duration;

use foretime_server::config::TimeMode;

pub mod activity;
pub mod digest;
pub mod draw;
mod drawn;
pub mod errand;
pub mod script;
pub mod swarm;

use draw::Draw;
use errand::Errand;
use swarm::Swarm;

/// The plan of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// When time skips.
    pub time: TimeMode,
    /// The workers, by slot.
    pub workers: Vec<WorkerPlan>,
    /// What each client wants, one after another.
    pub clients: Vec<Vec<Errand>>,
    /// The network when nothing is wrong with it.
    pub network: NetworkPlan,
    /// The faults.
    pub swarm: Swarm,
}

/// A worker.
#[derive(Clone, Debug)]
pub struct WorkerPlan {
    /// How many polls for workflow tasks it has at once.
    pub workflow_pollers: u64,
    /// How many for activity tasks.
    pub activity_pollers: u64,
    /// How long it thinks about a task at most.
    pub thinks_max: Duration,
    /// It is this much slower once in so many tasks; `0`: never.
    pub slow_once_in: u64,
}

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkPlan {
    /// How long a message takes at least.
    pub latency_min: Duration,
    /// And at most.
    pub latency_max: Duration,
    /// How many of a thousand messages are lost, and sent again.
    pub loss_per_mille: u64,
}

impl Plan {
    /// The plan of this source.
    pub fn draw(source: u64) -> Self {
        let mut draw = Draw::new(source);
        // Not paced: where time goes with the wall, a script of days would be nothing but polls.
        let time = draw.one_of(&[TimeMode::Locked, TimeMode::Skipping, TimeMode::Awaited]);
        let workers = (0..draw.between(2, 5)).map(|_| WorkerPlan::draw(&mut draw)).collect();
        let workflows_count = draw.between(1, 4);
        let clients = (1..=draw.between(2, 4)).map(|client| errand::all(&mut draw, client, workflows_count)).collect();
        let network = NetworkPlan::draw(&mut draw);
        let swarm = Swarm::draw(&mut draw);
        Self { time, workers, clients, network, swarm }
    }
}

impl WorkerPlan {
    fn draw(draw: &mut Draw) -> Self {
        Self {
            workflow_pollers: draw.between(1, 2),
            activity_pollers: draw.between(1, 2),
            thinks_max: draw.span(Duration::from_micros(100), Duration::from_secs(1)),
            slow_once_in: draw.one_of(&[0, 0, 5, 20]),
        }
    }
}

impl NetworkPlan {
    fn draw(draw: &mut Draw) -> Self {
        let latency_min = draw.span(Duration::from_micros(10), Duration::from_millis(20));
        let latency_max = latency_min + draw.span(Duration::from_micros(10), Duration::from_millis(500));
        Self { latency_min, latency_max, loss_per_mille: draw.one_of(&[0, 0, 1, 10, 50]) }
    }
}
