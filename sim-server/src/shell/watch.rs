//! Who looks at a service at work from inside, such as to keep its histories.

use std::{sync::Weak, time::Duration};

use super::host::Inner;
use crate::engine::View;

/// How long between two looks at everything.
const ROUND: Duration = Duration::from_secs(1);

/// Looks at a service. The service does nothing meanwhile, and no answer goes out: what is done here is done before a client hears of
/// what has happened. What is returned is a warning for the log.
pub trait Watcher: Send {
    /// After each call, and after whatever has fallen due.
    fn look(&mut self, view: View<'_>) -> Option<String>;

    /// Once a second, and at the end.
    fn look_around(&mut self, view: View<'_>) -> Option<String>;
}

/// Looks around for as long as the host is there.
pub(super) async fn look_around(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(ROUND).await;
        let Some(inner) = inner.upgrade() else { return };
        inner.look_around();
    }
}
