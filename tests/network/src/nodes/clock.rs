//! A look at the server's virtual clock while time is locked.

use bytes::Bytes;
use foretime_server::{engine::time::Time, proto::testservice::GetCurrentTimeResponse, rpc::table::TEST_SERVICE};
use prost::Message;

use crate::{
    record::locked::LockedSpan,
    wire::{channel::Channel, retry::ATTEMPT_TIMEOUT},
};

/// What the first look showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    connection: u64,
    shown_ns: i64,
    sent_ns: u64,
}

impl Look {
    /// Looks once. `None`: there was no answer, or the connection on which time was locked is no more.
    pub(super) async fn first(channel: &Channel) -> Option<Self> {
        let connection = channel.connection_number()?;
        let sent_ns = channel.world().lock().now_ns();
        Some(Self { connection, shown_ns: shown_ns(channel, connection).await?, sent_ns })
    }

    /// Looks again, and notes both looks. Nothing is noted if there was no answer on the same connection.
    pub(super) async fn again(self, channel: &Channel, client: &str) {
        let Some(last_ns) = shown_ns(channel, self.connection).await else { return };
        let mut world = channel.world().lock();
        let reached_ns = world.now_ns();
        world.record.locked.push(LockedSpan {
            client: client.to_owned(),
            process: channel.process(),
            first_ns: self.shown_ns,
            last_ns,
            sent_ns: self.sent_ns,
            reached_ns,
        });
    }
}

/// What the server's clock shows; nanoseconds. `None`: there was no answer on this connection.
async fn shown_ns(channel: &Channel, connection: u64) -> Option<i64> {
    let is_same = || channel.connection_number() == Some(connection);
    if !is_same() {
        return None;
    }
    // The SDKs do not try again here.
    let answer = channel.call(TEST_SERVICE, "GetCurrentTime", Bytes::new(), ATTEMPT_TIMEOUT).await.ok()?;
    let shown = GetCurrentTimeResponse::decode(answer.as_ref()).ok()?.time?;
    is_same().then(|| Time::from_proto(&shown).as_nanos())
}
