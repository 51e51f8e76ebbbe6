//! The RPCs that act on the virtual clock: those of TestService ([`test_service`]), and those of our own ForetimeService ([`hand`]),
//! among them the answer to why time stands still ([`why`]).

mod hand;
mod test_service;
mod why;
