//! What is told of a run: on standard error when it is asked for, and to a collector.

use crate::{
    server::{Answer, Server},
    support::{Home, Ran},
};

const KEY: &str = "sk-planted-7f3a";

/// Asks once, with these variables and options.
fn ask(variables: &[(&str, &str)], options: &[&str]) -> Ran {
    let server = Server::start([Answer::Text(&["Ro", "me."])]);
    let home = Home::new();
    let mut command = home.command(server.options());
    command.args(options).arg("Where is it warm?").env("BRANCHWORK_API_KEY", KEY);
    let ran = Ran::new(&command.envs(variables.iter().copied()).output().unwrap());
    assert_eq!(server.keys(), [Some(KEY.to_owned())]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "Rome.\n"), "{ran:?}");
    assert!(!ran.err.contains(KEY), "{ran:?}");
    ran
}

/// The names of the spans that are told of.
fn told(ran: &Ran) -> Vec<&str> {
    let is_told = |line: &&str| line.starts_with("info ") || line.starts_with("debug");
    let words = ran.err.lines().filter(is_told).map(|line| line.split_whitespace().skip(1));
    words.filter_map(|mut words| words.next()).collect()
}

#[test]
fn nothing_is_told_unless_it_is_asked_for() {
    let ran = ask(&[], &[]);
    assert!(told(&ran).is_empty(), "{ran:?}");
    assert!(told(&ask(&[("RUST_LOG", "")], &["-q"])).is_empty());
}

#[test]
fn turns_and_calls_are_told_of_on_standard_error() {
    let ran = ask(&[], &["-v"]);
    assert_eq!(told(&ran), ["chat", "invoke_agent"]);
    let chat = ran.err.lines().find(|line| line.starts_with("info  chat tiny ")).unwrap();
    for said in ["gen_ai.usage.input_tokens=7", "gen_ai.response.model=tiny-1", "server.port="] {
        assert!(chat.contains(said), "{said}: {chat}");
    }
    assert!(!ran.err.contains("warm"), "what was said is not told: {ran:?}");
    let commits =
        told(&ask(&[], &["-vv"])).iter().filter(|name| **name == "branchwork.commit").count();
    assert_eq!(commits, 2);
    assert!(ask(&[], &["-vvv"]).err.contains("trace branchwork.chunk"));
}

#[test]
fn the_option_comes_before_our_variable_and_that_before_the_common_one() {
    let (ours, common) = (("BRANCHWORK_LOG", "debug"), ("RUST_LOG", "info"));
    assert_eq!(told(&ask(&[common], &[])), ["chat", "invoke_agent"]);
    assert!(told(&ask(&[ours, common], &[])).contains(&"branchwork.commit"));
    assert!(!told(&ask(&[ours, common], &["-v"])).contains(&"branchwork.commit"));
    assert!(told(&ask(&[("RUST_LOG", "rmcp=trace")], &[])).is_empty());
    let ran = ask(&[("RUST_LOG", "trace")], &[]);
    assert!(told(&ran).contains(&"chat"));
    assert!(!ran.err.contains("hyper"), "other libraries log what servers say: {ran:?}");
}

#[test]
fn what_cannot_be_read_is_told() {
    let home = Home::new();
    let mut command = home.command(["ls"]);
    let ran = Ran::new(&command.env("BRANCHWORK_LOG", "a=b=c").output().unwrap());
    ran.fails(2, "our variable");
    assert!(ran.err.contains("BRANCHWORK_LOG cannot be read"), "{ran:?}");
    let ran = ask(&[("RUST_LOG", "a=b=c")], &[]);
    assert!(ran.err.contains("RUST_LOG cannot be read, and does not hold"), "{ran:?}");
    let ran = ask(&[("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "perhaps")], &["-v"]);
    assert!(ran.err.contains("is `perhaps`, not `true` or `false`"), "{ran:?}");
    assert!(!ran.err.contains("warm"), "{ran:?}");
}

#[test]
fn what_was_said_is_told_when_that_is_asked_for() {
    for value in ["true", "SPAN_ONLY"] {
        let capture = ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value);
        let ran = ask(&[capture], &["-v"]);
        let asked = r#"gen_ai.input.messages=[{"parts":[{"content":"Where is it warm?","type":"text"}],"role":"user"}]"#;
        assert!(ran.err.contains(asked), "{ran:?}");
    }
}

#[cfg(not(feature = "otlp"))]
#[test]
fn an_endpoint_that_is_not_heeded_is_told_of() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let ran = ask(&[endpoint], &[]);
    assert!(ran.err.contains("OTEL_EXPORTER_OTLP_ENDPOINT is set, and this branchwork was built"));
    assert!(!ask(&[endpoint], &["-q"]).err.contains("OTEL"));
}

#[cfg(feature = "otlp")]
mod otlp {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::{TcpListener, TcpStream},
        sync::{Arc, Mutex},
        thread,
    };

    use super::{Answer, Home, KEY, Ran, Server, ask};

    /// A request, as it came.
    struct Sent {
        head: String,
        body: Vec<u8>,
    }

    /// A collector that keeps what it gets.
    struct Collector {
        url: String,
        seen: Arc<Mutex<Vec<Sent>>>,
    }

    impl Collector {
        fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let seen = Arc::new(Mutex::new(Vec::new()));
            let kept = Arc::clone(&seen);
            thread::spawn(move || {
                listener.incoming().for_each(|stream| answer(stream.unwrap(), &kept));
            });
            Self { url, seen }
        }

        /// The bodies that were sent to `path`, as one.
        fn sent(&self, path: &str) -> Vec<u8> {
            let seen = self.seen.lock().unwrap();
            let begins = format!("POST {path} ");
            let bodies = seen.iter().filter(|sent| sent.head.starts_with(&begins));
            bodies.flat_map(|sent| sent.body.clone()).collect()
        }
    }

    /// Keeps what is sent on `stream`, and takes it.
    fn answer(mut stream: TcpStream, kept: &Mutex<Vec<Sent>>) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = bytes.trim().parse().unwrap();
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        kept.lock().unwrap().push(Sent { head, body });
        let taken = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(taken.as_bytes()).unwrap();
    }

    fn holds(bytes: &[u8], text: &[u8]) -> bool {
        bytes.windows(text.len()).any(|window| window == text)
    }

    #[test]
    fn spans_and_metrics_are_sent_before_it_ends() {
        let collector = Collector::start();
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str());
        let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-token=planted-header");
        let ran = ask(&[endpoint, headers], &[]);
        let (spans, metrics) = (collector.sent("/v1/traces"), collector.sent("/v1/metrics"));
        for name in ["chat tiny", "invoke_agent main", "gen_ai.usage.input_tokens", "branchwork"] {
            assert!(holds(&spans, name.as_bytes()), "{name}");
        }
        for name in ["gen_ai.client.token.usage", "gen_ai.invoke_agent.duration"] {
            assert!(holds(&metrics, name.as_bytes()), "{name}");
        }
        for secret in [KEY, "planted-header", "warm"] {
            assert!(!holds(&spans, secret.as_bytes()) && !holds(&metrics, secret.as_bytes()));
        }
        let heads: Vec<String> =
            collector.seen.lock().unwrap().iter().map(|sent| sent.head.clone()).collect();
        assert!(heads.iter().all(|head| head.contains("x-token: planted-header")), "{heads:?}");
        assert!(!ran.err.contains("sent") && !ran.err.contains("planted-header"), "{ran:?}");
    }

    #[test]
    fn what_is_turned_off_is_not_sent() {
        for (off, spans, metrics) in [
            (("OTEL_SDK_DISABLED", "true"), false, false),
            (("OTEL_TRACES_EXPORTER", "none"), false, true),
            (("OTEL_METRICS_EXPORTER", "none"), true, false),
            (("OTEL_TRACES_SAMPLER", "always_off"), false, true),
        ] {
            let collector = Collector::start();
            ask(&[("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), off], &[]);
            assert_eq!(!collector.sent("/v1/traces").is_empty(), spans, "{off:?}");
            assert_eq!(!collector.sent("/v1/metrics").is_empty(), metrics, "{off:?}");
        }
        let collector = Collector::start();
        let traces = format!("{}/here", collector.url);
        ask(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.as_str())], &[]);
        assert!(holds(&collector.sent("/here"), b"chat tiny"));
        assert_eq!(collector.seen.lock().unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_sent_is_told_and_changes_nothing() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let endpoint = format!("http://{gone}");
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
        let ran = ask(&[endpoint], &[]);
        assert!(ran.err.contains("telemetry could not be sent: 127.0.0.1: "), "{ran:?}");
        assert!(!ask(&[endpoint], &["-q"]).err.contains("sent"));
        let ran = ask(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], &[]);
        assert!(ran.err.contains("is `grpc`, and branchwork speaks http/protobuf only"), "{ran:?}");
        let ran = ask(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "no url")], &[]);
        assert!(ran.err.contains("nothing is sent: "), "{ran:?}");
        let ran = ask(&[endpoint, ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")], &[]);
        assert!(ran.err.contains("is `soon`, which are no milliseconds"), "{ran:?}");
    }

    #[test]
    fn a_fork_is_linked_with_its_anchor_from_another_process() {
        let server = Server::start([Answer::Text(&["a"]), Answer::Text(&["b"])]);
        let home = Home::new();
        let run = |arguments: &[&str]| {
            let collector = Collector::start();
            let mut command = home.command(server.options());
            command.args(arguments).env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
            let ran = Ran::new(&command.output().unwrap());
            assert_eq!(ran.code, 0, "{ran:?}");
            collector.sent("/v1/traces")
        };
        let first = run(&["one"]);
        let sessions = home.json(&["ls"]);
        let trip = sessions["sessions"][0]["id"].as_str().unwrap().to_owned();
        let log = home.json(&["log", &trip]);
        let traceparent =
            log["messages"][0]["metadata"]["branchwork.traceparent"].as_str().unwrap();
        let parts: Vec<&str> = traceparent.split('-').collect();
        let trace = u128::from_str_radix(parts[1], 16).unwrap().to_be_bytes();
        let span = u64::from_str_radix(parts[2], 16).unwrap().to_be_bytes();
        assert!(holds(&first, &trace) && holds(&first, &span));
        home.json(&["fork", &trip, "--name", "other"]);
        let second = run(&["-S", &trip, "-b", "other", "two"]);
        assert!(holds(&second, &trace) && holds(&second, &span), "the link holds both");
    }
}
