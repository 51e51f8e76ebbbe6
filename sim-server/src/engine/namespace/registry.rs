//! Namespaces: registered by configuration, by RPC, or (as the test server does) on first use.

use std::{collections::BTreeMap, time::Duration};

use crate::engine::{
    kernel::{
        error::{Error, Result},
        ids::Ids,
        key::NamespaceId,
    },
    rules::search_attributes::Registry,
};

/// Closed workflows are promised to stay for a day at least; here they stay for the life of the server.
const DEFAULT_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// One namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) uuid: String,
    pub(crate) description: String,
    pub(crate) owner_email: String,
    pub(crate) data: BTreeMap<String, String>,
    pub(crate) retention: Duration,
    pub(crate) search_attributes: Registry,
}

/// All namespaces of a server.
#[derive(Debug)]
pub(crate) struct Namespaces {
    all: Vec<Namespace>,
    names: BTreeMap<String, NamespaceId>,
    /// The test server accepts any name.
    register_on_first_use: bool,
    /// Custom search attributes that every namespace has from the start: name to `IndexedValueType`.
    search_attributes: BTreeMap<String, i32>,
}

/// A change of the search attributes of one namespace.
type Change<'a> = &'a dyn Fn(&mut Registry) -> Result<()>;

impl Namespaces {
    pub(crate) fn new(register_on_first_use: bool, search_attributes: BTreeMap<String, i32>) -> Self {
        Self { all: Vec::new(), names: BTreeMap::new(), register_on_first_use, search_attributes }
    }

    pub(crate) fn register(&mut self, name: &str, ids: &mut Ids) -> Result<&mut Namespace> {
        if self.names.contains_key(name) {
            return Err(Error::NamespaceAlreadyExists(name.to_owned()));
        }
        let id = NamespaceId(self.all.len() as u32);
        let mut search_attributes = Registry::new(name);
        if !self.search_attributes.is_empty() {
            search_attributes.add(&self.search_attributes)?;
        }
        self.all.push(Namespace {
            name: name.to_owned(),
            uuid: ids.uuid(),
            description: String::new(),
            owner_email: String::new(),
            data: BTreeMap::new(),
            retention: DEFAULT_RETENTION,
            search_attributes,
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
            return Ok(id);
        }
        if name.is_empty() {
            return Err(Error::invalid("Namespace is empty."));
        }
        if !self.register_on_first_use {
            return Err(Error::NamespaceNotFound(name.to_owned()));
        }
        self.resolve_or_register(name, ids)
    }

    /// The namespace of this name, if it is registered.
    pub(crate) fn find(&self, name: &str) -> Option<NamespaceId> {
        self.names.get(name).copied()
    }

    /// The namespace with this UUID, as DescribeNamespace may ask.
    pub(crate) fn by_uuid(&self, uuid: &str) -> Option<NamespaceId> {
        self.all.iter().position(|namespace| namespace.uuid == uuid).map(|index| NamespaceId(index as u32))
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

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Namespace> {
        self.all.iter()
    }
}
