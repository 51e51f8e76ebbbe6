//! The report of a run: [`build`] makes the plain data of [`model`] from the world, [`story`] tells it in a few sentences,
//! [`files`] writes what people and tools read.

pub(crate) mod build;
pub(crate) mod files;
pub(crate) mod model;
mod story;
