//! The transport of a process's client: a call is a future that the world completes.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use temporalio_client::callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse};
use tonic::Status;

use super::{CallId, Refused};
use crate::{os, world::World};

/// The transport of a process's client. It holds a strong reference to the world: both live as long as the OS process.
pub(crate) fn service(world: Arc<World>) -> CallbackBasedGrpcService {
    CallbackBasedGrpcService {
        callback: Arc::new(move |request| {
            Box::pin(CallFuture { world: world.clone(), stage: Stage::Unsent(Box::new(request)) })
        }),
    }
}

/// A call as its caller sees it.
struct CallFuture {
    world: Arc<World>,
    stage: Stage,
}

enum Stage {
    Unsent(Box<GrpcRequest>),
    Sent(CallId),
    Done,
}

impl Future for CallFuture {
    type Output = Result<GrpcSuccessResponse, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some((thread, process)) = os::current() else {
            return Poll::Ready(Err(Status::failed_precondition(
                "this client belongs to a simulation, and was used outside of it",
            )));
        };
        let world = self.world.clone();
        world.enter(|state| {
            if let Stage::Unsent(request) = &self.stage {
                match state.send(process, request) {
                    Ok(id) => self.stage = Stage::Sent(id),
                    Err(status) => {
                        self.stage = Stage::Done;
                        return Poll::Ready(Err(status));
                    }
                }
            }
            let Stage::Sent(id) = self.stage else { return Poll::Pending };
            match state.wire.take_answer(id, (thread, context.waker().clone())) {
                None => Poll::Pending,
                Some(answer) => {
                    self.stage = Stage::Done;
                    let answer = answer.map_err(Refused::into_status);
                    Poll::Ready(answer.map(|proto| GrpcSuccessResponse { headers: Default::default(), proto: proto.into() }))
                }
            }
        })
    }
}

impl Drop for CallFuture {
    fn drop(&mut self) {
        if let Stage::Sent(id) = self.stage {
            self.world.enter(|state| state.give_up(id));
        }
    }
}
