//! The clients' locks on time. Each connection has a balance of its own, locks less unlocks, so that no client's unlock takes
//! another's lock away, and what a client leaves behind lapses with its connection.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    config::Graces,
    engine::kernel::{
        error::{Error, Result},
        key::{Connection, RunKey},
        time::Time,
        timers::Timers,
    },
};

/// The balance of a connection that closed goes this much later (wall), unless the same client is back.
const RETURN_GRACE: Duration = Duration::from_secs(1);

/// Who gets what it awaited, and has unlocked time for that, locks it again within this (wall).
const RELOCK_GRACE: Duration = Duration::from_secs(1);
/// Who has not done so this often has unlocked time for good.
const MISSED_RELOCKS_MAX: u32 = 2;

/// What a connection has locked and unlocked.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    /// Locks less unlocks.
    pub(crate) locks: i64,
    /// The header `client-name`.
    pub(crate) client_name: String,
    /// Whether the connection has closed.
    is_closed: bool,
    /// The runs whose end was awaited on it when it closed.
    awaited: BTreeSet<RunKey>,
    /// How many locks are due of a client that has got what it awaited.
    relock_count: usize,
    /// Until when (wall) they are waited for.
    relock_until: Time,
    /// How often it did not lock again, as the SDKs' test environments do.
    missed_relock_count: u32,
}

/// The locks of all clients.
#[derive(Debug)]
pub(crate) struct Locks {
    of: BTreeMap<Connection, Balance>,
    /// The identity that requests on a connection named last.
    identities: BTreeMap<Connection, String>,
    /// The connections of clients that have begun with them. Another client of the same process has the same identity.
    begun: BTreeSet<Connection>,
    /// Of the connections that have locked more often than unlocked: by how much.
    count: i64,
    /// How many connections have unlocked more often than locked.
    unlocking_count: usize,
    lapses: Timers<Connection>,
    /// How many connections have locks due.
    relocking_count: usize,
    relocks: Timers<Connection>,
    /// How many balances are of connections that have closed.
    closed_count: usize,
    graces: Option<Graces>,
}

impl Locks {
    pub(crate) fn new(graces: Option<Graces>) -> Self {
        Self {
            of: BTreeMap::new(),
            identities: BTreeMap::new(),
            begun: BTreeSet::new(),
            count: 0,
            unlocking_count: 0,
            lapses: Timers::default(),
            relocking_count: 0,
            relocks: Timers::default(),
            closed_count: 0,
            graces,
        }
    }

    /// How many locks the clients hold.
    pub(crate) fn count(&self) -> i64 {
        self.count
    }

    /// How many locks the connections that are open have taken and not given back, and how many unlocks.
    pub(crate) fn open_counts(&self) -> (i64, i64) {
        let open = || self.of.values().filter(|balance| !balance.is_closed).map(|balance| balance.locks);
        (open().map(|locks| locks.max(0)).sum(), open().map(|locks| (-locks).max(0)).sum())
    }

    /// Whether some client has taken the lock of the start away.
    pub(crate) fn is_unlocked(&self) -> bool {
        self.unlocking_count > 0
    }

    /// The balances that are not even.
    pub(crate) fn balances(&self) -> impl Iterator<Item = (Connection, &Balance)> {
        self.of.iter().map(|(connection, balance)| (*connection, balance))
    }

    /// The identity that requests on a connection named last.
    pub(crate) fn identity(&self, connection: Connection) -> &str {
        self.identities.get(&connection).map_or("", String::as_str)
    }

    /// Whether a client has just got what it awaited, and is about to lock time again.
    pub(crate) fn expects_relock(&self) -> bool {
        self.relocking_count > 0
    }

    /// A client gets what it awaited. If it has unlocked time for that, it is to find it as it is now.
    pub(crate) fn expect_relock(&mut self, connection: Connection, wall: Time) {
        let balance = self
            .of
            .get_mut(&connection)
            .filter(|balance| balance.locks < 0 && balance.missed_relock_count < MISSED_RELOCKS_MAX);
        let Some(balance) = balance.filter(|_| self.graces.is_some()) else { return };
        self.relocking_count += usize::from(balance.relock_count == 0);
        balance.relock_count += 1;
        balance.relock_until = wall + RELOCK_GRACE;
        self.relocks.add(wall + RELOCK_GRACE, connection);
    }

    fn end_relocks(&mut self, connection: Connection, count: usize) {
        let Some(balance) = self.of.get_mut(&connection).filter(|balance| balance.relock_count > 0) else { return };
        balance.relock_count -= count.min(balance.relock_count);
        self.relocking_count -= usize::from(balance.relock_count == 0);
    }

    /// A client locks.
    pub(crate) fn lock(&mut self, connection: Connection, client_name: &str, wall: Time) {
        if let Some(balance) = self.of.get_mut(&connection).filter(|balance| balance.relock_count > 1) {
            // It is at it: the others come, too.
            balance.relock_until = wall + RELOCK_GRACE;
            self.relocks.add(wall + RELOCK_GRACE, connection);
        }
        self.end_relocks(connection, 1);
        self.shift(connection, 1, client_name);
    }

    /// A client unlocks. `may_be_surplus`: whether it may although it finds no lock.
    ///
    /// # Errors
    /// It finds none, and may not.
    pub(crate) fn unlock(&mut self, connection: Connection, client_name: &str, may_be_surplus: bool) -> Result<()> {
        let has_one = self.of.get(&connection).is_some_and(|balance| balance.locks > 0);
        if !has_one && !may_be_surplus {
            let text = "Unbalanced lock and unlock calls: time skipping is not locked.";
            return Err(Error::FailedPrecondition(text.to_owned()));
        }
        self.shift(connection, -1, client_name);
        Ok(())
    }

    fn shift(&mut self, connection: Connection, change: i64, client_name: &str) {
        let balance = self.of.entry(connection).or_default();
        let before = balance.locks;
        balance.locks += change;
        client_name.clone_into(&mut balance.client_name);
        let after = balance.locks;
        if after == 0 && !balance.is_closed {
            self.end_relocks(connection, usize::MAX);
            self.of.remove(&connection);
        }
        self.count += after.max(0) - before.max(0);
        self.unlocking_count = self.unlocking_count + usize::from(after < 0) - usize::from(before < 0);
    }

    /// A client begins on this connection: it asks what the server can do, which one that has lost its connection knows.
    pub(crate) fn begin(&mut self, connection: Connection) {
        self.begun.insert(connection);
    }

    /// A request on this connection names this identity. If a client of that identity has lost its connection just now, it is back.
    pub(crate) fn hear(&mut self, connection: Connection, identity: &str) {
        if identity.is_empty() || self.identity(connection) == identity {
            return;
        }
        self.identities.insert(connection, identity.to_owned());
        if self.closed_count > 0 && !self.begun.contains(&connection) {
            let lost = self.closed().find(|(of, _)| self.identity(*of) == identity).map(|(of, _)| of);
            self.adopt(connection, lost);
        }
    }

    /// The end of a run is awaited on this connection. If that was awaited on one that was lost just now, the client is back.
    pub(crate) fn hear_await(&mut self, connection: Connection, run: RunKey) {
        if self.closed_count > 0 && !self.begun.contains(&connection) {
            let lost = self.closed().find(|(_, balance)| balance.awaited.contains(&run)).map(|(of, _)| of);
            self.adopt(connection, lost);
        }
    }

    fn closed(&self) -> impl Iterator<Item = (Connection, &Balance)> {
        self.balances().filter(|(_, balance)| balance.is_closed)
    }

    fn adopt(&mut self, connection: Connection, lost: Option<Connection>) {
        let Some((lost, balance)) = lost.and_then(|lost| Some((lost, self.of.get(&lost)?))) else { return };
        let (locks, client_name) = (balance.locks, balance.client_name.clone());
        self.forget(lost);
        self.shift(connection, locks, &client_name);
    }

    /// A connection has closed, on which the ends of these runs were awaited.
    pub(crate) fn closed_connection(&mut self, connection: Connection, awaited: BTreeSet<RunKey>, wall: Time) {
        match self.of.get_mut(&connection) {
            Some(balance) if self.graces.is_some() => {
                balance.is_closed = true;
                balance.awaited = awaited;
                self.closed_count += 1;
                self.lapses.add(wall + RETURN_GRACE, connection);
            }
            _ => self.forget(connection),
        }
    }

    fn forget(&mut self, connection: Connection) {
        self.identities.remove(&connection);
        self.begun.remove(&connection);
        self.end_relocks(connection, usize::MAX);
        let Some(locks) = self.of.get(&connection).map(|balance| balance.locks) else { return };
        self.shift(connection, -locks, "");
        self.closed_count -= self.of.remove(&connection).map_or(0, |balance| usize::from(balance.is_closed));
    }

    /// The wall reached `wall`: what closed connections have left lapses. Gives each balance that was not even.
    pub(crate) fn tick(&mut self, wall: Time) -> Vec<i64> {
        while let Some((_, connection)) = self.relocks.pop_due(wall) {
            let due = self.of.get_mut(&connection).filter(|balance| balance.relock_count > 0 && balance.relock_until <= wall);
            if let Some(balance) = due {
                balance.missed_relock_count += 1;
                self.end_relocks(connection, usize::MAX);
            }
        }
        let mut lapsed = Vec::new();
        while let Some((_, connection)) = self.lapses.pop_due(wall) {
            lapsed.extend(self.of.get(&connection).map(|balance| balance.locks).filter(|locks| *locks != 0));
            self.forget(connection);
        }
        lapsed
    }

    /// When (wall) [`Self::tick`] has something to do.
    pub(crate) fn next_tick(&self) -> Option<Time> {
        let relocks = self.relocks.next().filter(|_| self.relocking_count > 0);
        [self.lapses.next(), relocks].into_iter().flatten().min()
    }
}
