//! A key is planted by each way it can come in; a long run with servers that repeat it wherever they can, and
//! with everything that prints, exports and keeps, must not show a part of it anywhere.

mod answers;
mod sweep;

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use self::sweep::Sweep;
use crate::{
    mcp_servers,
    server::{Answer, Server},
    support::{Home, Ran, run_with},
};

/// The token of MCP servers, which is planted with every key.
const TOKEN: &str = "tok-Hd9/2xQz+7Lp=4VnB6wKc1";

/// A way for a key to come in.
struct Route {
    key: &'static str,
    variable: &'static str,
    /// What the configuration says of the provider, beside its address.
    config: &'static str,
    /// Where the key may be, and nowhere else.
    file: Option<&'static str>,
}

/// A home in which a key was planted, and all that was printed in it.
struct Run {
    home: Home,
    server: Server,
    route: Route,
    sweeps: [Sweep; 2],
}

impl Run {
    fn new(route: Route, lists: Vec<Answer>, answers: Vec<Answer>) -> Self {
        let server = Server::listing(lists, answers);
        // An MCP server that ends with its token on its lips, and one that refuses it.
        let refused = answers::failures(TOKEN).into_iter().map(|(_, answer)| answer);
        let wiki = Server::start(refused).url;
        let config = format!(
            "[mcp-servers.broken]\ncommand = 'sh'\nargs = ['-c', 'echo \"no $TOKEN\" >&2; exit 1']\n\
             env = {{ TOKEN = 'env:WIKI_TOKEN' }}\n\
             [mcp-servers.wiki]\nurl = '{wiki}'\nheaders = {{ authorization = 'Bearer env:WIKI_TOKEN' }}\n\
             [providers.lab]\nbase_url = '{}'\n{}",
            server.url, route.config
        );
        let home = mcp_servers::home(&config);
        fs::create_dir(home.path("tmp")).unwrap();
        let sweeps = [Sweep::for_key(route.key), Sweep::for_key(TOKEN)];
        Self { home, server, route, sweeps }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.env(self.route.variable, self.route.key).env("WIKI_TOKEN", TOKEN);
        // Everything that can be told, with what was said.
        command.env("BRANCHWORK_LOG", "trace").env("RUST_BACKTRACE", "full");
        command.env("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true");
        command.env("TMPDIR", self.home.path("tmp")).env("OLLAMA_HOST", "127.0.0.1:9");
        command
    }

    /// Runs a command, and looks at what it prints.
    fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let ran = run_with(self.command(arguments), input.as_bytes());
        self.is_clean(&format!("{}\n{}", ran.out, ran.err), arguments);
        ran
    }

    fn goes_well(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments, "");
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran
    }

    fn is_clean(&self, text: &str, what: &[&str]) {
        for sweep in &self.sweeps {
            let found = sweep.find(text.as_bytes());
            assert_eq!(found, None, "{what:?} shows a part of a key: {text}");
        }
    }

    /// Looks at every file there is.
    fn leaves_nothing(&self) {
        let allowed = self.route.file.map(|file| self.home.path(file).display().to_string());
        let in_allowed = |found: &String| {
            // That file alone, and no copy whose name begins so.
            allowed.as_ref().is_some_and(|file| found.starts_with(&format!("{file}: ")))
        };
        for sweep in &self.sweeps {
            let (mut found, looked_at) = sweep.below(&self.home.path(""));
            found.retain(|found| !in_allowed(found));
            assert!(found.is_empty(), "parts of a key are in {found:#?}");
            assert!(looked_at > 3, "{looked_at} files");
        }
        if let Some(file) = &allowed {
            let bytes = fs::read(file).unwrap();
            assert!(self.sweeps[0].find(&bytes).is_some(), "what finds keys finds this one");
        }
    }
}

#[test]
fn a_key_of_the_environment_is_shown_nowhere() {
    long_run(Route {
        key: "sk-Wn3/8fTq+5ZrJ=1dKx7vGb9Ym2Pc",
        variable: "LAB_KEY",
        config: "key_env = 'LAB_KEY'\n",
        file: None,
    });
}

#[test]
fn a_key_of_the_file_of_keys_is_shown_nowhere() {
    long_run(Route {
        key: "sk-Bt6/4hRw+9MsE=3qUz0jNf5Xa8Ld",
        variable: "UNUSED",
        config: "",
        file: Some(".config/branchwork/keys.toml"),
    });
}

#[test]
fn a_key_of_a_named_file_is_shown_nowhere() {
    long_run(Route {
        key: "sk-Yv1/7kDp+2GxQ=6oHs4cIe8Zu5Jr",
        variable: "UNUSED",
        config: "key_file = 'lab.key'\n",
        file: Some(".config/branchwork/lab.key"),
    });
}

fn long_run(route: Route) {
    let key = route.key;
    let failures = answers::failures(key);
    let (names, mut answers): (Vec<_>, Vec<_>) = failures.into_iter().unzip();
    let failed = names.len();
    answers.extend(answers::answers(key));
    let answered = answers.len() - failed;
    answers.extend((0..8).map(|_| Answer::Text(&["well"])));
    let lists = answers::lists(key);
    let listed = lists.len();
    let run = Run::new(route, lists, answers);
    plant(&run);
    run.goes_well(&["append", "trip", "--create", "--role", "user", "Who am I?"]);
    for (index, name) in names.iter().enumerate() {
        let form = ["--raw", "--json", "--stream-json"][index % 3];
        let asked = ["-S", "trip", "-m", "lab:tiny", "--record", "wire.jsonl", form, "q"];
        let ran = run.run(&asked, "");
        assert_eq!(ran.code, 5, "{name}: {ran:?}");
    }
    for index in 0..answered {
        let form = ["--json", "--stream-json"][index % 2];
        let asked = ["-S", "trip", "-m", "lab:tiny", "--record", "wire.jsonl", form, "Who am I?"];
        let ran = run.run(&asked, "");
        let shown = ran.out.contains("***") || ran.out.contains("well");
        assert!(ran.code == 0 && shown, "{index}: {ran:?}");
    }
    for _ in 0..listed / 2 {
        run.run(&["models", "lab", "--json"], "");
        run.run(&["doctor"], "");
    }
    let recording = fs::read_to_string(run.home.path("wire.jsonl")).unwrap();
    assert_eq!(recording.lines().count(), 1 + failed + answered, "all of it is recorded");
    run.goes_well(&["replay", "trip", "--drift"]);
    everything_that_prints(&run);
    while_it_runs(&run);
    let keys = run.server.keys();
    assert!(keys.len() > failed + answered, "{} requests", keys.len());
    assert!(keys.iter().all(|sent| sent.as_deref() == Some(key)), "the key was sent each time");
    run.leaves_nothing();
}

/// Puts the key where its route has it.
fn plant(run: &Run) {
    match run.route.file {
        Some(file) if file.ends_with("keys.toml") => {
            let ran = run.run(&["keys", "set", "lab"], run.route.key);
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        Some(file) => {
            let path = run.home.path(file);
            let mut options = fs::OpenOptions::new();
            let mut file = options.create_new(true).write(true).mode(0o600).open(path).unwrap();
            file.write_all(run.route.key.as_bytes()).unwrap();
        }
        None => {}
    }
}

/// Every command that prints, exports or keeps what there is, as text and as JSON.
fn everything_that_prints(run: &Run) {
    let out = |name: &str| run.home.path(name).display().to_string();
    let plain = [
        "keys list",
        "keys path",
        "config show",
        "config path",
        "config get providers.lab.base_url",
        "mcp-servers list",
        "sessions list",
        "sessions show trip",
        "tree trip",
        "log trip",
        "info trip",
        "reflog trip",
        "events trip",
        "usage",
        "usage --by branch",
        "usage --by model",
        "usage --by day",
        "search API",
        "fork trip --name side",
        "append trip@side --role user more",
        "diff trip@main trip@side",
        "merge trip@side --into main",
        "fan-out trip One? -m lab:tiny",
        "compact trip --keep 2 -m lab:tiny",
        "-S trip -m lab:tiny --dry-run q",
        "config-branch get trip",
        "config-session get trip",
        "approvals list trip",
        "mail send trip --to side hello",
        "mail inbox trip@side",
        "db verify",
        "db stats",
        "db gc",
    ];
    for line in plain {
        let arguments: Vec<&str> = line.split(' ').collect();
        run.goes_well(&arguments);
        if !["fork", "merge", "compact", "events", "-S"].contains(&arguments[0]) {
            run.goes_well(&[&arguments[..], &["--json"]].concat());
        }
    }
    for format in ["archive", "jsonl", "json", "csv", "markdown"] {
        run.goes_well(&["export", "trip", "--format", format]);
        run.goes_well(&["export", "trip", "--format", format, "-o", &out(format)]);
    }
    for format in ["jsonl", "json", "csv"] {
        run.goes_well(&[
            "export",
            "trip",
            "--calls",
            "--format",
            format,
            "-o",
            &out(&format!("calls.{format}")),
        ]);
        run.goes_well(&[
            "export",
            "trip",
            "--all-branches",
            "--format",
            format,
            "-o",
            &out(&format!("all.{format}")),
        ]);
    }
    run.goes_well(&["--db", &out("other.db"), "import", &out("archive")]);
    run.goes_well(&["db", "backup", &out("backup.db")]);
}

/// Looks at the files while a talk goes on: what is written is in the log of the store, and nowhere else yet.
fn while_it_runs(run: &Run) {
    let mut command = run.command(&["chat", "trip", "-m", "lab:tiny"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"And now?\n").unwrap();
    let mut shown = String::new();
    let mut piece = [0; 64];
    while !shown.contains("well") {
        let length = child.stdout.as_mut().unwrap().read(&mut piece).unwrap();
        assert!(length > 0, "it ended: {shown}");
        shown += &String::from_utf8_lossy(&piece[..length]);
    }
    let log: PathBuf = run.home.db().with_extension("db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 0, "the log of the store");
    run.leaves_nothing();
    drop(stdin);
    let ran = Ran::new(&child.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    run.is_clean(&format!("{shown}{}{}", ran.out, ran.err), &["chat"]);
}
