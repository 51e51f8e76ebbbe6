//! The process that replays every history with the official replayer at the end of a run. It replays each as a whole, and cut
//! at each of its workflow tasks as if the worker's cache had been lost there. Of many cuts, some are drawn.

use std::{collections::BTreeMap, sync::Arc};

use foretime_campaign::{
    choices::Label,
    finding::{DoesNotReplay, Unreplayed, Wrong},
    process::{ProcessId, Role},
};
use foretime_history::{asked::Asked, refused, verdict::Divergence};
use foretime_server::engine::time::Time;
use futures_util::stream;
use prost::Message;
use temporalio_common::protos::temporal::api::{
    enums::v1::EventType,
    history::v1::{History, history_event::Attributes},
};
use temporalio_sdk::{Worker, WorkerOptions};
use temporalio_sdk_core::{
    init_replay_worker,
    replay::{HistoryForReplay, ReplayWorkerInput},
};

use super::{
    asking::Asking,
    chain,
    commands::{self, Commands, Difference},
    live,
    verdicts::{Refused, Verdict, Verdicts},
};
use crate::world::{
    Phase, State, World,
    lives::{Factory, Fleet},
};

/// A history of the run.
struct Recorded {
    workflow_id: String,
    run_id: String,
    workflow_type: String,
    task_queue: String,
    history: History,
    /// When the run was closed, if ever.
    closed: Option<Time>,
}

/// A history, or the beginning of one, to replay.
struct Replay {
    of: usize,
    /// The last event of the cut; `None` for the whole history.
    until: Option<i64>,
}

/// A version of the code of a fleet. It replays the histories of the runs for which it was the last version while they were
/// open. Closed runs are given to no worker, so later versions need not know what only such runs did.
struct Code {
    options: Factory,
    /// When its deploy began, and when the next one's did, if there was one.
    from: Time,
    until: Option<Time>,
    /// Whether no other version wrote the histories.
    is_only: bool,
}

impl Code {
    /// The versions of a fleet.
    fn of(fleet: &Fleet) -> Vec<Self> {
        let nexts = fleet.versions.iter().skip(1).map(|next| Some(next.from)).chain([None]);
        let is_only = fleet.versions.len() == 1;
        let versions = fleet.versions.iter().zip(nexts);
        versions.map(|(it, until)| Self { options: it.options.clone(), from: it.from, until, is_only }).collect()
    }

    /// Whether it was the last version while the run was open.
    fn is_last_of(&self, recorded: &Recorded) -> bool {
        match recorded.closed {
            None => self.until.is_none(),
            Some(closed) => self.from < closed && self.until.is_none_or(|until| closed <= until),
        }
    }
}

/// Starts the replayer, if there is anything to replay.
pub(crate) fn begin(state: &mut State, world: &Arc<World>) -> Option<ProcessId> {
    let recorded: Arc<[Recorded]> = state
        .service()
        .runs()
        .filter_map(|run| {
            let mut history = History { events: Vec::with_capacity(run.events_count()) };
            history.merge(&run.encoded_events()[..]).ok()?;
            let has_worked = history.events.iter().any(|event| event.event_type() == EventType::WorkflowTaskCompleted);
            has_worked.then(|| Recorded {
                workflow_id: run.workflow_id().to_owned(),
                run_id: run.run_id().to_owned(),
                workflow_type: run.workflow_type().to_owned(),
                task_queue: run.task_queue().to_owned(),
                history,
                closed: run.close_time(),
            })
        })
        .collect();
    let codes: Vec<Code> = state.lives.fleets.iter().flat_map(Code::of).collect();
    if recorded.is_empty() || codes.is_empty() {
        return None;
    }
    // Another version of the code may request the same thing with another input.
    let asked = if codes.iter().any(|code| code.is_only) { asked_by_run(state) } else { commands::AskedByRun::default() };
    let world = world.clone();
    Some(state.spawn(Role::Replayer, "replayer", 0, move |process| run(&world, process, &codes, &recorded, &asked)))
}

fn asked_by_run(state: &State) -> commands::AskedByRun {
    let asked = state.service().runs().map(|run| (run.run_id().to_owned(), Asked::of(&run.encoded_events())));
    Arc::new(asked.collect())
}

fn run(world: &Arc<World>, process: ProcessId, codes: &[Code], recorded: &Arc<[Recorded]>, asked: &commands::AskedByRun) {
    let outcome = live(world, process, replay_all(world, process, codes, recorded, asked));
    world.enter(|state| {
        if let Some(Err(error)) = outcome {
            state.find(Some(process), Wrong::NotReplayed { error });
        }
        state.phase = Phase::Over;
    });
}

async fn replay_all(
    world: &Arc<World>,
    process: ProcessId,
    codes: &[Code],
    recorded: &Arc<[Recorded]>,
    asked: &commands::AskedByRun,
) -> Result<(), String> {
    for code in codes.iter().filter(|code| recorded.iter().any(|it| code.is_last_of(it))) {
        let options = (code.options)(0)?;
        let types: Vec<String> = options.workflows().workflow_definitions().map(|it| it.workflow_type.clone()).collect();
        let is_its =
            |it: &Recorded| it.task_queue == options.task_queue && types.contains(&it.workflow_type) && code.is_last_of(it);
        let its: Vec<usize> = (0..recorded.len()).filter(|of| is_its(&recorded[*of])).collect();
        if its.is_empty() {
            continue;
        }
        for group in apart(&its, recorded) {
            let wrong = replay_group(&Asking::new(world, process), code, &group, recorded, asked).await?;
            if let Some(wrong) = wrong {
                world.enter(|state| state.find(Some(process), wrong));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The same histories in groups, of which none has both a run and its reset: the core knows these by one run id.
fn apart(its: &[usize], recorded: &[Recorded]) -> Vec<Vec<usize>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for of in its {
        let count = counts.entry(recorded[*of].original_run_id()).or_default();
        if *count == groups.len() {
            groups.push(Vec::new());
        }
        groups[*count].push(*of);
        *count += 1;
    }
    groups
}

/// Replays these histories, whole and cut, on this code. Returns what is wrong.
async fn replay_group(
    asking: &Asking,
    code: &Code,
    its: &[usize],
    recorded: &Arc<[Recorded]>,
    asked: &commands::AskedByRun,
) -> Result<Option<Wrong>, String> {
    let whole = its.iter().map(|of| Replay { of: *of, until: None });
    let replays: Arc<[Replay]> = whole.chain(draw_cuts(&asking.world, its, recorded)).collect();
    let known_by = |of: &usize| (recorded[*of].original_run_id(), recorded[*of].run_id.clone());
    let commands = match code.is_only {
        true => Commands::against(asked.clone(), its.iter().map(known_by).collect()),
        false => Commands::default(),
    };
    let verdicts = replay(asking, (code.options)(0)?, commands.clone(), &replays, recorded).await?;
    if let Some((failed, refused)) = first_failure(&replays, verdicts) {
        let of = &recorded[failed.of];
        let when = match failed.until {
            None => Unreplayed::Whole,
            Some(_) if replays_but_once(asking, code, failed.of, recorded).await? => Unreplayed::Again,
            Some(event) => Unreplayed::Cut(event),
        };
        let wrong = DoesNotReplay {
            workflow_id: of.workflow_id.clone(),
            run_id: of.run_id.clone(),
            workflow_type: of.workflow_type.clone(),
            when,
            divergence: divergence(of, &refused).map(Box::new),
            text: refused.failure.to_string(),
        };
        return Ok(Some(Wrong::DoesNotReplay(Box::new(wrong))));
    }
    if let Some(Difference { run_id, text, is_of_sdk }) = commands.difference() {
        let workflow_id = recorded.iter().find(|it| it.run_id == run_id).map_or("a workflow", |it| &it.workflow_id);
        return Ok(Some(Wrong::AsksOtherwise { workflow_id: workflow_id.to_owned(), text, is_of_sdk }));
    }
    asking.world.enter(|state| state.replays_checked += replays.len() as u64);
    Ok(None)
}

/// The first replay that failed.
fn first_failure(replays: &[Replay], verdicts: Vec<Verdict>) -> Option<(&Replay, Refused)> {
    replays.iter().zip(verdicts).find_map(|(replay, verdict)| Some((replay, verdict?)))
}

/// Where code and history part, if a report is wanted.
fn divergence(of: &Recorded, refused: &Refused) -> Option<Divergence> {
    refused::divergence(&of.history.encode_to_vec(), &refused.asked.as_ref()?.of_server(), &refused.failure.to_string())
}

/// Whether a history that replays as a whole fails when it is replayed twice on one worker.
async fn replays_but_once(asking: &Asking, code: &Code, of: usize, recorded: &Arc<[Recorded]>) -> Result<bool, String> {
    let twice = [Replay { of, until: None }, Replay { of, until: None }].into();
    let verdicts = replay(asking, (code.options)(0)?, Commands::default(), &twice, recorded).await?;
    Ok(matches!(verdicts[..], [None, Some(_)]))
}

/// Replays histories one after another, on a worker with all of a worker's options, as a production worker does with runs that
/// are not in its cache. It uses the core's replayer, on which every SDK's own is built. That gives the worker only workflow
/// tasks, so no activity runs. Each history is made when its turn comes: together they would take much memory, which is slow.
async fn replay(
    asking: &Asking,
    mut options: WorkerOptions,
    commands: Commands,
    replays: &Arc<[Replay]>,
    recorded: &Arc<[Recorded]>,
) -> Result<Vec<Verdict>, String> {
    let client_options = asking.world.enter(|state| state.client_options.clone());
    let verdicts = Verdicts::new(asking.clone());
    options.worker_interceptor(asking.clone());
    options.worker_interceptor(verdicts.clone());
    options.worker_interceptor(commands);
    let (replays, recorded) = (replays.clone(), recorded.clone());
    let histories = (0..replays.len()).map(move |index| recorded[replays[index].of].until(replays[index].until));
    let config = options.to_core_options(client_options.namespace.clone(), String::new())?;
    let core =
        init_replay_worker(ReplayWorkerInput::new(config, stream::iter(histories))).map_err(|error| error.to_string())?;
    let worker = Worker::new_from_core_options(Arc::new(core), client_options, options);
    worker.map_err(|error| chain(&error))?.run().await.map_err(|error| chain(&error))?;
    Ok(verdicts.given())
}

/// Beginnings of these histories, each up to the start of a completed workflow task: all of them in short histories, some drawn
/// ones in long histories. Replaying all of them in every run would cost several times the run itself.
fn draw_cuts(world: &World, its: &[usize], recorded: &[Recorded]) -> Vec<Replay> {
    let cuts_of = |of: &usize| recorded[*of].cuts().map(|until| (*of, until)).collect::<Vec<_>>();
    let mut left: Vec<(usize, i64)> = its.iter().flat_map(cuts_of).collect();
    let mut drawn = Vec::new();
    world.enter(|state| {
        let mut events_left = state.limits().cut_events_max;
        while !left.is_empty() && events_left > 0 {
            let index = state.choices.below(Label::HistoryCut, left.len() as u64);
            let (of, until) = left.swap_remove(usize::try_from(index).unwrap_or(0));
            events_left = events_left.saturating_sub(usize::try_from(until).unwrap_or(0));
            drawn.push(Replay { of, until: Some(until) });
        }
    });
    drawn
}

impl Recorded {
    /// The starts of the workflow tasks that were completed.
    fn cuts(&self) -> impl Iterator<Item = i64> {
        let started = self.history.events.iter().zip(self.history.events.iter().skip(1));
        started
            .filter(|(event, next)| {
                event.event_type() == EventType::WorkflowTaskStarted && next.event_type() == EventType::WorkflowTaskCompleted
            })
            .map(|(event, _)| event.event_id)
    }

    /// The run id by which the core knows it.
    fn original_run_id(&self) -> String {
        match self.history.events.first().and_then(|event| event.attributes.as_ref()) {
            Some(Attributes::WorkflowExecutionStartedEventAttributes(it)) => it.original_execution_run_id.clone(),
            _ => self.run_id.clone(),
        }
    }

    /// The history, or its beginning up to an event.
    fn until(&self, last: Option<i64>) -> HistoryForReplay {
        let count = last.map_or(self.history.events.len(), |last| usize::try_from(last).unwrap_or(usize::MAX));
        let events = self.history.events.iter().take(count).cloned().collect();
        HistoryForReplay::new(History { events }, &self.workflow_id)
    }
}
