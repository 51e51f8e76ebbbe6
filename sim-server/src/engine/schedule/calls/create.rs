//! CreateSchedule (`createScheduleWorkflow` in `workflow_handler.go`).

use prost::Message;

use crate::{
    engine::{
        Engine,
        kernel::{
            error::{Error, Result},
            key::{NamespaceId, ScheduleKey},
        },
        rules::{payloads, schedule::check},
        schedule::schedule::Creation,
    },
    proto::workflowservice::{CreateScheduleRequest, CreateScheduleResponse},
};

/// The conflict token of a schedule that has not been changed.
const FIRST_TOKEN: i64 = 1;
/// Where the real server keeps what it lists of a schedule. Clients do not see it.
const RESERVED_MEMO: &str = "ScheduleInfo";

impl Engine {
    /// CreateSchedule.
    pub(in crate::engine) fn create_schedule(&mut self, mut request: CreateScheduleRequest) -> Result<CreateScheduleResponse> {
        let namespace = self.resolve(&request.namespace)?;
        check::ids(&request.schedule_id, &request.request_id, &self.limits)?;
        let mut schedule = request.schedule.take().unwrap_or_default();
        let spec = check::spec(&mut schedule)?;
        let of = self.namespaces.get(namespace);
        check::action(Some(&mut schedule), &self.limits, &of.search_attributes)?;
        check::schedule_id(&request.schedule_id)?;
        check::search_attributes(request.search_attributes.as_ref(), &self.limits, &of.search_attributes)?;
        let patch_size = request.initial_patch.as_ref().map_or(0, Message::encoded_len);
        check::blob(schedule.encoded_len() + patch_size, &self.limits)?;
        check::memo(request.memo.as_ref().map_or(0, Message::encoded_len), &self.limits)?;
        let response = CreateScheduleResponse { conflict_token: FIRST_TOKEN.to_be_bytes().to_vec() };
        if let Some(existing) = self.current_schedule(namespace, &request.schedule_id) {
            if self.schedules.get(existing).is_created_by(&request.request_id) {
                return Ok(response);
            }
            if self.schedules.get(existing).is_open(self.now(namespace)) {
                return Err(already_registered(&request.schedule_id));
            }
        }
        let mut search_attributes = payloads::search_attributes_without_nil(request.search_attributes).unwrap_or_default();
        of.search_attributes.set_types(&mut search_attributes);
        let mut memo = payloads::memo_without_nil(request.memo).unwrap_or_default();
        memo.fields.remove(RESERVED_MEMO);
        let creation = Creation {
            namespace,
            namespace_name: of.name.clone(),
            namespace_uuid: of.uuid.clone(),
            schedule_id: request.schedule_id,
            run_id: self.ids.run_id(self.now(namespace)),
            request_id: request.request_id,
            schedule,
            spec,
            memo: memo.fields,
            search_attributes: search_attributes.indexed_fields,
        };
        let patch = request.initial_patch.unwrap_or_default();
        self.begin_schedule(creation, |schedule, cx| schedule.accept_patch(cx, patch, String::new()));
        Ok(response)
    }

    /// The schedule that has this id now, or had it last.
    pub(super) fn current_schedule(&self, namespace: NamespaceId, schedule_id: &str) -> Option<ScheduleKey> {
        self.schedules.current(namespace, &format!("{}{schedule_id}", check::WORKFLOW_ID_PREFIX))
    }

    /// As [`Self::current_schedule`].
    ///
    /// # Errors
    /// There was never one of this id.
    pub(super) fn find_schedule(&self, namespace: NamespaceId, schedule_id: &str) -> Result<ScheduleKey> {
        check::schedule_id(schedule_id)?;
        self.schedules.find(namespace, &format!("{}{schedule_id}", check::WORKFLOW_ID_PREFIX), "")
    }
}

fn already_registered(schedule_id: &str) -> Error {
    Error::AlreadyStarted {
        message: format!("schedule {schedule_id:?} is already registered"),
        start_request_id: String::new(),
        run_id: String::new(),
        first_execution_run_id: String::new(),
    }
}
