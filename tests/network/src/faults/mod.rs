//! What goes wrong. [`nemesis`] asks at each opportunity which faults strike and carries them out on the [`cluster`], which knows how to
//! break each machine and link, and how to mend all of it.

pub mod cluster;
pub mod nemesis;
