use std::{fs, path::Path};

use clap::Parser;

use super::{super::options::Options, *};

const FILE: &str = r#"
[profile.default]
address = "file:7233"
namespace = "of-file"
api_key = "key-of-file"
unknown_to_us = 5

[profile.default.tls]
server_name = "name-of-file"
client_cert_path = "/file/cert.pem"
client_key_path = "/file/key.pem"

[profile.default.codec]
endpoint = "http://codec"
auth = "Bearer codec"

[profile.default.grpc_meta]
some_HEADER = "of-file"
other = "of-file"

[profile.plain]
address = "plain:7233"

[profile.empty.tls]

[profile.off]
api_key = "k"
tls = { disabled = true }

[profile.template]
address = "${namespace}.tmprl.test:7233"
namespace = "orders.abc"

[profile.past.oauth]
access_token = "old"
expires_at = "2020-01-01T00:00:00Z"

[profile.login.oauth]
access_token = "fresh"
expires_at = "2200-01-01T00:00:00+01:00"
"#;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

/// What `arguments` and `variables` make of a file that holds `file`.
fn read(file: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Result<Profile, String> {
    let path = std::env::temp_dir().join(format!("foretime-{}-{:?}.toml", std::process::id(), std::thread::current().id()));
    fs::write(&path, file).unwrap();
    let mut environment: Environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    environment.insert("TEMPORAL_CONFIG_FILE".to_owned(), path.to_str().unwrap().to_owned());
    let arguments = Arguments::try_parse_from([&["foretime"], arguments].concat()).unwrap();
    let profile = Profile::read(&arguments.options.connection, &environment);
    fs::remove_file(&path).unwrap();
    profile.map_err(|failure| match failure {
        Failure::Usage(text) | Failure::Runtime(text) => text.replace(path.to_str().unwrap(), "FILE"),
    })
}

fn pem(pem: Option<&Pem>) -> Option<(bool, &str)> {
    pem.map(|pem| match pem {
        Pem::File(said) => (true, said.value.as_str()),
        Pem::Text(said) => (false, said.value.as_str()),
    })
}

fn header<'p>(profile: &'p Profile, name: &str) -> Option<&'p str> {
    profile.headers.get(name).map(|said| said.value.as_str())
}

#[test]
fn without_anything_it_is_the_local_server_without_tls() {
    let profile = read("", &[], &[]).unwrap();
    assert_eq!((profile.address.as_str(), profile.namespace.as_str()), ("127.0.0.1:7233", "default"));
    assert!(profile.tls.is_none() && profile.api_key.is_none() && profile.headers.is_empty());
}

#[test]
fn the_file_says_everything_that_nobody_else_says() {
    let profile = read(FILE, &[], &[]).unwrap();
    assert_eq!((profile.address.as_str(), profile.namespace.as_str()), ("file:7233", "of-file"));
    assert_eq!(profile.api_key, Some(Secret("key-of-file".to_owned())));
    let tls = profile.tls.as_ref().unwrap();
    assert_eq!(tls.server_name.as_deref(), Some("name-of-file"));
    assert_eq!(pem(tls.certificate.as_ref()), Some((true, "/file/cert.pem")));
    assert_eq!(pem(tls.key.as_ref()), Some((true, "/file/key.pem")));
    assert_eq!((header(&profile, "some-header"), header(&profile, "other")), (Some("of-file"), Some("of-file")));
}

#[test]
fn the_environment_covers_the_file_and_arguments_cover_both() {
    let variables = [
        ("TEMPORAL_ADDRESS", "variable:7233"),
        ("TEMPORAL_NAMESPACE", "of-variable"),
        ("TEMPORAL_API_KEY", "key-of-variable"),
        ("TEMPORAL_TLS_SERVER_NAME", "name-of-variable"),
        ("TEMPORAL_TLS_CLIENT_CERT_DATA", "cert of variable"),
        ("TEMPORAL_GRPC_META_SOME_HEADER", "of-variable"),
        ("TEMPORAL_GRPC_META_OTHER", ""),
        ("TEMPORAL_CLIENT_AUTHORITY", "authority-of-variable"),
    ];
    let profile = read(FILE, &variables, &[]).unwrap();
    assert_eq!((profile.address.as_str(), profile.namespace.as_str()), ("variable:7233", "of-variable"));
    assert_eq!(profile.api_key, Some(Secret("key-of-variable".to_owned())));
    assert_eq!(profile.authority.as_deref(), Some("authority-of-variable"));
    let tls = profile.tls.as_ref().unwrap();
    assert_eq!(tls.server_name.as_deref(), Some("name-of-variable"));
    assert_eq!(pem(tls.certificate.as_ref()), Some((false, "cert of variable")), "in place of the file's path");
    assert_eq!(pem(tls.key.as_ref()), Some((true, "/file/key.pem")));
    assert_eq!((header(&profile, "some-header"), header(&profile, "other")), (Some("of-variable"), None));

    let arguments = ["--from=argument:7233", "--namespace=of-argument", "--api-key=key-of-argument", "--tls-server-name=name"];
    let more = ["--tls-cert-path=/argument/cert.pem", "--grpc-meta", "Some-Header=a=b", "--client-authority=authority"];
    let profile = read(FILE, &variables, &[&arguments[..], &more[..]].concat()).unwrap();
    assert_eq!((profile.address.as_str(), profile.namespace.as_str()), ("argument:7233", "of-argument"));
    assert_eq!(profile.api_key, Some(Secret("key-of-argument".to_owned())));
    assert_eq!(profile.authority.as_deref(), Some("authority"));
    let tls = profile.tls.as_ref().unwrap();
    assert_eq!(tls.server_name.as_deref(), Some("name"));
    assert_eq!(pem(tls.certificate.as_ref()), Some((true, "/argument/cert.pem")));
    assert_eq!(header(&profile, "some-header"), Some("a=b"));
}

#[test]
fn a_profile_is_chosen_by_argument_or_variable() {
    let address = |variables: &[_], arguments: &[_]| read(FILE, variables, arguments).map(|profile| profile.address);
    assert_eq!(address(&[("TEMPORAL_PROFILE", "plain")], &[]).unwrap(), "plain:7233");
    assert_eq!(address(&[("TEMPORAL_PROFILE", "off")], &["--profile=plain"]).unwrap(), "plain:7233");
    assert_eq!(address(&[("TEMPORAL_PROFILE", "")], &[]).unwrap(), "file:7233");
    assert_eq!(address(&[], &["--profile=none"]).unwrap_err(), "there is no profile none in FILE");
    assert_eq!(read("[profile.other]", &[], &[]).unwrap().address, "127.0.0.1:7233", "nobody asked for the profile default");
}

#[test]
fn a_variable_that_is_empty_takes_the_files_value_away() {
    let profile = read(FILE, &[("TEMPORAL_ADDRESS", ""), ("TEMPORAL_API_KEY", "")], &[]).unwrap();
    assert_eq!((profile.address.as_str(), profile.api_key), ("127.0.0.1:7233", None));
}

#[test]
fn tls_is_on_where_the_temporal_program_has_it_on() {
    let is_on = |variables: &[_], arguments: &[_]| read(FILE, variables, arguments).unwrap().tls.is_some();
    let plain = ("TEMPORAL_PROFILE", "plain");
    let off = ("TEMPORAL_PROFILE", "off");
    assert!(!is_on(&[plain], &[]));
    assert!(is_on(&[("TEMPORAL_PROFILE", "empty")], &[]), "an empty table");
    assert!(is_on(&[plain], &["--api-key=k"]) && is_on(&[plain, ("TEMPORAL_API_KEY", "k")], &[]), "an API key");
    assert!(
        is_on(&[plain], &["--tls"]) && is_on(&[plain, ("TEMPORAL_TLS", "1")], &[]) && is_on(&[plain], &["--tls-ca-path=/x"])
    );
    assert!(!is_on(&[off], &[]), "in spite of the API key");
    assert!(is_on(&[off, ("TEMPORAL_TLS", "True")], &[]) && is_on(&[off], &["--tls=true"]));
    assert!(!is_on(&[], &["--tls=false"]) && !is_on(&[("TEMPORAL_TLS", "false")], &[]));
}

#[test]
fn host_verification_is_left_out_only_where_that_is_said() {
    let accepts = |file: &str, variables: &[_], arguments: &[_]| {
        read(file, variables, arguments).unwrap().tls.unwrap().accepts_any_server
    };
    let file = "[profile.default.tls]\ndisable_host_verification = true";
    let variable = ("TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", "0");
    assert!(!accepts(FILE, &[], &[]));
    assert!(accepts(file, &[], &[]));
    assert!(!accepts(file, &[variable], &[]));
    assert!(accepts(file, &[variable], &["--tls-disable-host-verification"]));
}

#[test]
fn the_namespace_is_put_into_the_address() {
    let template = ("TEMPORAL_PROFILE", "template");
    assert_eq!(read(FILE, &[template], &[]).unwrap().address, "orders.abc.tmprl.test:7233");
    assert_eq!(read(FILE, &[template], &["-n", "b.abc"]).unwrap().address, "b.abc.tmprl.test:7233");
}

#[test]
fn a_login_serves_as_api_key_until_it_expires() {
    let profile = read(FILE, &[], &["--profile=login"]).unwrap();
    assert!(profile.api_key == Some(Secret("fresh".to_owned())) && profile.tls.is_some());
    let past = read(FILE, &[], &["--profile=past"]).unwrap_err();
    assert!(past.starts_with("the login profile.past.oauth in FILE has expired"), "{past}");
    assert_eq!(read(FILE, &[], &["--profile=past", "--api-key=k"]).unwrap().api_key, Some(Secret("k".to_owned())));
}

#[test]
fn older_variables_of_tls_come_before_newer_ones() {
    let variables =
        [("TEMPORAL_TLS_CA", "/old.pem"), ("TEMPORAL_TLS_SERVER_CA_CERT_PATH", "/new.pem"), ("TEMPORAL_TLS_CERT", "")];
    let tls = read(FILE, &variables, &[]).unwrap().tls.unwrap();
    assert_eq!(pem(tls.authority.as_ref()), Some((true, "/old.pem")));
    assert_eq!(pem(tls.certificate.as_ref()), Some((true, "/file/cert.pem")));
}

#[test]
fn what_cannot_be_honoured_is_one_line_that_names_it() {
    let both = [("TEMPORAL_TLS_CLIENT_KEY_PATH", "/x"), ("TEMPORAL_TLS_CLIENT_KEY_DATA", "y")];
    for (file, variables, expected) in [
        (
            "[profile.default]\naddress = 5",
            &[][..],
            "profile.default.address in FILE is of type integer, but a string is expected",
        ),
        ("profile = 1", &[], "profile in FILE is of type integer, but a table is expected"),
        ("[profile]\ndefault = true", &[], "profile.default in FILE is of type boolean, but a table is expected"),
        ("[profile.default]\ntls = true", &[], "profile.default.tls in FILE is of type boolean, but a table is expected"),
        (
            "[profile.default.tls]\ndisabled = \"no\"",
            &[],
            "profile.default.tls.disabled in FILE is of type string, but a boolean is expected",
        ),
        (
            "[profile.default.grpc_meta]\na = 1",
            &[],
            "profile.default.grpc_meta.a in FILE is of type integer, but a string is expected",
        ),
        (
            "[profile.default.tls]\nserver_ca_cert_path = \"a\"\nserver_ca_cert_data = \"b\"",
            &[],
            "profile.default.tls.server_ca_cert_data in FILE and profile.default.tls.server_ca_cert_path in FILE are given, but one \
             of them has to do",
        ),
        ("", &both, "TEMPORAL_TLS_CLIENT_KEY_DATA and TEMPORAL_TLS_CLIENT_KEY_PATH are given, but one of them has to do"),
        ("", &[("TEMPORAL_TLS", "yes")], "TEMPORAL_TLS is \"yes\", but true or false is expected"),
    ] {
        assert_eq!(read(file, variables, &[]).unwrap_err(), expected);
    }
    let no_toml = read("[profile.default]\n\naddress = \"a", &[], &[]).unwrap_err();
    assert!(no_toml.starts_with("line 3 of FILE is no TOML: ") && !no_toml.contains('\n'), "{no_toml}");
    let no_file = read("", &[], &["--config-file=/no/such/file"]).unwrap_err();
    assert!(no_file.starts_with("cannot read /no/such/file: "), "{no_file}");
}

#[test]
fn the_file_is_where_the_temporal_program_has_it() {
    let environment =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let path = |system: System, pairs: &[_]| system.default_path(&environment(pairs));
    let (home, settings) = (("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/settings"));
    assert_eq!(path(System::Other, &[home]), Some("/home/a/.config/temporalio/temporal.toml".into()));
    assert_eq!(path(System::Other, &[home, settings]), Some("/settings/temporalio/temporal.toml".into()));
    assert_eq!(path(System::Other, &[home, ("XDG_CONFIG_HOME", "relative")]), None);
    assert_eq!(path(System::MacOs, &[home]), Some("/home/a/Library/Application Support/temporalio/temporal.toml".into()));
    let on_windows = path(System::Windows, &[("AppData", "C:")]).unwrap();
    assert_eq!(on_windows, Path::new("C:").join("temporalio").join("temporal.toml"));
    assert_eq!(path(System::Other, &[]), None);
}

#[test]
fn secrets_are_not_printed() {
    let profile = read(FILE, &[], &["--api-key=hidden", "--grpc-meta=authorization=hidden"]).unwrap();
    assert!(!format!("{profile:?}").contains("hidden"));
}
