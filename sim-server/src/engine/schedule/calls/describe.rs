//! DescribeSchedule and ListScheduleMatchingTimes (`workflow_handler.go`).

use std::collections::BTreeMap;

use crate::{
    engine::{
        Engine,
        kernel::{
            effects::{Effect, Wake},
            error::{Error, Result},
            time::Time,
        },
        rules::{
            schedule::{canonical, check},
            search_attributes::Registry,
        },
        schedule::Schedule,
    },
    proto::{
        common::{Memo, Payload, SearchAttributes},
        failure::{ApplicationFailureInfo, Failure, failure::FailureInfo},
        workflowservice::{
            DescribeScheduleRequest, DescribeScheduleResponse, ListScheduleMatchingTimesRequest,
            ListScheduleMatchingTimesResponse,
        },
    },
};

/// Search attributes that a schedule has as a workflow of the real server.
const HIDDEN: [&str; 4] = ["TemporalSchedulePaused", "TemporalNamespaceDivision", "BuildIds", "BinaryChecksums"];

impl Engine {
    /// DescribeSchedule. Who sees that workflows have closed that the schedule takes to be running makes it look itself.
    pub(in crate::engine) fn describe_schedule(
        &mut self,
        request: DescribeScheduleRequest,
    ) -> Result<DescribeScheduleResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let key = self.find_schedule(namespace, &request.schedule_id)?;
        let schedule = self.schedules.get(key);
        if !schedule.is_open(self.now(namespace)) {
            return Err(Error::not_found("schedule not found"));
        }
        let mut set = schedule.set.clone();
        if let Some(spec) = &mut set.spec {
            canonical::complete(spec);
        }
        let registry = &self.namespaces.get(namespace).search_attributes;
        if let Some(search_attributes) = check::started_mut(&mut set).and_then(|workflow| workflow.search_attributes.as_mut()) {
            registry.set_types(search_attributes);
        }
        let mut info = schedule.described();
        let running_count = info.running_workflows.len();
        info.running_workflows.retain(|started| self.is_action_running(namespace, started));
        let response = DescribeScheduleResponse {
            schedule: Some(set),
            memo: shown_memo(schedule),
            search_attributes: shown_search_attributes(schedule, registry),
            conflict_token: schedule.conflict_token.to_be_bytes().to_vec(),
            info: None,
        };
        if info.running_workflows.len() < running_count {
            self.effects.leave(Effect::Schedule { schedule: key, wake: Wake::Refresh });
        }
        Ok(DescribeScheduleResponse { info: Some(info), ..response })
    }

    /// ListScheduleMatchingTimes. A schedule that was deleted still answers.
    pub(in crate::engine) fn list_schedule_matching_times(
        &mut self,
        request: ListScheduleMatchingTimesRequest,
    ) -> Result<ListScheduleMatchingTimesResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let schedule = self.schedules.get(self.find_schedule(namespace, &request.schedule_id)?);
        let (Some(start), Some(end)) = (&request.start_time, &request.end_time) else {
            return Err(invalid_query());
        };
        let matching = schedule.matching(Time::from_proto(start), Time::from_proto(end)).map_err(|_| {
            Error::invalid("the schedule calendar specification has too many exclusions. Please modify the specification.")
        })?;
        Ok(ListScheduleMatchingTimesResponse { start_time: matching })
    }
}

/// The scheduler workflow of the real server does not answer this query.
fn invalid_query() -> Error {
    let message = "missing or invalid query".to_owned();
    let failure = Failure {
        message: message.clone(),
        source: "GoSDK".to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo::default())),
        ..Failure::default()
    };
    Error::QueryFailed { message, failure: Some(Box::new(failure)) }
}

/// The memo that a client gave it.
pub(in crate::engine) fn shown_memo(schedule: &Schedule) -> Option<Memo> {
    (!schedule.memo.is_empty()).then(|| Memo { fields: schedule.memo.clone() })
}

/// The search attributes that a client gave it, as far as the namespace still has them.
fn shown_search_attributes(schedule: &Schedule, registry: &Registry) -> Option<SearchAttributes> {
    let mut all = schedule.search_attributes.clone();
    all.retain(|name, _| registry.type_of(name).is_some());
    without_hidden(all)
}

/// Search attributes of a schedule, without those that it has as a workflow of the real server.
pub(in crate::engine) fn without_hidden(mut all: BTreeMap<String, Payload>) -> Option<SearchAttributes> {
    all.retain(|name, _| !HIDDEN.contains(&name.as_str()));
    (!all.is_empty()).then_some(SearchAttributes { indexed_fields: all })
}
