//! Bad input: each case has its exit code, one line that says why, and loses nothing.

use std::{fs, path::Path};

use crate::support::{Home, prefix, run_with};

/// A command line that must fail, and how.
#[derive(Clone)]
struct Case(i32, &'static str, Vec<String>, &'static [u8]);

fn case(code: i32, what: &'static str, arguments: &[&str]) -> Case {
    Case(code, what, arguments.iter().map(|argument| (*argument).to_owned()).collect(), b"")
}

fn with_input(case: Case, input: &'static [u8]) -> Case {
    Case(case.0, case.1, case.2, input)
}

/// What can be said wrongly of places in a session `trip` with three messages.
fn wrong_places() -> Vec<Case> {
    vec![
        case(3, "unknown session", &["log", "nowhere"]),
        case(3, "unknown branch", &["log", "trip@nowhere"]),
        case(3, "unknown session by identifier", &["log", "ses_00000000000000000000000000"]),
        case(3, "unknown message", &["rewind", "trip", "--to", "msg_zzzz"]),
        case(3, "identifier of another kind", &["rewind", "trip", "--to", "op_0000"]),
        case(3, "a log up to before the first message", &["log", "trip~99"]),
        case(3, "message beyond the first", &["fork", "trip", "--at", "~9"]),
        case(3, "unknown message to edit", &["edit", "trip", "msg_zz", "x"]),
        case(3, "unknown message to remove", &["remove", "trip", "nope"]),
        case(3, "unknown op", &["restore", "trip", "--to", "op_zzzz"]),
        case(3, "a setting that is not set", &["config", "get", "model"]),
        case(4, "a copy over a file", &["db", "backup", "."]),
        case(1, "a copy into no directory", &["db", "backup", "nowhere/copy.db"]),
        case(3, "no session made for lines of no use", &["log", "fresh"]),
        case(2, "an empty reference", &["log", ""]),
        case(2, "two at signs", &["log", "a@b@c"]),
        case(2, "an empty branch", &["log", "trip@"]),
        case(2, "no number after a tilde", &["log", "trip~x"]),
        case(2, "a number that is too large", &["log", "trip~99999999999999999999999"]),
        case(2, "a message where a branch is wanted", &["undo", "trip~1"]),
        case(2, "a branch where a session is wanted", &["tree", "trip@main"]),
        case(2, "a session where a branch is wanted", &["branch", "delete", "trip", "--yes"]),
        case(2, "more messages than there are", &["rewind", "trip", "--steps", "9"]),
        case(2, "a negative number", &["rewind", "trip", "--steps", "-1"]),
        case(2, "nowhere to rewind to", &["rewind", "trip"]),
        case(2, "two places to rewind to", &["rewind", "trip", "--to", "~1", "--steps", "1"]),
        case(2, "the place named twice", &["fork", "trip~1", "--at", "~1"]),
        case(2, "unknown command option", &["log", "trip", "--bogus"]),
        case(2, "a missing argument", &["append", "trip"]),
        case(2, "a surplus argument", &["version", "now"]),
        case(2, "an option of a prompt before a command", &["-m", "x:y", "log", "trip"]),
        case(2, "no number", &["log", "trip", "-n", "many"]),
        case(3, "no such message", &["log", "trip@main~3", "-n", "0"]),
    ]
}

/// Messages that cannot be appended.
fn wrong_messages() -> Vec<Case> {
    vec![
        case(2, "unknown role", &["append", "trip", "--role", "king", "x"]),
        case(2, "a role in the wrong case", &["append", "trip", "--role", "User", "x"]),
        case(2, "a tool message without a call", &["append", "trip", "--role", "tool", "x"]),
        case(
            2,
            "a result for a call nobody made",
            &["append", "trip", "--role", "tool", "--call", "c", "x"],
        ),
        case(
            2,
            "a call that is no tool's",
            &["append", "trip", "--role", "user", "--call", "c", "x"],
        ),
        case(2, "an empty message", &["append", "trip", "--role", "user", ""]),
        case(2, "an empty sender", &["append", "trip", "--role", "user", "--sender", " ", "x"]),
        case(
            2,
            "a sender with a line break",
            &["append", "trip", "--role", "user", "--sender", "a\nb", "x"],
        ),
        case(
            2,
            "text and lines at once",
            &["append", "trip", "--role", "user", "x", "--jsonl", "-"],
        ),
        case(
            2,
            "a file of lines that is not there",
            &["append", "trip", "--jsonl", "nowhere.jsonl"],
        ),
        case(2, "a folder of lines", &["append", "trip", "--jsonl", "."]).or(1),
        with_input(case(2, "not UTF-8", &["append", "trip", "--role", "user", "-"]), b"caf\xe9"),
        with_input(case(2, "a NUL byte", &["append", "trip", "--role", "user", "-"]), b"a\0b"),
        with_input(case(2, "malformed JSON", &["append", "trip", "--jsonl", "-"]), b"{\"role\":"),
        with_input(case(2, "no object", &["append", "trip", "--jsonl", "-"]), b"[1]"),
        with_input(
            case(2, "unknown field", &["append", "trip", "--jsonl", "-"]),
            b"{\"role\":\"user\",\"content\":\"x\",\"colour\":1}",
        ),
        with_input(
            case(2, "content that is no text", &["append", "trip", "--jsonl", "-"]),
            b"{\"role\":\"user\",\"content\":1}",
        ),
        with_input(
            case(2, "no content", &["append", "trip", "--jsonl", "-"]),
            b"{\"role\":\"user\"}",
        ),
        with_input(
            case(2, "lines that are not UTF-8", &["append", "trip", "--jsonl", "-"]),
            b"{\"role\":\"user\",\"content\":\"\xff\"}",
        ),
        case(2, "no lines at all", &["append", "trip", "--jsonl", "-"]),
        case(2, "a tool message among the lines", &["append", "trip", "--jsonl", "-"])
            .input(b"{\"role\":\"tool\",\"content\":\"x\"}"),
        case(3, "a session that is not made", &["append", "new", "--role", "user", "x"]),
        case(
            3,
            "a branch that is not made",
            &["append", "new@side", "--create", "--role", "user", "x"],
        ),
    ]
}

/// Names and changes that cannot be.
fn wrong_changes() -> Vec<Case> {
    vec![
        case(2, "a session name with an at sign", &["sessions", "rename", "trip", "a@b"]),
        case(2, "a session name that is empty", &["sessions", "rename", "trip", ""]),
        case(2, "a branch name with a tilde", &["fork", "trip", "--name", "a~1"]),
        case(2, "a branch name that is too long", &["fork", "trip", "--name", &"x".repeat(201)]),
        case(4, "a branch name that is taken", &["fork", "trip", "--name", "main"]),
        case(4, "a session name that is taken", &["sessions", "rename", "other", "trip"]),
        case(4, "deleting the default branch", &["branch", "delete", "trip@main", "--yes"]),
        case(2, "deleting without a word", &["sessions", "delete", "trip"]),
        case(2, "redoing nothing", &["redo", "trip"]),
        case(2, "an edit to nothing", &["edit", "trip", "~0", ""]),
        case(2, "an edit with a NUL byte", &["edit", "trip", "~1", "-"]).input(b"a\0b"),
        case(2, "searching for nothing", &["sessions", "search", " "]),
    ]
}

/// Prompts, models and servers that cannot be asked.
fn wrong_prompts() -> Vec<Case> {
    let ask = ["--base-url", "http://127.0.0.1:9/v1", "-m", "tiny"];
    let prompt = |code, what, more: &[&str]| case(code, what, &[&ask[..], more].concat());
    vec![
        prompt(2, "an empty prompt", &[""]),
        prompt(2, "a prompt of spaces", &["  "]),
        prompt(2, "a session and --new", &["-S", "trip", "--new", "x"]),
        prompt(3, "an unknown session", &["-S", "nowhere", "x"]),
        prompt(3, "an unknown branch", &["-S", "trip", "-b", "nowhere", "x"]),
        prompt(3, "an unknown message", &["-S", "trip", "--from", "msg_zz", "x"]),
        prompt(2, "a branch of no session", &["-b", "main", "x"]),
        prompt(2, "a system text for an old session", &["-S", "trip", "-s", "y", "x"]),
        prompt(4, "a title that is taken", &["-t", "trip", "x"]),
        prompt(2, "too hot", &["--temperature", "9", "x"]),
        prompt(2, "not a number", &["--temperature", "NaN", "x"]),
        prompt(2, "no tokens", &["--max-tokens", "0", "x"]),
        prompt(5, "a server that is down", &["x"]),
        prompt(2, "a prompt that is not UTF-8", &["-"]).input(b"\xff\xfe"),
        prompt(2, "a prompt with a NUL byte", &["-"]).input(b"a\0b"),
        case(2, "a model without a name", &["-m", "openai:", "x"]),
        case(5, "an unknown provider", &["-m", "nobody:x", "q"]),
        case(5, "a provider without its key", &["-m", "openai:x", "q"]),
        case(2, "a URL of another kind", &["--base-url", "ftp://x", "-m", "m", "q"]),
        case(2, "a URL with a password", &["--base-url", "http://u:p@x/v1", "-m", "m", "q"]),
        case(2, "a URL that is none", &["--base-url", "http://", "-m", "m", "q"]),
        case(2, "an unknown setting", &["config", "set", "modle", "x"]),
        case(2, "a backup over a file", &["db", "backup", ".local/share/branchwork/branchwork.db"])
            .or(1)
            .or(4)
            .or(7),
    ]
}

impl Case {
    /// Another code that is as good.
    fn or(mut self, code: i32) -> Self {
        self.0 = self.0 * 1_000 + code;
        self
    }

    fn input(self, input: &'static [u8]) -> Self {
        with_input(self, input)
    }

    fn codes(&self) -> Vec<i32> {
        let mut rest = self.0;
        let mut codes = Vec::new();
        while rest > 0 {
            codes.push(rest % 1_000);
            rest /= 1_000;
        }
        codes
    }
}

#[test]
fn each_wrong_word_has_its_code_and_changes_nothing() {
    let home = Home::with_trip();
    home.json(&["append", "other", "--create", "--role", "user", "x"]);
    let texts = home.texts("trip");
    let cases = [wrong_places(), wrong_messages(), wrong_changes(), wrong_prompts()].concat();
    assert!(cases.len() >= 80, "{}", cases.len());
    for case in cases {
        let arguments: Vec<_> = case.2.iter().map(String::as_str).collect();
        let ran = home.run_with(case.3, &arguments);
        assert!(case.codes().contains(&ran.code), "{}: {ran:?}", case.1);
        ran.fails(ran.code, case.1);
        assert_eq!(home.texts("trip"), texts, "{}", case.1);
    }
    assert_eq!(home.json(&["db", "verify"])["ok"], true);
    assert_eq!(home.json(&["branch", "list", "trip"])["branches"].as_array().unwrap().len(), 1);
}

#[test]
fn a_prefix_of_several_sessions_names_them() {
    let home = Home::new();
    for number in 0..40 {
        let name = format!("s{number}");
        home.json(&["append", &name, "--create", "--role", "user", "x"]);
    }
    let list = home.json(&["ls"]);
    let ids = list["sessions"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap());
    let mut prefixes: Vec<String> = ids.map(|id| id.chars().take(5).collect()).collect();
    prefixes.sort();
    // Forty sessions and eight first digits: two share one.
    let shared = prefixes.windows(2).find(|pair| pair[0] == pair[1]).unwrap();
    let ran = home.run(&["log", &shared[0]]);
    ran.fails(3, "ambiguous");
    assert!(ran.err.contains("hint: it could be ses_"), "{ran:?}");
}

#[test]
fn a_prompt_of_a_hundred_megabytes_is_refused_and_nothing_is_made() {
    let home = Home::new();
    let prompt = vec![b'x'; 100 << 20];
    let ran = home.run_with(&prompt, &["--base-url", "http://127.0.0.1:9/v1", "-m", "tiny", "-"]);
    ran.fails(6, "too long");
    assert!(!home.db().exists());
}

/// Puts `bytes` where the sessions are, and answers what the program makes of it.
fn opened(bytes: &[u8]) -> (crate::support::Ran, bool) {
    let home = Home::new();
    fs::create_dir_all(home.db().parent().unwrap()).unwrap();
    fs::write(home.db(), bytes).unwrap();
    let ran = home.run(&["append", "trip", "--create", "--role", "user", "x"]);
    (ran, fs::read(home.db()).unwrap() == bytes)
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_as_it_is() {
    let whole = fs::read(Home::with_trip().db()).unwrap();
    let mut newer = whole.clone();
    // The version that SQLite keeps for its user: bytes 60 to 63 of the file.
    newer[60..64].copy_from_slice(&999_u32.to_be_bytes());
    let mut foreign = whole.clone();
    foreign[68..72].copy_from_slice(&7_u32.to_be_bytes());
    let text = b"This is a letter, and no database at all.".repeat(40);
    for (what, bytes) in [("text", text), ("newer", newer), ("foreign", foreign)] {
        let (ran, untouched) = opened(&bytes);
        ran.fails(7, what);
        assert!(untouched, "{what} was touched");
    }
    let (ran, _) = opened(&whole[..whole.len() / 2]);
    ran.fails(7, "truncated");
}

#[test]
fn paths_that_cannot_hold_a_store_are_refused() {
    let home = Home::new();
    fs::create_dir(home.path("folder")).unwrap();
    let append = ["append", "trip", "--create", "--role", "user", "x"];
    for (what, path) in
        [("a folder", "folder"), ("nowhere", "no/such/folder/x.db"), ("a device", "/dev/null")]
    {
        let ran = home.run(&[&["--db", path][..], &append].concat());
        ran.fails(7, what);
    }
    home.run(&["--db", "absent.db", "log", "trip"]).fails(3, "absent");
    assert!(!Path::new(&home.path("absent.db")).exists());
}

#[test]
fn a_file_without_room_loses_nothing() {
    let home = Home::with_trip();
    // A limit of the system on the size of files stands for a full disk.
    let script = format!(
        "trap '' XFSZ; ulimit -f 128; exec {} append trip --role user -",
        env!("CARGO_BIN_EXE_branchwork")
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).env_clear().env("HOME", home.path(""));
    let ran = run_with(command, &vec![b'x'; 4 << 20]);
    ran.fails(1, "no room");
    assert_eq!(home.texts("trip").len(), 3);
    assert_eq!(home.json(&["db", "verify"])["ok"], true);
    home.json(&["append", "trip", "--role", "user", "there is room again"]);
}

#[test]
fn the_configuration_file_is_read_with_care() {
    let home = Home::with_trip();
    let path = home.path(".config/branchwork/config.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    for (what, text) in [
        ("unknown setting", "modle = 'x'"),
        ("wrong type", "model = 3"),
        ("no TOML", "= ="),
        ("unknown key of a provider", "[providers.x]\nkey = 'secret'"),
    ] {
        fs::write(&path, text).unwrap();
        home.run(&["log", "trip"]).fails(2, what);
    }
    fs::write(&path, "# mine\nmodel = 'a:b' # here\n").unwrap();
    home.json(&["config", "set", "aliases.fast", "c:d"]);
    let text = crate::support::text_of(&path);
    assert!(text.starts_with("# mine\nmodel = 'a:b' # here\n"), "comments stay: {text}");
    assert_eq!(home.json(&["config", "get", "aliases.fast"])["value"], "c:d");
}

#[test]
fn a_prefix_is_enough_wherever_an_identifier_is_wanted() {
    let home = Home::with_trip();
    let ids = home.ids("trip");
    home.json(&["rewind", "trip", "--to", &prefix(&ids[1])]);
    assert_eq!(home.texts("trip").len(), 2);
    let digits = prefix(&ids[0]).replace("msg_", "").to_uppercase();
    home.json(&["edit", "trip", &digits, "Be long."]);
    assert_eq!(home.texts("trip")[0], "Be long.");
}
