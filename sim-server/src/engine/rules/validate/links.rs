//! Links between executions (`common/links/validator.go`).

use prost::Message;

use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::limits::Limits,
    },
    proto::common::{
        Link,
        link::{Variant, workflow_event::Reference},
    },
};

/// Refuses too many links, links that are too large, and links that lack a part.
pub fn links(links: &[Link], limits: &Limits) -> Result<()> {
    if links.len() > limits.links_max {
        return Err(Error::invalid(format!(
            "cannot attach more than {} links per request, got {}",
            limits.links_max,
            links.len()
        )));
    }
    links.iter().try_for_each(|link| one(link, limits))
}

fn one(link: &Link, limits: &Limits) -> Result<()> {
    let size = link.encoded_len();
    if size > limits.link_size_max_bytes {
        return Err(Error::invalid(format!("link exceeds allowed size of {}, got {size}", limits.link_size_max_bytes)));
    }
    match &link.variant {
        Some(Variant::WorkflowEvent(to)) => {
            let parts =
                [("namespace field", &to.namespace), ("workflow ID field", &to.workflow_id), ("run ID field", &to.run_id)];
            filled("workflow event", &parts)?;
            match &to.reference {
                Some(Reference::EventRef(event)) if event.event_type == 0 && event.event_id != 0 => {
                    Err(Error::invalid("workflow event link ref cannot have an unspecified event type and a non-zero event ID"))
                }
                _ => Ok(()),
            }
        }
        Some(Variant::BatchJob(to)) => filled("batch job", &[("job ID", &to.job_id)]),
        Some(Variant::NexusOperation(to)) => {
            let parts =
                [("namespace field", &to.namespace), ("operation ID field", &to.operation_id), ("run ID field", &to.run_id)];
            filled("nexus operation", &parts)
        }
        Some(Variant::Activity(to)) => {
            let parts =
                [("namespace field", &to.namespace), ("activity ID field", &to.activity_id), ("run ID field", &to.run_id)];
            filled("activity", &parts)
        }
        Some(Variant::Workflow(to)) => {
            let parts =
                [("namespace field", &to.namespace), ("workflow ID field", &to.workflow_id), ("run ID field", &to.run_id)];
            filled("workflow", &parts)
        }
        Some(Variant::Callback(_)) | None => Err(Error::invalid("unsupported link variant")),
    }
}

fn filled(kind: &str, parts: &[(&str, &String)]) -> Result<()> {
    match parts.iter().find(|(_, value)| value.is_empty()) {
        Some((part, _)) => Err(Error::invalid(format!("{kind} link must not have an empty {part}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::common::link::{BatchJob, WorkflowEvent, workflow_event::EventReference};

    #[test]
    fn links_need_their_parts() {
        let event = |namespace: &str, event_id| {
            Some(Variant::WorkflowEvent(WorkflowEvent {
                namespace: namespace.to_owned(),
                workflow_id: "w".to_owned(),
                run_id: "r".to_owned(),
                reference: Some(Reference::EventRef(EventReference { event_id, event_type: 0 })),
            }))
        };
        let cases = [
            (None, "unsupported link variant"),
            (event("", 0), "workflow event link must not have an empty namespace field"),
            (event("n", 1), "workflow event link ref cannot have an unspecified event type and a non-zero event ID"),
            (event("n", 0), ""),
            (Some(Variant::BatchJob(BatchJob::default())), "batch job link must not have an empty job ID"),
            (event(&"n".repeat(4000), 0), "link exceeds allowed size of 4000, got 4015"),
        ];
        for (variant, expected) in cases {
            let text = match links(&[Link { variant }], &Limits::default()) {
                Err(Error::InvalidArgument(text)) => text,
                other => other.map(|()| String::new()).unwrap_or_default(),
            };
            assert_eq!(text, expected);
        }
        let many = vec![Link::default(); 11];
        assert_eq!(
            links(&many, &Limits::default()),
            Err(Error::invalid("cannot attach more than 10 links per request, got 11"))
        );
    }
}
