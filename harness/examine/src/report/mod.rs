//! What a check has found, and its forms.
//!
//! [`model`] is all of it as data, also its JSON. [`causes`] puts the runs together that diverge in one way. [`text`] is for a terminal,
//! [`html`] a page, [`markdown`] a comment on a pull request, [`junit`] and [`sarif`] are for machines, [`github`] has annotations. They
//! share [`sides`], what was recorded against what the code asks for; [`wording`], phrases; [`layout`], text of limited width;
//! [`place`], a line of the user's code, [`lines`], a line of a history, and [`repository`], where code hosts look for them.

mod causes;
mod github;
mod html;
mod junit;
mod layout;
mod lines;
mod markdown;
mod model;
mod place;
mod repository;
#[cfg(test)]
mod sample;
mod sarif;
mod sides;
#[cfg(test)]
mod tests;
mod text;
mod wording;

pub use github::{annotations, quoted};
pub use html::page;
pub use junit::xml;
pub use layout::{Terminal, on_one_line};
pub use markdown::markdown;
pub use model::{Cause, Counts, History, PatchedHere, Report, RunName, Untold};
pub use place::Place;
pub use repository::Repository;
pub use sarif::sarif;
pub use text::text;
