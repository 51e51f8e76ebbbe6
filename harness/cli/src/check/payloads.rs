//! The arguments on payloads: who decodes them, whether they are told, and how they are redacted.

use std::path::{Path, PathBuf};

use clap::Args;
use foretime_examine::{
    examine::{Decoder, Decoding},
    redact::Redaction,
    run::Run,
};
use foretime_history::{
    Telling,
    redact::{Keep, Pattern},
};

use crate::{
    cluster::{CodecOptions, CodecSettings, Connection, Folder, Name},
    codec::Codec,
    failure::Failure,
};

/// What is done with payloads.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Payloads")]
pub(super) struct Payloads {
    #[command(flatten)]
    pub(super) codec: CodecOptions,

    /// Tell of payloads, messages and reasons only how long they are and how they are encoded
    #[arg(long)]
    pub(super) no_payloads: bool,

    /// With --save DIR: save the checked histories that replay, with all payloads, messages and identities replaced by others of the same
    /// form and size. What comes of it is replayed before it is saved. Ids, types and times stay, as do keys of JSON, true, false, null and 0
    #[arg(long, requires = "save")]
    pub(super) redact: bool,

    /// With --redact: keep these values, which code decides by: keys (status), paths ($.plan.kind, $.items[*].sku), names of search
    /// attributes, memo entries and headers; charge:$.amount and charge:$ are those of one activity, workflow, signal or update
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', requires = "redact")]
    pub(super) keep_values: Vec<Pattern>,
}

impl Payloads {
    pub(super) fn telling(&self) -> Telling {
        if self.no_payloads { Telling::Sizes } else { Telling::Contents }
    }

    /// # Errors
    /// What is said of the codec server makes no sense.
    pub(super) fn codec(&self, connection: &Connection) -> Result<Option<Codec>, Failure> {
        let settings = CodecSettings::read(&self.codec, connection)?;
        settings.map(|settings| Codec::new(settings, self.telling())).transpose()
    }

    /// How to redact into `folder`; `None` if that is not asked for.
    ///
    /// # Errors
    /// The folder cannot be created, or what is saved there would have payloads that are not to be told.
    pub(super) fn redaction(&self, folder: Option<&Path>) -> Result<Option<Redaction>, Failure> {
        match folder {
            Some(folder) if self.redact => {
                let folder = Folder::open(folder)?;
                let save = move |run: &Run, encoded: &[u8]| save(&folder, run, encoded);
                Ok(Some(Redaction { keep: Keep(self.keep_values.clone()), save: Box::new(save) }))
            }
            Some(_) if self.no_payloads => {
                Err(Failure::Usage("--save keeps payloads, and --no-payloads tells none: add --redact".to_owned()))
            }
            _ => Ok(None),
        }
    }
}

fn save(folder: &Folder, run: &Run, encoded: &[u8]) -> Result<PathBuf, String> {
    let stem = run.source.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = Name {
        workflow_type: &run.summary.workflow_type,
        workflow_id: run.summary.workflow_id.as_deref().unwrap_or(&stem),
        run_id: run.summary.run_id.as_deref().unwrap_or_default(),
    };
    folder.keep_as(name, encoded).map_err(|(Failure::Usage(why) | Failure::Runtime(why))| why)
}

impl Decoder for Codec {
    fn decode<'a>(&'a self, payloads: &'a [foretime_server::proto::common::Payload]) -> Decoding<'a> {
        Box::pin(Codec::decode(self, payloads))
    }
}
