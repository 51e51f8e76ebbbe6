//! Every form in which people keep recorded histories, read into the bytes of `History` messages.
//!
//! [`recorded`] is the way in and says what comes out. [`text`] makes JSON of the bytes, [`document`] finds the histories in it, and
//! [`message`] and [`value`] transcode each event from JSON to protobuf as it is read, with no tree in between, driven by the table
//! that [`schema`] makes of the descriptors. [`scalar`], [`times`] and [`payload`] have the values that are written in several ways, and
//! [`output`] the bytes that come of it. [`binary`] reads the forms that are protobuf already. [`unreadable`] says what is wrong with a file.

mod binary;
mod document;
mod message;
mod output;
mod payload;
mod recorded;
mod scalar;
mod schema;
mod text;
mod times;
mod unreadable;
mod value;

pub use recorded::{Recorded, read};
pub use unreadable::Unreadable;
