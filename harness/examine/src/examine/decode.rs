//! Payloads that only their codec can read, decoded so that they can be compared and shown. The worker gets them as they are recorded.

use std::pin::Pin;

use foretime_history::{Telling, coded};
use foretime_server::proto::{
    common::Payload,
    foretimeservice::{Outcome, ServeHistoryResponse},
    history::History,
    workflowservice::{RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest},
};
use prost::Name;

use super::{Examiner, Subject};
use crate::said;

/// Payloads on their way.
pub type Decoding<'a> = Pin<Box<dyn Future<Output = Result<Vec<Payload>, String>> + 'a>>;

/// Who decodes payloads.
pub trait Decoder {
    /// The same payloads in the same order, decoded.
    ///
    /// # Errors
    /// They could not be: why, as one line.
    fn decode<'a>(&'a self, payloads: &'a [Payload]) -> Decoding<'a>;
}

impl Examiner<'_> {
    /// Makes what is recorded readable. Without somebody who decodes, it stays as it is.
    ///
    /// # Errors
    /// It cannot be decoded: why, as one line.
    pub(crate) async fn read(self, subject: &Subject) -> Result<(), String> {
        let Some(decoder) = self.decoder.filter(|_| !subject.is_read()) else { return Ok(()) };
        if let Some(readable) = decoded::<History>(decoder, &subject.encoded).await? {
            subject.reads(readable);
        }
        Ok(())
    }

    /// A worker's answer as it can be read, commands and failures and stacks; as it is if it cannot be decoded.
    pub(super) async fn readable(self, response: ServeHistoryResponse) -> ServeHistoryResponse {
        let Some(decoder) = self.decoder else { return response };
        let encoded = &response.respond;
        let respond = match response.outcome() {
            Outcome::TaskCompleted => decoded::<RespondWorkflowTaskCompletedRequest>(decoder, encoded).await,
            Outcome::TaskFailed => decoded::<RespondWorkflowTaskFailedRequest>(decoder, encoded).await,
            Outcome::TimedOut | Outcome::WorkerGone | Outcome::Unspecified => return response,
        };
        match respond {
            Ok(Some(respond)) => ServeHistoryResponse { respond, ..response },
            _ => response,
        }
    }

    /// What a worker said, as far as it is to be told.
    pub(super) fn told(self, words: &str) -> String {
        match self.telling {
            Telling::Contents => words.to_owned(),
            Telling::Sizes => said::without_contents(words),
        }
    }

    /// A stack, as far as it is to be told: JavaScript's begin with the message.
    pub(super) fn told_stack(self, stack: &str) -> String {
        let is_frame = |line: &&str| line.trim_start().starts_with("at ");
        match self.telling {
            Telling::Sizes if stack.lines().any(|line| is_frame(&line)) => {
                stack.lines().filter(is_frame).collect::<Vec<_>>().join("\n")
            }
            _ => stack.to_owned(),
        }
    }
}

/// A message with decoded payloads; `None` if it has none that only a codec can read.
async fn decoded<M: Name>(decoder: &dyn Decoder, encoded: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let coded = coded::of::<M>(encoded);
    if coded.is_empty() {
        return Ok(None);
    }
    let decoded = decoder.decode(&coded).await?;
    Ok(Some(coded::Decoded::new(coded, decoded).within::<M>(encoded)))
}
