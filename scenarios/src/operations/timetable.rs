//! What happens to the schedule of the reports, and which reports there must be.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use foretime::{
    Sim,
    proptest::{option, prelude::*, sample::Index},
};
use futures::TryStreamExt;
use temporalio_client::schedules::{
    CreateScheduleOptions, ListSchedulesOptions, ScheduleAction, ScheduleBackfill, ScheduleHandle, ScheduleOverlapPolicy,
    ScheduleSpec, ScheduleUpdate,
};
use temporalio_client::{Client, RpcOptions, WorkflowListOptions};

use super::{Depot, Report, SCHEDULED_FOR, TASK_QUEUE};
use crate::people::span;

const SCHEDULE: &str = "reports";
const HOUR: Duration = Duration::from_secs(60 * 60);
const HOUR_S: i64 = 60 * 60;
/// A report is triggered so long after a full hour: before all other deeds of that hour.
const TRIGGERED_AFTER: Duration = Duration::from_secs(2 * 60);
/// A schedule acts at once: no worker takes part in that.
const AT_ONCE: Duration = Duration::from_secs(5);

/// What the operator does with the schedule. Each deed is some minutes after a full hour, so that it is clear which actions come
/// before it. The number of that hour, from 0, and the minutes.
#[derive(Clone, Debug)]
pub(super) struct Timetable {
    /// After how many actions the schedule stops to act by itself.
    limit: Option<i64>,
    paused: Deed,
    unpaused: Deed,
    /// Whether what the pause left out is made up for.
    is_backfilled: bool,
    triggered: Option<Deed>,
    /// From then on there is a report every other hour.
    changed: Option<Deed>,
    deleted: Deed,
}

type Deed = (u32, Duration);

/// What the operator may do.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pause,
    Unpause,
    Trigger,
    Change,
    Delete,
}

pub(super) fn a_timetable() -> impl Strategy<Value = Timetable> {
    // The deeds in order, each some hours after the one before; some of them only perhaps.
    let deeds = (hours_later(4), hours_later(6), option::of(hours_later(3)), hours_later(6));
    (option::of(1..=8_i64), deeds, any::<bool>(), option::of(any::<Index>())).prop_map(
        |(limit, (paused, unpaused, changed, deleted), is_backfilled, triggered)| {
            let mut hour = 0;
            let mut at = |(hours, after): Deed| {
                hour += hours;
                (hour, after)
            };
            let (paused, unpaused, changed, deleted) = (at(paused), at(unpaused), changed.map(&mut at), at(deleted));
            let trigger = |hour: Index| (u32::try_from(hour.index(deleted.0 as usize)).unwrap_or(0), TRIGGERED_AFTER);
            Timetable { limit, paused, unpaused, is_backfilled, triggered: triggered.map(trigger), changed, deleted }
        },
    )
}

/// A deed one to so many hours after another, and not close to a full hour.
fn hours_later(most: u32) -> impl Strategy<Value = Deed> {
    (1..=most, span(Duration::from_secs(50 * 60)).prop_map(|more| Duration::from_secs(5 * 60) + more))
}

impl Timetable {
    /// The instants, after this full hour, for which the schedule starts a report; in seconds since the epoch.
    fn instants(&self, base_s: i64) -> BTreeSet<i64> {
        let mut left = self.limit.unwrap_or(i64::MAX);
        let mut instants = BTreeSet::new();
        for hour in 1..=self.deleted.0 {
            let at_s = base_s + i64::from(hour) * HOUR_S;
            let is_paused = self.paused.0 < hour && hour <= self.unpaused.0;
            let is_in_spec = self.changed.is_none_or(|(from, _)| hour <= from) || at_s % (2 * HOUR_S) == 0;
            if is_paused && self.is_backfilled {
                // What is done by hand does not count towards the limit.
                instants.insert(at_s);
            } else if !is_paused && is_in_spec && left > 0 {
                left -= 1;
                instants.insert(at_s);
            }
        }
        instants
    }

    /// Does all of it. Returns the full hour that it counts from, in seconds since the epoch.
    pub(super) async fn keep(&self, sim: &Sim) -> foretime::Result<i64> {
        let now_s = i64::try_from(sim.now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs())?;
        let base_s = now_s - now_s % HOUR_S;
        let schedule = self.create(sim).await?;
        let mut deeds = vec![(self.paused, Act::Pause), (self.unpaused, Act::Unpause), (self.deleted, Act::Delete)];
        deeds.extend(self.triggered.map(|deed| (deed, Act::Trigger)));
        deeds.extend(self.changed.map(|deed| (deed, Act::Change)));
        deeds.sort_by_key(|(deed, _)| *deed);
        let mut paused_at = sim.now();
        for ((hour, after), act) in deeds {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(base_s)?) + HOUR * hour + after;
            tokio::time::sleep(at.duration_since(sim.now()).unwrap_or_default()).await;
            match act {
                Act::Pause => {
                    paused_at = sim.now();
                    schedule.pause(Some("nobody reads them"), Default::default()).await?;
                    assert_eq!(listed(sim).await?, [true], "the schedule is listed as paused");
                }
                Act::Unpause => self.unpause(sim, &schedule, paused_at).await?,
                Act::Trigger => schedule.trigger(ScheduleOverlapPolicy::AllowAll, Default::default()).await?,
                Act::Change => {
                    let change = |update: &mut ScheduleUpdate| {
                        update.set_spec(ScheduleSpec::from_interval(HOUR * 2));
                    };
                    schedule.update(change, RpcOptions::default()).await?;
                }
                Act::Delete => self.delete(sim, &schedule, base_s).await?,
            }
        }
        Ok(base_s)
    }

    async fn create(&self, sim: &Sim) -> foretime::Result<ScheduleHandle<Client>> {
        let action = ScheduleAction::start_workflow(Report::run, "sales".to_owned(), TASK_QUEUE, "report");
        let options = CreateScheduleOptions::builder()
            .action(action)
            .spec(ScheduleSpec::from_interval(HOUR))
            .overlap_policy(ScheduleOverlapPolicy::AllowAll)
            .build();
        let schedule = sim.client().create_schedule(SCHEDULE, options).await?;
        if let Some(limit) = self.limit {
            let change = move |update: &mut ScheduleUpdate| {
                update.set_remaining_actions(Some(limit));
            };
            schedule.update(change, RpcOptions::default()).await?;
        }
        Ok(schedule)
    }

    async fn unpause(&self, sim: &Sim, schedule: &ScheduleHandle<Client>, paused_at: SystemTime) -> foretime::Result {
        schedule.unpause(Some("somebody reads them"), Default::default()).await?;
        if self.is_backfilled {
            let missed = ScheduleBackfill::new(paused_at, sim.now()).overlap_policy(ScheduleOverlapPolicy::AllowAll).build();
            schedule.backfill([missed], Default::default()).await?;
        }
        assert_eq!(listed(sim).await?, [false], "the schedule is not listed as paused");
        Ok(())
    }

    async fn delete(&self, sim: &Sim, schedule: &ScheduleHandle<Client>, base_s: i64) -> foretime::Result {
        let described = schedule.describe(RpcOptions::default()).await?;
        let actions = self.instants(base_s).len() + usize::from(self.triggered.is_some());
        assert_eq!(usize::try_from(described.action_count())?, actions, "the actions that the schedule has counted");
        foretime::always!(described.missed_catchup_window() == 0, "no action comes too late");
        foretime::always!(described.overlap_skipped() == 0, "no action is skipped");
        let is_over = described.future_action_times().is_empty();
        foretime::sometimes!(is_over, "a schedule has acted for the last time before it is deleted");
        schedule.delete(Default::default()).await?;
        assert!(schedule.describe(RpcOptions::default()).await.is_err(), "a schedule that was deleted is not found");
        assert!(listed(sim).await?.is_empty(), "a schedule that was deleted is not listed");
        Ok(())
    }

    /// Each report ran for its instant, and its page was printed once.
    pub(super) async fn assert_reported(&self, sim: &Sim, depot: &Depot, base_s: i64) -> foretime::Result {
        let mut pages = depot.pages();
        pages.sort_by_key(|(_, page)| page.due_s);
        for (at, page) in &pages {
            let due = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(page.due_s)?);
            foretime::always!(*at >= due, "no report is printed before its instant");
        }
        let triggered_count = pages.iter().filter(|(_, page)| page.due_s % HOUR_S != 0).count();
        assert_eq!(triggered_count, usize::from(self.triggered.is_some()), "the reports that were triggered");
        let on_time: Vec<i64> = pages.iter().map(|(_, page)| page.due_s).filter(|due_s| due_s % HOUR_S == 0).collect();
        let instants = self.instants(base_s);
        assert_eq!(on_time, instants.iter().copied().collect::<Vec<_>>(), "the instants of the reports, of {self:?}");

        let reports = sim.client().list_workflows("WorkflowType = 'Report'", WorkflowListOptions::default());
        let reports: Vec<_> = reports.try_collect().await?;
        assert_eq!(reports.len(), instants.len() + triggered_count, "a report for each action");
        let mut made_up_for = false;
        for report in &reports {
            let due = report.search_attributes().get(&SCHEDULED_FOR).map_or(0, |due| due.seconds());
            let due_at = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(due)?);
            let late = report.start_time().and_then(|at| at.duration_since(due_at).ok()).unwrap_or(HOUR * 24);
            let hour = (due - base_s) / HOUR_S;
            let was_paused = i64::from(self.paused.0) < hour && hour <= i64::from(self.unpaused.0);
            foretime::always!(was_paused || late <= AT_ONCE, "the schedule acts at its instants");
            made_up_for |= was_paused;
        }
        foretime::sometimes!(made_up_for, "a backfill makes up for a pause");
        foretime::sometimes!(triggered_count > 0, "a report is triggered");
        Ok(())
    }
}

/// Whether each schedule that is listed is paused.
async fn listed(sim: &Sim) -> foretime::Result<Vec<bool>> {
    let all: Vec<_> = sim.client().list_schedules(ListSchedulesOptions::default()).try_collect().await?;
    Ok(all.iter().map(|schedule| schedule.paused()).collect())
}
