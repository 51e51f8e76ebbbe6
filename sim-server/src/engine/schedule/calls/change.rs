//! UpdateSchedule, PatchSchedule and DeleteSchedule (`workflow_handler.go`).

use std::collections::BTreeMap;

use prost::Message;

use crate::{
    engine::{
        Engine,
        kernel::{
            error::{Error, Result},
            key::{NamespaceId, ScheduleKey},
        },
        rules::{
            json, payloads,
            schedule::check,
            search_attributes::{self, Registry, written},
        },
        schedule::change::{Given, Update},
        workflow::calls::target::COMPLETED,
    },
    proto::{
        common::Payload,
        workflowservice::{
            DeleteScheduleRequest, DeleteScheduleResponse, PatchScheduleRequest, PatchScheduleResponse, UpdateScheduleRequest,
            UpdateScheduleResponse,
        },
    },
};

impl Engine {
    /// UpdateSchedule. An update with a conflict token of another state is dropped, and that is no error.
    pub(in crate::engine) fn update_schedule(&mut self, mut request: UpdateScheduleRequest) -> Result<UpdateScheduleResponse> {
        let namespace = self.resolve(&request.namespace)?;
        check::request_id(&request.request_id, &self.limits)?;
        let registry = &self.namespaces.get(namespace).search_attributes;
        check::action(request.schedule.as_mut(), &self.limits, registry)?;
        let mut set = request.schedule.take().unwrap_or_default();
        let spec = check::spec(&mut set)?;
        check::search_attributes(request.search_attributes.as_ref(), &self.limits, registry)?;
        check::update_size(&set, request.memo.as_ref(), &self.limits)?;
        check::schedule_id(&request.schedule_id)?;
        if request.memo.is_some() {
            return Err(Error::FailedPrecondition("memo updates are not supported on workflow-backed schedules".to_owned()));
        }
        let search_attributes_size = request.search_attributes.as_ref().map_or(0, Message::encoded_len);
        check::blob(set.encoded_len() + search_attributes_size, &self.limits)?;
        let search_attributes = request.search_attributes.map(|given| given_ones(given.indexed_fields, registry));
        let key = self.find_open_schedule(namespace, &request.schedule_id)?;
        let conflict_token = request.conflict_token.first_chunk().map_or(0, |token| i64::from_be_bytes(*token));
        let update = Update { set, spec, conflict_token, search_attributes };
        self.transact_schedule(key, |schedule, cx| schedule.accept_update(cx, update, request.request_id));
        Ok(UpdateScheduleResponse::default())
    }

    /// PatchSchedule.
    pub(in crate::engine) fn patch_schedule(&mut self, request: PatchScheduleRequest) -> Result<PatchScheduleResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let Some(mut patch) = request.patch else { return Err(Error::invalid("Patch is not set on request.")) };
        check::request_id(&request.request_id, &self.limits)?;
        check::notes(&patch)?;
        if let Some(trigger) = &mut patch.trigger_immediately {
            trigger.scheduled_time.get_or_insert(self.now(namespace).to_proto());
        }
        check::blob(patch.encoded_len(), &self.limits)?;
        let key = self.find_open_schedule(namespace, &request.schedule_id)?;
        self.transact_schedule(key, |schedule, cx| schedule.accept_patch(cx, patch, request.request_id));
        Ok(PatchScheduleResponse::default())
    }

    /// DeleteSchedule. What the schedule has started goes on.
    pub(in crate::engine) fn delete_schedule(&mut self, request: DeleteScheduleRequest) -> Result<DeleteScheduleResponse> {
        let namespace = self.resolve(&request.namespace)?;
        let key = self.find_open_schedule(namespace, &request.schedule_id)?;
        self.delete_schedule_now(key);
        Ok(DeleteScheduleResponse::default())
    }

    /// Deletes an open schedule. What is left of it goes when closed workflows do.
    pub(in crate::engine) fn delete_schedule_now(&mut self, key: ScheduleKey) {
        if let Some(watched) = self.transact_schedule(key, |schedule, _| schedule.watched.take()) {
            self.schedule_watches.take(&watched);
        }
        self.transact_schedule(key, |schedule, cx| schedule.delete(cx));
        let retention = self.namespaces.get(self.schedules.get(key).namespace()).retention;
        let wall = self.wall();
        self.schedule_retention.closed(&mut self.schedules, key, retention, wall);
    }

    fn find_open_schedule(&self, namespace: NamespaceId, schedule_id: &str) -> Result<ScheduleKey> {
        let key = self.find_schedule(namespace, schedule_id)?;
        if self.schedules.get(key).is_open(self.now(namespace)) { Ok(key) } else { Err(Error::not_found(COMPLETED)) }
    }
}

/// The real server's scheduler reads the values, and writes them anew.
fn given_ones(given: BTreeMap<String, Payload>, registry: &Registry) -> BTreeMap<String, Given> {
    let read = |(name, payload): (String, Payload)| {
        let value_type = registry.type_of(&name).unwrap_or_default();
        let value = search_attributes::json(&payload, crate::proto::enums::IndexedValueType::Unspecified)
            .map(|value| json::text(&value));
        let kept = value.map(|value| written::payload(value_type, value)).filter(|payload| !payloads::is_nil(payload));
        (name, Given { data: payload.data, kept })
    };
    given.into_iter().map(read).collect()
}
