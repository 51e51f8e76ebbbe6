//! The simulated machines and their network, each test a small transcript on a quiet network from a fixed seed.
//!
//! [`scene`] has the cluster, and machines that do only what a test says. [`calls`] is about calls when nothing is wrong; [`cuts`],
//! [`connections`], [`crashes`] and [`freezes`] are about one fault each; [`clients`] is about what clients leave behind and take up
//! again; [`heals`] is about the end of all faults; [`runs`] is about whole runs of a seed.
#![cfg(madsim)]

mod calls;
mod clients;
mod connections;
mod crashes;
mod cuts;
mod freezes;
mod heals;
mod runs;
mod scene;
