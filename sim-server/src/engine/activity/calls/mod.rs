//! The RPCs of activities: [`reports`] has those in which workers say how they fare, and [`repairs`] those in which people pause,
//! reset and change activities.

pub(crate) mod repairs;
mod reports;
