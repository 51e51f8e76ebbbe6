//! What happened in the run: lines for people, and a hash over all of it. One process runs one seed, on one thread.

use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash, Hasher},
};

use madsim::time::TimeHandle;

thread_local! {
    static HASHER: RefCell<DefaultHasher> = RefCell::new(DefaultHasher::new());
}

/// Prints what happened on a node, and adds it to the hash.
pub fn tell(node: &str, what: &str) {
    println!("{:>9.3} s  {node:<10}  {what}", TimeHandle::current().elapsed().as_secs_f64());
    add(what.as_bytes());
}

/// Adds bytes that passed over the network to the hash, and the time.
pub fn add(bytes: &[u8]) {
    HASHER.with_borrow_mut(|hasher| (TimeHandle::current().elapsed(), bytes).hash(hasher));
}

/// The hash so far.
pub fn hash() -> u64 {
    HASHER.with_borrow(|hasher| hasher.finish())
}
