//! Compares what replayed code asks for with what is recorded ([`foretime_history::asked`]). The official replayer only
//! compares types and ids.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use foretime_history::asked::{Asked, Request};
use foretime_server::proto::common::Payload;
use temporalio_common::protos::{
    coresdk::{
        workflow_commands::{signal_external_workflow_execution::Target, update_response::Response, workflow_command::Variant},
        workflow_completion::{WorkflowActivationCompletion, workflow_activation_completion::Status},
    },
    temporal::api::common::v1::Payload as SdkPayload,
};
use temporalio_sdk::interceptors::WorkerInterceptor;

/// The message of the error when a local activity times out: as it happens, and when the core (0.10.1) reads it in a history.
const LOCAL_ACTIVITY_TIMED_OUT: &str = "Local Activity timed out";
const ACTIVITY_TIMED_OUT: &str = "Activity timed out";

/// What the code of some runs asked for, by run id.
pub(super) type AskedByRun = Arc<BTreeMap<String, Asked>>;

/// The first request of a replay that differs from the recorded one. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Commands {
    asked: AskedByRun,
    replayed: Arc<Replayed>,
    difference: Arc<Mutex<Option<Difference>>>,
}

/// The runs that are replayed, by the run id that the replayer knows them by: of a reset, that of the run that it is a reset of.
pub(super) type Replayed = BTreeMap<String, String>;

/// A request of a replay that differs from the recorded one.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub(super) run_id: String,
    /// A sentence: which request, and both versions of it.
    pub(super) text: String,
    /// Whether it is only that the SDK gives replayed code another error of a local activity that timed out.
    pub(super) is_of_sdk: bool,
}

impl Commands {
    /// Compares with the requests of these runs, which are replayed.
    pub(super) fn against(asked: AskedByRun, replayed: Replayed) -> Self {
        Self { asked, replayed: Arc::new(replayed), ..Self::default() }
    }

    /// The first difference.
    pub(super) fn difference(&self) -> Option<Difference> {
        self.difference.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn look_at(&self, completion: &WorkflowActivationCompletion) {
        let Some(Status::Successful(success)) = &completion.status else { return };
        let Some(run_id) = self.replayed.get(&completion.run_id) else { return };
        let Some(asked) = self.asked.get(run_id) else { return };
        let requests = success.commands.iter().filter_map(|command| request(command.variant.as_ref()?));
        let Some((text, request)) = requests.filter_map(|it| Some((asked.difference(&it)?, it))).next() else { return };
        let is_of_sdk = asked.differs_only_by(&request, LOCAL_ACTIVITY_TIMED_OUT, ACTIVITY_TIMED_OUT);
        let mut difference = self.difference.lock().unwrap_or_else(PoisonError::into_inner);
        difference.get_or_insert(Difference { run_id: run_id.clone(), text, is_of_sdk });
    }
}

impl WorkerInterceptor for Commands {
    fn on_workflow_activation_completion<'a, 'b, 'c>(
        &'a self,
        completion: &'b WorkflowActivationCompletion,
    ) -> Pin<Box<dyn Future<Output = ()> + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.look_at(completion);
        Box::pin(std::future::ready(()))
    }
}

/// What a command of the core asks for, if that kind is compared.
fn request(command: &Variant) -> Option<Request> {
    Some(match command {
        Variant::ScheduleActivity(it) => {
            Request::activity(it.activity_id.clone(), it.activity_type.clone(), payloads(&it.arguments))
        }
        Variant::StartTimer(it) => Request::timer(it.seq.to_string(), it.start_to_fire_timeout?.try_into().ok()?),
        Variant::StartChildWorkflowExecution(it) => {
            Request::child(it.workflow_id.clone(), it.workflow_type.clone(), payloads(&it.input))
        }
        Variant::SignalExternalWorkflowExecution(it) => {
            let workflow_id = match it.target.as_ref()? {
                Target::WorkflowExecution(execution) => execution.workflow_id.clone(),
                Target::ChildWorkflowId(workflow_id) => workflow_id.clone(),
            };
            Request::signal(workflow_id, it.signal_name.clone(), payloads(&it.args))
        }
        Variant::UpdateResponse(it) => match it.response.as_ref()? {
            Response::Completed(answer) => {
                Request::update_answer(it.protocol_instance_id.clone(), payloads(std::slice::from_ref(answer)))
            }
            Response::Accepted(()) | Response::Rejected(_) => return None,
        },
        Variant::CompleteWorkflowExecution(it) => Request::complete(payloads(it.result.as_slice())),
        Variant::ContinueAsNewWorkflowExecution(it) => Request::continue_as_new(payloads(&it.arguments)),
        _ => return None,
    })
}

/// Converts the SDK's payloads to ours. The metadata of theirs have no order.
fn payloads(payloads: &[SdkPayload]) -> Vec<Payload> {
    let ours = |it: &SdkPayload| Payload {
        metadata: it.metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        data: it.data.clone(),
        ..Payload::default()
    };
    payloads.iter().map(ours).collect()
}
