//! Generates the messages of the Temporal API from the descriptors that `temporalio-protos` compiled, and those of our own service:
//! no protoc.
//!
//! Our own generation, and not that crate's types, for one reason: there every proto map is a `HashMap`, whose order is
//! random, and the same inputs must give the same history bytes. Here every map is a `BTreeMap`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    fs,
    path::PathBuf,
};

use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// The files whose services and messages the server speaks; what they import comes along.
const ROOTS: &[&str] = &[
    "temporal/api/workflowservice/v1/service.proto",
    "temporal/api/operatorservice/v1/service.proto",
    "temporal/api/testservice/v1/service.proto",
    "temporal/api/errordetails/v1/message.proto",
    "temporal/api/sdk/v1/workflow_metadata.proto",
    "health/v1/health.proto",
    "google/rpc/status.proto",
];

/// Our own service.
const OWN: &str = "foretime/v1/service.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=protos");
    let all = FileDescriptorSet::decode(foretime_descriptors::FILES)?;
    let wanted = closure(&all);
    let mut set = FileDescriptorSet { file: all.file.into_iter().filter(|file| wanted.contains(file.name())).collect() };
    set.file.extend(protox::compile([OWN], ["protos"])?.file.into_iter().filter(|file| file.name() == OWN));

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), set.encode_to_vec())?;
    fs::write(out.join("attributes.rs"), attributes(&set)?)?;
    fs::write(out.join("rpcs.rs"), rpcs(&set) + &identities(&set))?;
    let mut config = prost_build::Config::new();
    config.btree_map(["."]).enable_type_names().include_file("protos.rs");
    // As JSON for people: instants and spans in words.
    config.message_attribute(".foretime.v1", "#[derive(serde::Serialize)]");
    for file in set.file.iter().filter(|file| file.name() == OWN) {
        for (message, field) in file.message_type.iter().flat_map(|of| of.field.iter().map(move |field| (of, field))) {
            if field.type_name().starts_with(".google.protobuf.") {
                let path = format!(".foretime.v1.{}.{}", message.name(), field.name());
                config.field_attribute(path, "#[serde(serialize_with = \"crate::in_words\")]");
            }
        }
    }
    config.compile_fds(set)?;
    Ok(())
}

/// What every event's attributes have in common, which the API says by names alone: the type of the event, and the ids of the events
/// that it belongs to. A new type of event has its row by itself.
fn attributes(set: &FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let file = set.file.iter().find(|file| file.name() == "temporal/api/history/v1/message.proto").ok_or("no histories")?;
    let message = |name: &str| file.message_type.iter().find(|message| message.name() == name);
    let event = message("HistoryEvent").ok_or("no events")?;
    let mut types = String::new();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for field in event.field.iter().filter(|field| field.oneof_index.is_some()) {
        let variant = camel_case(field.name());
        let event_type = variant.strip_suffix("EventAttributes").ok_or("attributes of no event")?;
        types += &format!("Self::{variant}(_) => EventType::{event_type},\n");
        let of = field.type_name().rsplit('.').next().and_then(message).ok_or("attributes without a message")?;
        for id in of.field.iter().map(|field| field.name()).filter(|name| name.ends_with("_event_id")) {
            *ids.entry(id.to_owned()).or_default() += &format!("Self::{variant}(it) => Some(&mut it.{id}),\n");
        }
    }
    let mut text = format!(
        "use temporal::api::{{enums::v1::EventType, history::v1::history_event::Attributes}};\nimpl Attributes {{\n\
         /// The type of the event that has these attributes.\n\
         pub fn event_type(&self) -> EventType {{ match self {{ {types} }} }}\n"
    );
    for (id, rows) in &ids {
        let read = rows.replace("Some(&mut it.", "Some(it.");
        text += &format!(
            "/// `{id}`, if these attributes have one.\n\
             pub fn {id}(&self) -> Option<i64> {{ match self {{ {read} _ => None }} }}\n\
             /// `{id}`, if these attributes have one.\n\
             pub fn {id}_mut(&mut self) -> Option<&mut i64> {{ match self {{ {rows} _ => None }} }}\n"
        );
    }
    Ok(text + "}\n")
}

/// The RPC of each request that belongs to one alone, which its name tells: the method's, plus `Request`.
fn rpcs(set: &FileDescriptorSet) -> String {
    let mut text = String::new();
    for file in set.file.iter().filter(|file| has_services(file)) {
        for service in &file.service {
            for method in &service.method {
                let (request, method_name) = (rust_path(method.input_type()), method.name());
                if request.ends_with(&format!("::{method_name}Request")) {
                    let (reply, service) = (rust_path(method.output_type()), format!("{}.{}", file.package(), service.name()));
                    text += &format!(
                        "impl Rpc for {request} {{ type Reply = {reply}; const SERVICE: &'static str = \"{service}\"; \
                         const METHOD: &'static str = \"{method_name}\"; \
                         const PATH: &'static str = \"/{service}/{method_name}\"; }}\n"
                    );
                }
            }
        }
    }
    text
}

fn has_services(file: &FileDescriptorProto) -> bool {
    ["temporal.", "foretime."].iter().any(|package| file.package().starts_with(package))
}

/// The identity that each request names, if it has a field for one.
fn identities(set: &FileDescriptorSet) -> String {
    let messages: BTreeMap<String, bool> = set
        .file
        .iter()
        .flat_map(|file| file.message_type.iter().map(move |message| (file, message)))
        .map(|(file, message)| {
            let has_identity = message.field.iter().any(|field| field.name() == "identity");
            (format!(".{}.{}", file.package(), message.name()), has_identity)
        })
        .collect();
    let services = set.file.iter().filter(|file| has_services(file)).flat_map(|file| &file.service);
    let requests: BTreeSet<&str> = services.flat_map(|service| &service.method).map(|method| method.input_type()).collect();
    let mut text = String::new();
    for request in requests.into_iter().filter(|request| *request != ".google.protobuf.Empty") {
        let identity = if messages[request] { "&self.identity" } else { "\"\"" };
        text += &format!("impl Identified for {} {{ fn identity(&self) -> &str {{ {identity} }} }}\n", rust_path(request));
    }
    text
}

/// The path of a message: `.temporal.api.query.v1.WorkflowQuery` is `temporal::api::query::v1::WorkflowQuery`.
fn rust_path(type_name: &str) -> String {
    type_name.trim_start_matches('.').replace('.', "::")
}

fn camel_case(snake: &str) -> String {
    snake.split('_').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..])).collect()
}

fn closure(all: &FileDescriptorSet) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    let mut open: Vec<String> = ROOTS.iter().map(|&root| root.to_owned()).collect();
    while let Some(name) = open.pop() {
        let found = all.file.iter().find(|file| file.name() == name);
        let file = found.unwrap_or_else(|| panic!("temporalio-protos has no {name}"));
        if wanted.insert(name) {
            open.extend(file.dependency.iter().cloned());
        }
    }
    wanted
}
