//! The table of RPCs, the API's descriptors and `docs/compatibility.md` say the same.

use std::collections::BTreeSet;

use foretime_server::{proto::DESCRIPTORS, rpc::table::TABLE};
use prost::Message;
use prost_types::FileDescriptorSet;

const PAGE: &str = include_str!("../../docs/compatibility.md");

#[test]
fn the_table_has_every_rpc_of_temporals_services_and_our_own() {
    let set = FileDescriptorSet::decode(DESCRIPTORS).expect("the build wrote them");
    let mut declared = BTreeSet::new();
    for file in &set.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            if name.starts_with("temporal.") || name.starts_with("foretime.") {
                declared.extend(service.method.iter().map(|method| (name.clone(), method.name().to_owned())));
            }
        }
    }
    let bound: BTreeSet<_> = TABLE.iter().map(|row| (row.service.to_owned(), row.method.to_owned())).collect();
    assert_eq!(bound, declared);
    assert_eq!(TABLE.iter().filter(|row| row.service.starts_with("temporal.")).count(), 141);
}

#[test]
fn the_page_tells_which_are_served() {
    for row in TABLE {
        let line = format!("| {} | ", row.method);
        let state =
            PAGE.lines().find_map(|of| of.strip_prefix(&line)).unwrap_or_else(|| panic!("{} is not on the page", row.method));
        assert_eq!(!state.starts_with("UNIMPLEMENTED"), row.is_bound(), "{}: {state}", row.method);
    }
}
