//! Namespaces: registered by configuration, by RPC, or (as the test server does) on first use.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::columns::Columns;
use crate::{
    engine::{
        kernel::{
            error::{Error, Result},
            ids::Ids,
            key::NamespaceId,
            time::Time,
        },
        rules::search_attributes::Registry,
    },
    proto::{enums::NamespaceState, namespace::BadBinaryInfo},
};

/// Closed workflows are promised to stay for a day at least; here they stay for the life of the server.
const DEFAULT_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// The name of the namespace of the real server's own workflows (`common/primitives/namespace.go`).
pub(crate) const SYSTEM_NAMESPACE: &str = "temporal-system";
const SYSTEM_NAMESPACE_UUID: &str = "32049b68-7872-4094-8e63-d0dd59896a83";
const SYSTEM_RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// One namespace.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) uuid: String,
    pub(crate) description: String,
    pub(crate) owner_email: String,
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) retention: Duration,
    pub(crate) state: NamespaceState,
    /// It was there from the start.
    pub(crate) is_configured: bool,
    /// By checksum. Nothing reads them: bad binaries are of an old kind of versioning.
    pub(crate) bad_binaries: BTreeMap<String, BadBinaryInfo>,
    pub(crate) search_attributes: Registry,
    /// The columns that the SQL store would keep the search attributes in.
    pub(crate) columns: Columns,
    /// It was deleted so long ago that it is no more. Its number is never given out again.
    is_gone: bool,
}

/// How long (wall) a deleted namespace is still seen: about as long as the real server takes to delete what is in it.
const DELETED_IS_SEEN: Duration = Duration::from_secs(4);

/// Where new workflows can be started.
const STARTS: &[NamespaceState] = &[NamespaceState::Registered];
/// Where anything else can be done (`common/rpc/interceptor/namespace_validator.go`).
const USES: &[NamespaceState] = &[NamespaceState::Registered, NamespaceState::Deprecated];

/// All namespaces of a server.
#[derive(Debug)]
pub(crate) struct Namespaces {
    all: Vec<Namespace>,
    names: BTreeMap<String, NamespaceId>,
    /// The test server accepts any name.
    register_on_first_use: bool,
    /// Custom search attributes that every configured namespace has from the start, and on the test server every other: name to
    /// `IndexedValueType`.
    search_attributes: BTreeMap<String, i32>,
    /// Those that were deleted, and when (wall) they are to be gone.
    leaving: VecDeque<(Time, NamespaceId)>,
}

/// A change of the search attributes of one namespace.
type Change<'a> = &'a dyn Fn(&mut Registry) -> Result<()>;

impl Namespaces {
    pub(crate) fn new(register_on_first_use: bool, search_attributes: BTreeMap<String, i32>) -> Self {
        Self { all: Vec::new(), names: BTreeMap::new(), register_on_first_use, search_attributes, leaving: VecDeque::new() }
    }

    /// Registers a namespace of the configuration, with the search attributes that it gives to each.
    pub(crate) fn register_configured(&mut self, name: &str, ids: &mut Ids) -> Result<()> {
        let common = self.search_attributes.clone();
        let namespace = self.register(name, ids)?;
        namespace.is_configured = true;
        if namespace.search_attributes.custom().is_empty() && !common.is_empty() {
            namespace.search_attributes.add(&common)?;
        }
        Ok(())
    }

    /// Registers a namespace. On the test server, it has the search attributes that all have.
    pub(crate) fn register(&mut self, name: &str, ids: &mut Ids) -> Result<&mut Namespace> {
        if self.names.contains_key(name) {
            return Err(Error::NamespaceAlreadyExists(name.to_owned()));
        }
        let id = NamespaceId(self.all.len() as u32);
        let mut search_attributes = Registry::new(name);
        if self.register_on_first_use && !self.search_attributes.is_empty() {
            search_attributes.add(&self.search_attributes)?;
        }
        self.all.push(Namespace {
            name: name.to_owned(),
            uuid: ids.uuid(),
            description: String::new(),
            owner_email: String::new(),
            data: BTreeMap::new(),
            retention: DEFAULT_RETENTION,
            state: NamespaceState::Registered,
            is_configured: false,
            bad_binaries: BTreeMap::new(),
            search_attributes,
            columns: Columns::default(),
            is_gone: false,
        });
        self.names.insert(name.to_owned(), id);
        Ok(&mut self.all[id.0 as usize])
    }

    /// The named namespace, registered now if it is not yet.
    pub(crate) fn resolve_or_register(&mut self, name: &str, ids: &mut Ids) -> Result<NamespaceId> {
        if let Some(&id) = self.names.get(name) {
            return Ok(id);
        }
        self.register(name, ids)?;
        Ok(self.names[name])
    }

    /// The namespace that a request names.
    pub(crate) fn resolve(&mut self, name: &str, ids: &mut Ids) -> Result<NamespaceId> {
        if let Some(&id) = self.names.get(name) {
            return self.usable(id, USES);
        }
        if name.is_empty() {
            return Err(Error::invalid("Namespace is empty."));
        }
        if !self.register_on_first_use {
            return Err(Error::NamespaceNotFound(name.to_owned()));
        }
        self.resolve_or_register(name, ids)
    }

    /// The namespace, if workflows can be started there.
    pub(crate) fn open_for_starts(&self, id: NamespaceId) -> Result<NamespaceId> {
        self.usable(id, STARTS)
    }

    fn usable(&self, id: NamespaceId, allowed: &'static [NamespaceState]) -> Result<NamespaceId> {
        let namespace = self.get(id);
        if allowed.contains(&namespace.state) {
            return Ok(id);
        }
        Err(Error::NamespaceInvalidState { namespace: namespace.name.clone(), state: namespace.state, allowed })
    }

    /// The wall reached `now`: what was deleted a while ago is no more.
    pub(crate) fn forget_deleted(&mut self, now: Time) {
        while let Some((_, id)) = self.leaving.pop_front_if(|(at, _)| *at <= now) {
            self.names.remove(&self.all[id.0 as usize].name);
            self.all[id.0 as usize].is_gone = true;
        }
    }

    /// Marks the namespace as deleted at `now` (wall), and frees its name. Returns the name that it has from now on
    /// (`service/worker/deletenamespace/activities.go`, `GenerateDeletedNamespaceNameActivity`).
    pub(crate) fn delete(&mut self, id: NamespaceId, now: Time) -> String {
        self.leaving.push_back((now + DELETED_IS_SEEN, id));
        let Namespace { name, uuid, .. } = self.get(id);
        let new_names = (5..uuid.len()).map(|length| format!("{name}-deleted-{}", &uuid[..length]));
        let (old, new) = (name.clone(), new_names.clone().find(|new| !self.names.contains_key(new)).unwrap_or_default());
        self.names.remove(&old);
        self.names.insert(new.clone(), id);
        let namespace = self.get_mut(id);
        namespace.state = NamespaceState::Deleted;
        namespace.name.clone_from(&new);
        new
    }

    /// Registers the namespace of the real server's own workflows. Here it has none; but who lists namespaces sees it.
    pub(crate) fn register_system(&mut self, ids: &mut Ids) -> Result<()> {
        let namespace = self.register(SYSTEM_NAMESPACE, ids)?;
        namespace.uuid = SYSTEM_NAMESPACE_UUID.to_owned();
        namespace.description = "Temporal internal system namespace".to_owned();
        namespace.owner_email = "temporal-core@temporal.io".to_owned();
        namespace.retention = SYSTEM_RETENTION;
        namespace.is_configured = true;
        Ok(())
    }

    /// The namespace of this name, if it is registered.
    pub(crate) fn find(&self, name: &str) -> Option<NamespaceId> {
        self.names.get(name).copied()
    }

    /// The namespace with this UUID, as DescribeNamespace may ask.
    pub(crate) fn by_uuid(&self, uuid: &str) -> Option<NamespaceId> {
        self.all
            .iter()
            .position(|namespace| namespace.uuid == uuid && !namespace.is_gone)
            .map(|index| NamespaceId(index as u32))
    }

    pub(crate) fn get(&self, id: NamespaceId) -> &Namespace {
        &self.all[id.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, id: NamespaceId) -> &mut Namespace {
        &mut self.all[id.0 as usize]
    }

    /// Custom search attributes that every namespace has: name to `IndexedValueType`.
    pub(crate) fn common_search_attributes(&self) -> &BTreeMap<String, i32> {
        &self.search_attributes
    }

    /// Changes the search attributes of all namespaces, and of those to come: all or none.
    pub(crate) fn change_all_search_attributes(&mut self, change: Change<'_>) -> Result<()> {
        let mut common = Registry::new("");
        if !self.search_attributes.is_empty() {
            common.add(&self.search_attributes)?;
        }
        change(&mut common)?;
        let mut changed: Vec<_> = self.all.iter().map(|namespace| namespace.search_attributes.clone()).collect();
        changed.iter_mut().try_for_each(change)?;
        self.search_attributes = common.custom();
        for (namespace, changed) in self.all.iter_mut().zip(changed) {
            namespace.search_attributes = changed;
        }
        Ok(())
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// Forgets all but the first `count`: what a request that is refused has registered.
    pub(crate) fn keep_first(&mut self, count: usize) {
        for namespace in self.all.drain(count..) {
            self.names.remove(&namespace.name);
        }
    }

    /// Those that can be seen, in the order of their registration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Namespace> {
        self.all.iter().filter(|namespace| !namespace.is_gone)
    }
}
