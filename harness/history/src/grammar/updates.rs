//! Updates: accepted once, and then completed once at most.

use std::collections::BTreeMap;

use foretime_server::proto::history::history_event::Attributes;

use super::{Findings, Step};

/// The accepted updates of a run.
#[derive(Debug, Default)]
pub(super) struct Updates<'a> {
    /// Those that a reset has admitted again, by update id: the event that did.
    admitted: BTreeMap<&'a str, i64>,
    /// By accepted event.
    accepted: BTreeMap<i64, Update<'a>>,
    /// The accepted event of each update id.
    ids: BTreeMap<&'a str, i64>,
}

#[derive(Debug)]
struct Update<'a> {
    update_id: &'a str,
    completed_by: Option<i64>,
}

impl<'a> Updates<'a> {
    pub(super) fn take(&mut self, step: &Step<'a>, findings: &mut Findings) {
        match step.attributes {
            Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(it) => {
                let meta = it.request.as_ref().and_then(|request| request.meta.as_ref());
                let update_id = meta.map_or("", |meta| &meta.update_id);
                if let Some(first) = self.admitted.insert(update_id, step.id).or(self.ids.get(update_id).copied()) {
                    findings.say("update-order", format!("event {first} admitted or accepted the update {update_id:?} before"));
                }
            }
            Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(it) => {
                let update_id = &it.protocol_instance_id;
                if let (Some(admitted), Some(_)) = (self.admitted.get(update_id.as_str()), &it.accepted_request) {
                    findings.say("update-order", format!("event {admitted} has its request already"));
                }
                if let Some(first) = self.ids.insert(update_id, step.id) {
                    findings.say("update-order", format!("event {first} accepted the update {update_id:?} before"));
                }
                self.accepted.insert(step.id, Update { update_id, completed_by: None });
            }
            Attributes::WorkflowExecutionUpdateCompletedEventAttributes(it) => {
                let update_id = it.meta.as_ref().map_or("", |meta| &meta.update_id);
                self.complete(step, it.accepted_event_id, update_id, findings);
            }
            _ => {}
        }
    }

    fn complete(&mut self, step: &Step<'_>, accepted_event_id: i64, update_id: &str, findings: &mut Findings) {
        let Some(update) = self.accepted.get_mut(&accepted_event_id) else {
            return findings.say("update-order", format!("event {accepted_event_id} accepted no update"));
        };
        if update.update_id != update_id {
            let own = update.update_id;
            findings.say("update-order", format!("the update of event {accepted_event_id} is {own:?}, not {update_id:?}"));
        }
        if let Some(before) = update.completed_by.replace(step.id) {
            findings.say("update-order", format!("event {before} completed its update before"));
        }
    }
}
