//! PauseActivity, UnpauseActivity, ResetActivity and UpdateActivityOptions (`api/pauseactivity`, `api/unpauseactivity`,
//! `api/resetactivity`, `api/updateactivityoptions`). Each is a method for one run besides, for whoever repairs many.
//!
//! One activity that cannot be changed keeps all from being changed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    engine::{
        Engine,
        activity::{
            attempt::{Attempt, Home},
            options::Activity,
            pause::{Pause, Reset, Selector, Unpause},
        },
        execution::Cx,
        kernel::{
            error::{Error, Result},
            key::RunKey,
        },
        rules::{
            options::{
                activity::{self, Of},
                field_mask::Fields,
            },
            validate::{self, duration},
        },
    },
    proto::{
        activity::ActivityOptions,
        common::WorkflowExecution,
        workflowservice::{
            PauseActivityRequest, PauseActivityResponse, ResetActivityRequest, ResetActivityResponse, UnpauseActivityRequest,
            UnpauseActivityResponse, UpdateActivityOptionsRequest, UpdateActivityOptionsResponse,
            pause_activity_request::Activity as ToPause, reset_activity_request::Activity as ToReset,
            unpause_activity_request::Activity as ToUnpause, update_activity_options_request::Activity as ToUpdate,
        },
    },
};

const NOT_FOUND: &str = "Can't find pending activity with such ID. Invalid activityID or activity already completed";
/// How the real server calls its panic: Go draws no number below a negative one.
const NEGATIVE_JITTER: &str = "8e538c5c";

/// What becomes of the options of activities.
#[derive(Clone, Debug)]
pub(crate) enum OptionsChange {
    /// They are again what the workflow asked for.
    Restore,
    /// Those that are named get other values.
    Merge { options: Option<Box<ActivityOptions>>, fields: Option<Fields> },
}

/// How much later than now an activity begins: a random span below this. A negative one means none where an activity is unpaused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Jitter {
    below: Duration,
    is_negative: bool,
}

impl Jitter {
    pub(crate) fn new(asked: Option<&prost_types::Duration>) -> Self {
        let nanos = duration::nanos(asked);
        Self { below: Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)), is_negative: nanos < 0 }
    }

    fn draw(self, cx: &mut Cx<'_>) -> Duration {
        if self.below.is_zero() { Duration::ZERO } else { cx.ids.span_below(self.below) }
    }
}

/// The RPCs.
impl Engine {
    /// PauseActivity.
    pub(in crate::engine) fn pause_activity(&mut self, request: PauseActivityRequest) -> Result<PauseActivityResponse> {
        let selector = request.activity.map(|activity| match activity {
            ToPause::Id(id) => Selector::Id(id),
            ToPause::Type(activity_type) => Selector::Type(activity_type),
        });
        let (key, selector) = self.find_repaired(&request.namespace, request.execution.as_ref(), selector)?;
        let at = self.now(self.runs.get(key).namespace());
        let pause = Pause { at, identity: request.identity, reason: request.reason, request_id: request.request_id };
        self.pause_activities(key, &selector, &pause)?;
        Ok(PauseActivityResponse {})
    }

    /// UnpauseActivity.
    pub(in crate::engine) fn unpause_activity(&mut self, request: UnpauseActivityRequest) -> Result<UnpauseActivityResponse> {
        let selector = request.activity.map(|activity| match activity {
            ToUnpause::Id(id) => Selector::Id(id),
            ToUnpause::Type(activity_type) => Selector::Type(activity_type),
            ToUnpause::UnpauseAll(_) => Selector::All,
        });
        let (key, selector) = self.find_repaired(&request.namespace, request.execution.as_ref(), selector)?;
        let unpause = Unpause {
            resets_attempts: request.reset_attempts,
            resets_heartbeat: request.reset_heartbeat,
            delay: Duration::ZERO,
        };
        self.unpause_activities(key, &selector, unpause, Jitter::new(request.jitter.as_ref()))?;
        Ok(UnpauseActivityResponse {})
    }

    /// ResetActivity.
    pub(in crate::engine) fn reset_activity(&mut self, request: ResetActivityRequest) -> Result<ResetActivityResponse> {
        let selector = request.activity.map(|activity| match activity {
            ToReset::Id(id) => Selector::Id(id),
            ToReset::Type(activity_type) => Selector::Type(activity_type),
            ToReset::MatchAll(_) => Selector::All,
        });
        let (key, selector) = self.find_repaired(&request.namespace, request.execution.as_ref(), selector)?;
        let reset =
            Reset { resets_heartbeat: request.reset_heartbeat, keeps_paused: request.keep_paused, delay: Duration::ZERO };
        let jitter = Jitter::new(request.jitter.as_ref());
        self.reset_activities(key, &selector, reset, request.restore_original_options, jitter)?;
        Ok(ResetActivityResponse {})
    }

    /// UpdateActivityOptions.
    pub(in crate::engine) fn update_activity_options(
        &mut self,
        request: UpdateActivityOptionsRequest,
    ) -> Result<UpdateActivityOptionsResponse> {
        let selector = request.activity.map(|activity| match activity {
            ToUpdate::Id(id) => Selector::Id(id),
            ToUpdate::Type(activity_type) => Selector::Type(activity_type),
            ToUpdate::MatchAll(_) => Selector::All,
        });
        let namespace = self.resolve(&request.namespace)?;
        let (execution, selector) = named(request.execution.as_ref(), selector)?;
        validate::priority(request.activity_options.as_ref().and_then(|options| options.priority.as_ref()))?;
        let fields = request.update_mask.as_ref().map(Fields::new);
        let change = if request.restore_original {
            if fields.is_some_and(|fields| !fields.is_empty()) {
                return Err(Error::invalid("Both UpdateMask and RestoreOriginal are provided"));
            }
            OptionsChange::Restore
        } else {
            OptionsChange::Merge { options: request.activity_options.map(Box::new), fields }
        };
        let key = self.load(namespace, &execution)?;
        let activity_options = Some(self.change_activity_options(key, &selector, &change)?);
        Ok(UpdateActivityOptionsResponse { activity_options })
    }

    /// The run that a request names, and which of its activities.
    fn find_repaired(
        &mut self,
        namespace: &str,
        execution: Option<&WorkflowExecution>,
        selector: Option<Selector>,
    ) -> Result<(RunKey, Selector)> {
        let namespace = self.resolve(namespace)?;
        let (execution, selector) = named(execution, selector)?;
        Ok((self.load(namespace, &execution)?, selector))
    }
}

fn named(execution: Option<&WorkflowExecution>, selector: Option<Selector>) -> Result<(WorkflowExecution, Selector)> {
    let Some(execution) = execution.filter(|execution| !execution.workflow_id.is_empty()) else {
        return Err(Error::invalid("WorkflowId is not set on request."));
    };
    let selector = selector.ok_or_else(|| Error::invalid("Either Activity.Id or Activity.Type should be set on request."))?;
    Ok((execution.clone(), selector))
}

/// The repairs of one run.
impl Engine {
    /// Pauses the activities.
    ///
    /// # Errors
    /// The run is closed; there is no such activity; one has been paused by another request.
    pub(in crate::engine) fn pause_activities(&mut self, key: RunKey, selector: &Selector, pause: &Pause) -> Result<()> {
        let mut ids = self.selected(key, selector)?;
        let paused_by = |id: &i64| Some(self.attempt(key, *id)?.pause()?.request_id.as_str());
        if ids.iter().filter_map(paused_by).any(|request_id| request_id != pause.request_id) {
            return Err(Error::FailedPrecondition("activity is already paused".to_owned()));
        }
        ids.retain(|id| paused_by(id).is_none());
        self.repair(key, &ids, |attempt, _, cx, home| attempt.begin_pause(cx, home, pause.clone()));
        Ok(())
    }

    /// Unpauses those of the activities that are paused.
    ///
    /// # Errors
    /// The run is closed; there is no such activity.
    pub(in crate::engine) fn unpause_activities(
        &mut self,
        key: RunKey,
        selector: &Selector,
        unpause: Unpause,
        jitter: Jitter,
    ) -> Result<()> {
        let mut ids = self.selected(key, selector)?;
        ids.retain(|id| self.attempt(key, *id).is_some_and(|attempt| attempt.pause().is_some()));
        self.repair(key, &ids, |attempt, _, cx, home| {
            let delay = jitter.draw(cx);
            attempt.end_pause(cx, home, Unpause { delay, ..unpause });
        });
        Ok(())
    }

    /// Lets the activities begin anew.
    ///
    /// # Errors
    /// The run is closed; there is no such activity.
    pub(in crate::engine) fn reset_activities(
        &mut self,
        key: RunKey,
        selector: &Selector,
        reset: Reset,
        restores_options: bool,
        jitter: Jitter,
    ) -> Result<()> {
        let ids = self.selected(key, selector)?;
        let begins = |attempt: &Attempt| !attempt.is_started() && (!reset.keeps_paused || attempt.pause().is_none());
        if jitter.is_negative && ids.iter().any(|id| self.attempt(key, *id).is_some_and(begins)) {
            return Err(Error::Internal(NEGATIVE_JITTER.to_owned()));
        }
        self.repair(key, &ids, |attempt, original, cx, home| {
            let delay = jitter.draw(cx);
            // The priority is not among what is restored.
            let priority = attempt.activity().priority.clone();
            let original = restores_options.then(|| Arc::new(Activity { priority, ..original.clone() }));
            attempt.reset(cx, home, Reset { delay, ..reset }, original);
        });
        Ok(())
    }

    /// Changes the options of the activities. Gives those of the last one.
    ///
    /// # Errors
    /// The run is closed, unless the options are restored; there is no such activity; what is asked for is malformed.
    pub(in crate::engine) fn change_activity_options(
        &mut self,
        key: RunKey,
        selector: &Selector,
        change: &OptionsChange,
    ) -> Result<ActivityOptions> {
        let run = self.runs.get(key);
        let OptionsChange::Merge { options, fields } = change else { return self.restore_activity_options(key, selector) };
        self.check_running(key)?;
        let Some(options) = options else { return Err(Error::invalid("ActivityOptions are not provided")) };
        let ids = self.selected(key, selector)?;
        let Some(fields) = fields else { return Err(Error::invalid("UpdateMask is not provided")) };
        let mut changed = BTreeMap::new();
        let mut last = ActivityOptions::default();
        for &id in &ids {
            let Some(attempt) = self.attempt(key, id) else { continue };
            let before = attempt.activity();
            let (activity_id, activity_type) = (before.activity_id.as_str(), before.activity_type.as_str());
            let of = Of { activity_id, activity_type, workflow_queue: run.task_queue() };
            let options = activity::merged(before.options(), options, fields, of, &self.limits)?;
            changed.insert(activity_id.to_owned(), Arc::new(before.with_options(&options)));
            last = options;
        }
        self.repair(key, &ids, |attempt, _, cx, home| {
            if let Some(activity) = changed.get(&attempt.activity().activity_id) {
                attempt.change_options(cx, home, Arc::clone(activity));
            }
        });
        Ok(last)
    }

    /// The real server does so for a closed run as well, where it means nothing any more.
    fn restore_activity_options(&mut self, key: RunKey, selector: &Selector) -> Result<ActivityOptions> {
        let run = self.runs.get(key);
        let ids = run.selected_activities(selector);
        let last = ids
            .last()
            .and_then(|id| run.original_activity(*id))
            .map(|original| ActivityOptions { retry_policy: original.retry_policy.clone(), ..original.options() });
        let options = last.ok_or_else(|| Error::not_found(NOT_FOUND))?;
        if run.is_running() {
            self.repair(key, &ids, |attempt, original, cx, home| {
                attempt.change_options(cx, home, Arc::new(original.clone()));
            });
        }
        Ok(options)
    }

    fn selected(&self, key: RunKey, selector: &Selector) -> Result<Vec<i64>> {
        self.check_running(key)?;
        let ids = self.runs.get(key).selected_activities(selector);
        if ids.is_empty() { Err(Error::not_found(NOT_FOUND)) } else { Ok(ids) }
    }

    fn attempt(&self, key: RunKey, scheduled_event_id: i64) -> Option<&Attempt> {
        self.runs.get(key).pending_activity(scheduled_event_id).map(|(_, attempt)| attempt)
    }

    fn repair(&mut self, key: RunKey, ids: &[i64], repair: impl Fn(&mut Attempt, &Activity, &mut Cx<'_>, Home)) {
        self.transact(key, |run, cx| run.repair_activities(cx, ids, repair));
    }
}
