//! The log, on stderr.

use tracing_subscriber::filter::LevelFilter;

use crate::{
    failure::colour_on_stderr,
    values::{Colour, LogFormat, LogLevel},
};

/// What is logged, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logging {
    pub(crate) level: LogLevel,
    pub(crate) format: LogFormat,
    pub(crate) colour: Colour,
}

impl Logging {
    /// Starts to log. Call it once in a process.
    pub(crate) fn begin(self) {
        let level = match self.level {
            LogLevel::Never => return,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
        };
        let colour = match self.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => colour_on_stderr(),
        };
        let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
        match self.format {
            LogFormat::Json => log.json().init(),
            LogFormat::Text | LogFormat::Pretty => log.with_ansi(colour).init(),
        }
    }
}
