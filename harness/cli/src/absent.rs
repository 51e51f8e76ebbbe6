//! The flags of `temporal server start-dev` (CLI 1.9.1) that have no effect here. All ways to start a server accept them.

use clap::Args;

use crate::values;

/// Flags for what the real server has and this one lacks. A warning names those that are given.
#[derive(Args, Debug)]
#[command(next_help_heading = "Accepted with a warning")]
pub(crate) struct Absent {
    /// Nothing is kept on disk
    #[arg(long, short = 'f', value_name = "FILE")]
    db_filename: Option<String>,

    /// Nothing is kept on disk
    #[arg(long, value_name = "PRAGMA=VALUE", value_parser = values::sqlite_pragma)]
    sqlite_pragma: Vec<String>,

    /// There are no metrics
    #[arg(long, value_name = "PORT", value_parser = values::port)]
    metrics_port: Option<u16>,

    /// There is no Web UI
    #[arg(long, value_name = "PORT", value_parser = values::port)]
    ui_port: Option<u16>,

    /// There is no Web UI
    #[arg(long, value_name = "IP")]
    ui_ip: Option<String>,

    /// There is no Web UI
    #[arg(long, value_name = "PATH")]
    ui_asset_path: Option<String>,

    /// There is no Web UI
    #[arg(long, value_name = "URL")]
    ui_codec_endpoint: Option<String>,

    /// There is no Web UI
    #[arg(long, value_name = "PATH")]
    ui_public_path: Option<String>,
}

impl Absent {
    /// One sentence that names the given flags, and says how to see the Web UI if one of them wants it; empty if there are none.
    pub(crate) fn warning(&self) -> String {
        let ui = "no Web UI";
        let given = [
            (self.db_filename.is_some(), "--db-filename", "nothing is kept on disk"),
            (!self.sqlite_pragma.is_empty(), "--sqlite-pragma", "nothing is kept on disk"),
            (self.metrics_port.is_some(), "--metrics-port", "no metrics"),
            (self.ui_port.is_some(), "--ui-port", ui),
            (self.ui_ip.is_some(), "--ui-ip", ui),
            (self.ui_asset_path.is_some(), "--ui-asset-path", ui),
            (self.ui_codec_endpoint.is_some(), "--ui-codec-endpoint", ui),
            (self.ui_public_path.is_some(), "--ui-public-path", ui),
        ];
        let given = given.into_iter().filter(|(given, ..)| *given);
        let given: Vec<_> = given.collect();
        let wants_ui = given.iter().any(|(.., why)| *why == ui);
        let named: Vec<_> = given.into_iter().map(|(_, flag, why)| format!("{flag} ({why})")).collect();
        let how = if wants_ui { "; docs/web-ui.md says how to see this server in the official Web UI" } else { "" };
        if named.is_empty() { String::new() } else { format!("accepted, but not supported: {}{how}", named.join(", ")) }
    }
}

/// Flags that change nothing here, or nothing in the real server either.
#[derive(Args, Debug)]
#[command(next_help_heading = "Accepted without effect")]
pub(crate) struct Ignored {
    /// There is no Web UI
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    headless: Option<bool>,

    /// There is no Web UI
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    ui_disable_news_fetch: Option<bool>,

    /// Only for clients
    #[arg(long, value_name = "DURATION")]
    client_connect_timeout: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "DURATION")]
    command_timeout: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "FILE")]
    config_file: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_config_env: Option<bool>,

    /// Only for clients
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_config_file: Option<bool>,

    /// Only for clients
    #[arg(long, value_name = "NAME")]
    env: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "FILE")]
    env_file: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_json_shorthand_payloads: Option<bool>,

    /// Only for clients
    #[arg(long, short, value_name = "FORMAT")]
    output: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "FORMAT")]
    time_format: Option<String>,
}
