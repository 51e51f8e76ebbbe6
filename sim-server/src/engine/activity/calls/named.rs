//! An activity of a workflow, as requests name it by its id.

/// What requests have that name an activity by its id.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) namespace: &'a str,
    pub(super) workflow_id: &'a str,
    pub(super) run_id: &'a str,
    pub(super) activity_id: &'a str,
}

macro_rules! named {
    ($request:ident) => {
        $crate::engine::activity::calls::named::Named {
            namespace: &$request.namespace,
            workflow_id: &$request.workflow_id,
            run_id: &$request.run_id,
            activity_id: &$request.activity_id,
        }
    };
}

pub(super) use named;
