//! Markers, in which the SDKs record what the API has no events for: patches, versions and local activities.

use serde_json::Value;

use crate::wire::Message;

const NAME: u32 = 1;
const DETAILS: u32 = 2;
/// Of `Payloads`, its payloads; of a payload, its data.
const PAYLOADS: u32 = 1;
const DATA: u32 = 2;

/// A choice between old and new code that a run has made: `patched` (Python, TypeScript, .NET, Ruby, Rust) or `getVersion` (Go, Java, PHP).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Patch {
    /// The id of the patch or change; `None` if the marker is encrypted or of a form of its own.
    pub(crate) id: Option<String>,
    /// The version, where the SDK has versions.
    pub(crate) version: Option<i64>,
}

/// The patch that a marker with these attributes records; `None` if the marker is of another kind.
pub(crate) fn patch(attributes: Message<'_>) -> Option<Patch> {
    match attributes.text(NAME) {
        "core_patch" => {
            let data = detail(attributes, "patch-data");
            // Older markers have the id in a detail of its own, as bare text.
            let id = data.as_ref().and_then(|data| text(data.get("id")?)).or_else(|| {
                let bare = std::str::from_utf8(data_of(attributes, "patch_id")?).ok()?;
                Some(bare.to_owned())
            });
            Some(Patch { id, version: None })
        }
        "Version" => {
            let id = detail(attributes, "change-id").or_else(|| detail(attributes, "changeId"));
            let version = detail(attributes, "version").and_then(|version| version.as_i64());
            Some(Patch { id: id.as_ref().and_then(text), version })
        }
        _ => None,
    }
}

/// The type of the local activity whose end a marker with these attributes records; `None` if the marker is of another kind, or is encrypted.
pub(crate) fn local_activity(attributes: Message<'_>) -> Option<String> {
    match attributes.text(NAME) {
        "core_local_activity" => text(detail(attributes, "data")?.get("activity_type")?),
        "LocalActivity" => match detail(attributes, "type") {
            Some(name) => text(&name),
            None => text(detail(attributes, "data")?.get("ActivityType")?),
        },
        _ => None,
    }
}

/// The first payload of a detail, if it is JSON.
fn detail(attributes: Message<'_>, key: &str) -> Option<Value> {
    serde_json::from_slice(data_of(attributes, key)?).ok()
}

/// The data of the first payload of a detail.
fn data_of<'b>(attributes: Message<'b>, key: &str) -> Option<&'b [u8]> {
    Some(attributes.entry(DETAILS, key).all(PAYLOADS).next()?.message(DATA).0)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
