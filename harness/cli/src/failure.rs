//! What goes wrong on the command line. It is reported as one line on stderr, in red on a terminal.

use std::{
    ffi::OsStr,
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::error::ErrorKind;

/// Why nothing runs.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments are wrong: exit code 2.
    Usage(String),
    /// The arguments are right, but the machine says no: exit code 1.
    Runtime(String),
}

impl Failure {
    /// Writes the line, and returns the exit code that goes with it.
    pub(crate) fn report(&self) -> ExitCode {
        self.report_as(1)
    }

    /// The same where the machine's no has another exit code.
    pub(crate) fn report_as(&self, runtime_code: u8) -> ExitCode {
        let (message, code) = match self {
            Self::Usage(message) => (message, 2),
            Self::Runtime(message) => (message, runtime_code),
        };
        say("error", "31", message);
        ExitCode::from(code)
    }
}

impl Failure {
    /// Adds a pointer to the help if the arguments are wrong.
    pub(crate) fn with_help(self, help: &str) -> Self {
        match self {
            Self::Usage(message) => Self::Usage(format!("{message} (see {help})")),
            runtime => runtime,
        }
    }
}

impl From<clap::Error> for Failure {
    /// clap's message alone: the usage and the advice around it would fill a screen.
    fn from(error: clap::Error) -> Self {
        if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Self::Usage("no command given".to_owned());
        }
        let text = error.render().to_string();
        let noise = ["Usage:", "For more information", "tip: to pass"];
        let told = text.split("\n\n").map(str::trim).filter(|text| !noise.iter().any(|start| text.starts_with(start)));
        let told = told.map(|text| text.lines().map(str::trim).collect::<Vec<_>>().join(" "));
        Self::Usage(told.collect::<Vec<_>>().join("; ").trim_start_matches("error: ").to_owned())
    }
}

/// Writes a warning to stderr, in one line.
pub(crate) fn warn(message: &str) {
    say("warning", "33", message);
}

fn say(kind: &str, colour: &str, message: &str) {
    let mut stderr = std::io::stderr().lock();
    // If stderr cannot be written to, there is nobody to tell.
    let _ = if colour_on_stderr() {
        writeln!(stderr, "foretime: \x1b[1;{colour}m{kind}:\x1b[0m {message}")
    } else {
        writeln!(stderr, "foretime: {kind}: {message}")
    };
}

/// Whether stderr is a terminal, and colour is not switched off (<https://no-color.org>).
pub(crate) fn colour_on_stderr() -> bool {
    is_colour_wanted() && std::io::stderr().is_terminal()
}

/// Whether colour is not switched off (<https://no-color.org>).
pub(crate) fn is_colour_wanted() -> bool {
    !declines_colour(std::env::var_os("NO_COLOR").as_deref())
}

/// Whether this value of `NO_COLOR` says no: any but the empty one does.
fn declines_colour(no_color: Option<&OsStr>) -> bool {
    no_color.is_some_and(|value| !value.is_empty())
}

/// Writes help or the version to stdout, in clap's colours on a terminal.
pub(crate) fn print(text: &clap::Error) -> ExitCode {
    // A reader who closed the pipe early has read enough.
    let _ = text.print();
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_declines_colour_unless_it_is_empty() {
        for (value, declines) in [(None, false), (Some(""), false), (Some("1"), true), (Some("0"), true)] {
            assert_eq!(declines_colour(value.map(OsStr::new)), declines, "{value:?}");
        }
    }
}
