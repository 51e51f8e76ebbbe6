//! `foretime server start-dev`: replaces `temporal server start-dev`, and accepts every flag of it (CLI 1.9.1).

use clap::Args;
use foretime_server::config::Personality;

use crate::{
    launch::{Launch, Listen},
    serving::Serving,
    values,
};

const EXAMPLES: &str = "\
Examples:
  foretime server start-dev
  foretime server start-dev --port 7000 --namespace orders --headless
  foretime server start-dev --search-attribute CustomerId=Keyword --log-level info";

/// Serve workflows as `temporal server start-dev` does
///
/// Accepts every flag of `temporal server start-dev` and the global flags of `temporal`. There is no Web UI and no metrics page,
/// and nothing is kept on disk: a flag for one of these only causes a warning. The HTTP API is that of the clock alone.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES, args_override_self = true)]
pub(crate) struct StartDev {
    /// Port to listen on; 0 takes a free one
    #[arg(long, short, default_value = "7233", value_parser = values::port)]
    port: u16,

    #[command(flatten)]
    serving: Serving,
}

impl StartDev {
    /// What these arguments start.
    ///
    /// # Errors
    /// See [`Serving::launch`].
    pub(crate) fn launch(self) -> Result<Launch, String> {
        let listen = Listen::Ip(self.serving.ip_or("localhost"), self.port);
        self.serving.launch(Personality::DevServer, listen, Vec::new())
    }
}
