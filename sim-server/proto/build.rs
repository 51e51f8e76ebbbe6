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
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

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

/// Where the walk over the payloads of an event begins and ends, and where it does not go.
const EVENT: &str = ".temporal.api.history.v1.HistoryEvent";
const PAYLOAD: &str = ".temporal.api.common.v1.Payload";
const SEARCH_ATTRIBUTES: &str = ".temporal.api.common.v1.SearchAttributes";

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
    fs::write(out.join("payloads.rs"), payloads(&set))?;
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

/// A walk over the payloads of an event: one step for each message that can be in an event and can have payloads in it.
fn payloads(set: &FileDescriptorSet) -> String {
    let mut all = BTreeMap::new();
    for file in &set.file {
        file.message_type.iter().for_each(|message| nested(&format!(".{}", file.package()), message, &mut all));
    }
    let mut having = BTreeSet::from([PAYLOAD]);
    let has_new = |having: &BTreeSet<&str>, (name, message): &(&String, &&DescriptorProto)| {
        let has_any = message.field.iter().any(|field| having.contains(field.type_name()));
        has_any && *name != SEARCH_ATTRIBUTES && !having.contains(name.as_str())
    };
    while let Some((name, _)) = all.iter().find(|row| has_new(&having, row)) {
        having.insert(name);
    }
    let (mut text, mut seen, mut open) = (String::new(), BTreeSet::from([PAYLOAD]), vec![EVENT]);
    while let Some(name) = open.pop() {
        if !seen.insert(name) {
            continue;
        }
        let mut steps = String::new();
        for field in all[name].field.iter().filter(|field| having.contains(field.type_name())) {
            let (of, own) = (all[field.type_name()], field.name());
            let is_map = of.options.as_ref().is_some_and(|options| options.map_entry());
            open.push(if is_map { of.field[1].type_name() } else { field.type_name() });
            steps += &match field.oneof_index {
                Some(index) => {
                    let oneof = all[name].oneof_decl[index as usize].name();
                    let variant = format!("{}::{}::{}", module_of(name), camel_case(oneof), camel_case(own));
                    format!("if let Some({variant}(it)) = &self.{oneof} {{ it.each_payload(see); }}\n")
                }
                None if is_map => format!("self.{own}.values().for_each(|it| it.each_payload(see));\n"),
                None => format!("self.{own}.iter().for_each(|it| it.each_payload(see));\n"),
            };
        }
        let path = rust_path(name);
        text +=
            &format!("impl HasPayloads for {path} {{ fn each_payload(&self, see: &mut dyn FnMut(&Payload)) {{ {steps} }} }}\n");
    }
    text
}

/// A message and those inside of it, by their full names.
fn nested<'a>(scope: &str, message: &'a DescriptorProto, all: &mut BTreeMap<String, &'a DescriptorProto>) {
    let name = format!("{scope}.{}", message.name());
    message.nested_type.iter().for_each(|inner| nested(&name, inner, all));
    all.insert(name, message);
}

/// The module of what is inside of a message.
fn module_of(type_name: &str) -> String {
    let path = rust_path(type_name);
    let (scope, name) = path.rsplit_once("::").unwrap_or_default();
    format!("{scope}::{}", snake_case(name))
}

fn snake_case(camel: &str) -> String {
    let words = camel.chars().enumerate().map(|(at, c)| match c {
        c if c.is_uppercase() && at > 0 => format!("_{}", c.to_lowercase()),
        c => c.to_lowercase().to_string(),
    });
    words.collect()
}

/// The path of a message: `.temporal.api.query.v1.WorkflowQuery` is `temporal::api::query::v1::WorkflowQuery`.
/// One inside of another is in the module of that.
fn rust_path(type_name: &str) -> String {
    let mut parts: Vec<&str> = type_name.trim_start_matches('.').split('.').collect();
    let name = parts.pop().unwrap_or_default();
    let scope =
        parts.into_iter().map(|part| if part.starts_with(char::is_uppercase) { snake_case(part) } else { part.to_owned() });
    scope.chain([name.to_owned()]).collect::<Vec<_>>().join("::")
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
