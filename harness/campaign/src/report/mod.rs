//! The report of a run. [`build`] makes the plain data of [`crate::model`] from a view of a run, and [`story`] tells it in a few
//! sentences, with what [`chronicle`] finds in the histories. [`html`], [`timeline`] and [`doom`] draw it, [`layout`] places things on
//! the time axis, and [`files`] writes what people and tools read.

mod build;
mod chronicle;
mod doom;
pub(crate) mod files;
mod html;
mod layout;
#[cfg(test)]
mod sample;
mod statics;
mod story;
#[cfg(test)]
mod tests;
mod timeline;

pub use build::detail;
