//! A client that is struck: a program of its own that calls the server and can crash, as the API in front of workflows does in
//! production.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use temporalio_client::Client;

use crate::{
    os,
    world::{
        World,
        errands::{ErrandId, Loss, Parcel, Work},
    },
};

/// A process with an official client of its own, which faults strike as they strike a worker. It crashes at its awaits, and before
/// and after each request and reply, and starts again after a while. Its messages are lost, late or doubled, and it is cut off.
/// Made by [`Sim::struck_client`](crate::Sim::struck_client). Cheap to clone; clones are the same process.
#[derive(Clone)]
pub struct StruckClient {
    process: Process,
}

#[derive(Clone)]
enum Process {
    /// The client in this slot of a simulation.
    Simulated(Arc<World>, usize),
    /// A plain client, where nothing is simulated.
    Staged(Client),
}

impl fmt::Debug for StruckClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StruckClient").finish_non_exhaustive()
    }
}

impl StruckClient {
    pub(crate) fn simulated(world: Arc<World>, slot: usize) -> Self {
        Self { process: Process::Simulated(world, slot) }
    }

    pub(crate) fn staged(client: Client) -> Self {
        Self { process: Process::Staged(client) }
    }

    /// Runs this in the client's process, with its client, as if a browser had sent a request there. Several calls run at once. A
    /// call whose caller stops waiting is dropped there at its next await.
    ///
    /// Before the process has started for the first time, a call waits for it. When it is down later, or is shutting down, the call
    /// is refused after a moment, as a connection would be; so wait before you try again. A process that is asked to stop in good
    /// order finishes the calls that it has, and is killed if they take longer than two minutes.
    ///
    /// Where nothing is simulated, it runs in place, with [`Sim::client`](crate::Sim::client).
    ///
    /// # Errors
    /// The process crashed before the call was done, or it was down. If panics are allowed, also that the call panicked. What the
    /// server refuses is part of what the call returns.
    pub async fn call<F, T>(&self, work: impl FnOnce(Client) -> F + Send + 'static) -> Result<T, Crashed>
    where
        F: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        match &self.process {
            Process::Simulated(world, slot) => Call::new(world, *slot, work).await,
            Process::Staged(client) => Ok(work(client.clone()).await),
        }
    }
}

/// A call as its caller sees it.
struct Call<T> {
    world: Arc<World>,
    slot: usize,
    parcel: Parcel,
    /// What the work returned, once it has.
    returned: Arc<Mutex<Option<T>>>,
    id: Option<ErrandId>,
}

impl<T: Send + 'static> Call<T> {
    fn new<F>(world: &Arc<World>, slot: usize, work: impl FnOnce(Client) -> F + Send + 'static) -> Self
    where
        F: Future<Output = T> + 'static,
    {
        let returned = Arc::new(Mutex::new(None));
        let place = returned.clone();
        let work: Work = Box::new(move |client| {
            let working = work(client);
            Box::pin(async move {
                let returned = working.await;
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(returned);
            })
        });
        Self { world: world.clone(), slot, parcel: Parcel::new(work), returned, id: None }
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T, Crashed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let (parcel, waker) = (this.parcel.clone(), context.waker().clone());
        let end = match os::current() {
            None => Poll::Ready(Err(Loss::Down)),
            Some((thread, process)) => this.world.enter(|state| {
                let id = *this.id.get_or_insert_with(|| state.ask(this.slot, parcel, process));
                state.what_became_of(id, (thread, waker))
            }),
        };
        let returned = || this.returned.lock().unwrap_or_else(PoisonError::into_inner).take();
        end.map(|end| match end.and_then(|()| returned().ok_or(Loss::Crash)) {
            Ok(returned) => Ok(returned),
            Err(loss) => Err(Crashed { client: this.world.enter(|state| state.lives.name_of(this.slot)), loss }),
        })
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.world.enter(|state| state.leave(id));
        }
    }
}

/// A call of a [`StruckClient`] came to nothing: its process crashed before the call was done, or was down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crashed {
    client: String,
    loss: Loss,
}

impl Crashed {
    /// Whether the process was down when the call came, so nothing of it was done. Otherwise the call had perhaps begun, and its
    /// caller only knows that the connection broke: what it had done until then is done.
    pub fn is_down(&self) -> bool {
        self.loss == Loss::Down
    }
}

impl fmt::Display for Crashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = &self.client;
        match self.loss {
            Loss::Crash => write!(f, "{client} crashed before the call was done"),
            Loss::Down => write!(f, "{client} is down"),
            Loss::Panic => write!(f, "the call panicked in {client}"),
        }
    }
}

impl Error for Crashed {}
