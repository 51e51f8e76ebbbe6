//! The lock on time, as clients use it.

use foretime_server::proto::testservice::{LockTimeSkippingRequest, UnlockTimeSkippingRequest};

use crate::wire::{channel::Channel, retry};

/// A turn of the lock on time, which is undone with its connection.
pub(super) struct Turned {
    connection: Option<u64>,
    is_locked: bool,
}

impl Turned {
    /// Locks time. `None`: it could not be done.
    pub(super) async fn lock(channel: &Channel) -> Option<Self> {
        Self::turn(channel, true).await
    }

    /// Unlocks it. `None`: it could not be done.
    pub(super) async fn unlock(channel: &Channel) -> Option<Self> {
        Self::turn(channel, false).await
    }

    async fn turn(channel: &Channel, is_locked: bool) -> Option<Self> {
        let turned = if is_locked {
            retry::once_of_test(channel, "LockTimeSkipping", &LockTimeSkippingRequest {}).await
        } else {
            retry::once_of_test(channel, "UnlockTimeSkipping", &UnlockTimeSkippingRequest {}).await
        };
        if turned.is_err() {
            // It may have had its effect all the same, and ends with the connection.
            channel.reset();
            return None;
        }
        Some(Self { connection: channel.connection_number(), is_locked })
    }

    /// Whether it still has its effect.
    pub(super) fn holds(&self, channel: &Channel) -> bool {
        self.connection.is_some() && self.connection == channel.connection_number()
    }

    /// Turns it back, unless that has been done with its connection.
    pub(super) async fn back(self, channel: &Channel) {
        if self.holds(channel) {
            Self::turn(channel, !self.is_locked).await;
        }
    }
}
