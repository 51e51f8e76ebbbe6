//! What differs between the SDKs. `docs/check.md` says where each was watched.

use foretime_history::verdict::Divergence;
use foretime_server::proto::foretimeservice::Manner;

/// SDKs that replay in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Family {
    /// On sdk-core: Python, TypeScript, .NET, Ruby, Rust.
    Core,
    Go,
    Java,
}

impl Family {
    /// The family of the SDK that calls itself so in the header `client-name`.
    pub(in crate::check) fn of(client_name: &str) -> Self {
        match client_name {
            name if name.starts_with("temporal-go") || name.starts_with("temporal-php") => Self::Go,
            "temporal-java" => Self::Java,
            _ => Self::Core,
        }
    }

    /// How a history is given to its workers.
    pub(super) fn manner(self) -> Manner {
        match self {
            Self::Core | Self::Java => Manner::TaskWithQuery,
            Self::Go => Manner::Task,
        }
    }

    /// Where a patch would go.
    pub(super) fn suggestion(self, divergence: &Divergence) -> Option<String> {
        let asked = divergence.asked.as_ref().map_or_else(|| "the new code".to_owned(), ToString::to_string);
        let recorded = divergence.recorded.as_ref().map_or_else(|| "what it was".to_owned(), ToString::to_string);
        let guard = match self {
            Self::Core => "patched(\"my-change\")",
            Self::Go => "workflow.GetVersion(ctx, \"my-change\", workflow.DefaultVersion, 1)",
            Self::Java => "Workflow.getVersion(\"my-change\", Workflow.DEFAULT_VERSION, 1)",
        };
        divergence.task?;
        Some(format!("guard the change with {guard}: runs that began before it go on with {recorded}, new ones with {asked}"))
    }
}
