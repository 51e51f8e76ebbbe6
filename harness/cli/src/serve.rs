//! `foretime serve`: the server with our own options.

use clap::Args;
use foretime_server::config::Personality;

use crate::{
    launch::{Launch, Listen},
    serving::Serving,
    values,
};

const EXAMPLES: &str = "\
Examples:
  foretime serve
      Listens on 127.0.0.1:7233. Time runs like wall time until a client unlocks it.

  foretime serve --port 0 --enable-time-skipping
      Listens on a free port, which the first line of output names. Whenever no worker has
      anything to do, time skips to the next timer: a sleep of a month ends at once.

  foretime serve --namespace orders --search-attribute CustomerId=Keyword
      Registers the namespace \"orders\" besides \"default\", and a search attribute in both.

  foretime serve --seed 42
      Gives the same run ids as last time if the same calls come in the same order.";

/// Serve workflows on a port
///
/// The Temporal service in one process, for tests: WorkflowService, OperatorService, and TestService, which skips time. A
/// namespace is registered when a client first uses it. Nothing is kept on disk: when ctrl-C ends the server, everything in it
/// is gone.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES, args_override_self = true)]
pub(crate) struct Serve {
    /// Port to listen on; 0 takes a free one
    #[arg(long, short, default_value = "7233", value_parser = values::port)]
    port: u16,

    #[command(flatten)]
    serving: Serving,
}

impl Serve {
    /// What these arguments start.
    ///
    /// # Errors
    /// See [`Serving::launch`].
    pub(crate) fn launch(self) -> Result<Launch, String> {
        let listen = Listen::Ip(self.serving.ip_or("127.0.0.1"), self.port);
        self.serving.launch(Personality::TestServer, listen, Vec::new())
    }
}
