//! Keys: where they are looked for, and how they are kept.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    thread,
};

use serde_json::{Value, json};

use crate::{
    server::{Answer, Server},
    support::{Home, Ran, run_with, text_of},
};

const KEY: &str = "sk-kept/0123456789+abcdef";

/// A home whose configuration file names the provider `lab`, with `more`, at a server.
fn home(server: &Server, more: &str) -> Home {
    let home = Home::new();
    let config = home.path(".config/branchwork/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, format!("[providers.lab]\nbase_url = '{}'\n{more}", server.url)).unwrap();
    home
}

fn keys_file(home: &Home) -> PathBuf {
    home.path(".config/branchwork/keys.toml")
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    set_mode(path, 0o600);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set(home: &Home, provider: &str, key: &str) -> Ran {
    home.run_with(key.as_bytes(), &["keys", "set", provider])
}

fn never_shows(ran: &Ran, key: &str) {
    assert!(!ran.out.contains(key) && !ran.err.contains(key), "{ran:?}");
}

#[test]
fn a_key_is_kept_for_its_owner_alone_and_sent() {
    let server = Server::start([Answer::Text(&["well"]), Answer::Text(&["well"])]);
    let home = home(&server, "");
    let ran = set(&home, "lab", &format!("  {KEY}\r\n"));
    let path = keys_file(&home);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.err, format!("the key of lab is kept in the file {}\n", path.display()));
    assert_eq!((mode(&path), ran.out.as_str()), (0o600, ""));
    assert_eq!(home.run(&["-m", "lab:tiny", "q"]).code, 0);
    assert_eq!(home.run(&["keys", "path"]).out, format!("{}\n", path.display()));
    let deleted = home.json(&["keys", "remove", "lab"]);
    assert_eq!(deleted, json!({ "deleted": "lab", "place": "keys_file", "at": path }));
    assert_eq!(home.run(&["-m", "lab:tiny", "q"]).code, 0, "a server of one's own may want none");
    assert_eq!(server.keys(), [Some(KEY.to_owned()), None]);
    home.run(&["keys", "delete", "lab"]).fails(3, "a key that is not there");
}

#[test]
fn a_file_written_by_hand_keeps_its_comments_its_link_and_its_mode() {
    let server = Server::start([]);
    let home = home(&server, "");
    let real = home.path("dotfiles/secret.toml");
    write_private(&real, "# of the lab\nlab = 'sk-old' # since May\ngroq = 'sk-groq'\n");
    symlink(&real, keys_file(&home)).unwrap();
    assert_eq!(set(&home, "lab", KEY).code, 0);
    assert_eq!(set(&home, "openai", "sk-openai").code, 0);
    let expected = format!(
        "# of the lab\nlab = \"{KEY}\" # since May\ngroq = 'sk-groq'\nopenai = \"sk-openai\"\n"
    );
    assert_eq!((text_of(&real), mode(&real)), (expected, 0o600));
    assert_eq!(fs::read_link(keys_file(&home)).unwrap(), real);
    assert_eq!(home.run(&["keys", "delete", "groq"]).code, 0);
    assert!(!text_of(&real).contains("groq") && text_of(&real).contains("# since May"));
}

#[test]
fn the_environment_comes_before_a_named_file_before_the_file_of_keys() {
    let server = Server::start([1, 2, 3, 4].map(|_| Answer::Text(&["well"])));
    let home = home(&server, "key_env = 'LAB_KEY'\nkey_file = 'lab.key'\n");
    write_private(&keys_file(&home), "lab = 'sk-of-the-file-of-keys'\n");
    let named = home.path(".config/branchwork/lab.key");
    write_private(&named, "sk-of-the-named-file\n");
    let ask = |key: &str| {
        let mut command = home.command(["-m", "lab:tiny", "q"]);
        command.env("LAB_KEY", key);
        let ran = run_with(command, b"");
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    ask("sk-of-the-environment");
    ask("");
    let listed = home.json(&["keys", "list"]);
    let row = |place: &str, at: &Path, used: bool| json!({ "provider": "lab", "place": place, "at": at, "used": used, "problem": null });
    let rows = [row("key_file", &named, true), row("keys_file", &keys_file(&home), false)];
    assert_eq!(listed, json!({ "keys": rows, "strangers": 0 }));
    let ran = set(&home, "lab", "sk-of-the-file-of-keys-2");
    assert!(ran.err.contains("but the file") && ran.err.contains("lab.key"), "{ran:?}");
    fs::remove_file(&named).unwrap();
    let gone = home.run(&["-m", "lab:tiny", "q"]);
    gone.fails(2, "a file that is named and not there");
    fs::write(home.path(".config/branchwork/config.toml"), config_of(&server)).unwrap();
    ask("");
    // The same call names the server and the provider.
    let ran = home.run(&["--base-url", &server.url, "-m", "lab:tiny", "q"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let sent = server.keys().into_iter().flatten().collect::<Vec<_>>();
    let of_keys = "sk-of-the-file-of-keys-2";
    assert_eq!(sent, ["sk-of-the-environment", "sk-of-the-named-file", of_keys, of_keys]);
}

fn config_of(server: &Server) -> String {
    format!("[providers.lab]\nbase_url = '{}'\n", server.url)
}

#[test]
fn a_file_that_others_can_use_is_refused_with_the_remedy() {
    let server = Server::start([Answer::Text(&["well"])]);
    let home = home(&server, "");
    write_private(&keys_file(&home), &format!("lab = '{KEY}'\n"));
    let ask = ["-m", "lab:tiny", "q"];
    for wrong in [0o644, 0o640, 0o620, 0o602, 0o604, 0o601] {
        set_mode(&keys_file(&home), wrong);
        for arguments in
            [&ask[..], &["keys", "list"], &["keys", "delete", "lab"], &["models", "lab"]]
        {
            let ran = home.run(arguments);
            ran.fails(2, "a file of keys that others can use");
            assert!(ran.err.contains(&format!("its mode is {wrong:o}")), "{ran:?}");
            assert!(
                ran.err.contains("hint: `chmod 600 ") && ran.err.contains("keys.toml`"),
                "{ran:?}"
            );
            never_shows(&ran, KEY);
        }
        set(&home, "lab", "sk-new").fails(2, "nor is it written to");
    }
    assert!(server.requests().is_empty() && !home.db().exists());
    assert_eq!(home.json(&["keys", "path"])["path"], keys_file(&home).to_str().unwrap());
    let doctor = home.run(&["doctor"]);
    assert!(doctor.code == 1 && doctor.out.contains("bad  keys: "), "{doctor:?}");
    set_mode(&keys_file(&home), 0o400);
    assert_eq!(home.run(&ask).code, 0);
    let named = home.path("lab.key");
    write_private(&named, KEY);
    home.json(&["config", "set", "providers.lab.key_file", "~/lab.key"]);
    set_mode(&named, 0o604);
    let ran = home.run(&ask);
    ran.fails(2, "a named file that others can use");
    assert!(ran.err.contains("lab.key is not private"), "{ran:?}");
}

#[test]
fn what_is_no_file_of_keys_is_told_without_what_is_in_it() {
    let server = Server::start([]);
    let home = home(&server, "key_file = 'lab.key'\n");
    let (file, named) = (keys_file(&home), home.path(".config/branchwork/lab.key"));
    let planted = format!("lab = {KEY}\n");
    write_private(&file, &planted);
    write_private(&named, &format!("{KEY}\nsecond line\n"));
    let check = |arguments: &[&str], said: &str| {
        let ran = home.run(arguments);
        ran.fails(2, said);
        assert!(ran.err.contains(said), "{ran:?}");
        never_shows(&ran, KEY);
    };
    check(&["keys", "list"], "keys.toml is wrong: line 1: ");
    check(&["-m", "lab:tiny", "q"], "lab.key: what was given is no key");
    write_private(&named, "\n");
    check(&["-m", "lab:tiny", "q"], "lab.key: no key was given");
    fs::remove_file(&named).unwrap();
    fs::create_dir(&named).unwrap();
    check(&["-m", "lab:tiny", "q"], "lab.key is no file");
    write_private(&file, &"# much\n".repeat(40_000));
    home.run(&["keys", "list"]).fails(6, "a file of keys that is too long");
    fs::write(&file, b"lab = '\xff'").unwrap();
    check(&["keys", "list"], "keys.toml is not UTF-8 text");
}

#[test]
fn what_is_no_key_is_refused_and_never_repeated() {
    let home = Home::new();
    for (code, input) in [
        (2, ""),
        (2, " \n"),
        (2, "two words"),
        (2, "sk-one\nsk-two\n"),
        (2, "caf\u{e9}"),
        (6, &"k".repeat(9_000)),
    ] {
        let ran = set(&home, "openai", input);
        ran.fails(code, "what is no key");
        assert!(!ran.err.contains("sk-") && !ran.err.contains("kkk"), "{ran:?}");
    }
    for (arguments, said) in [
        (&["keys", "set", "openai", KEY][..], "never taken from the command line"),
        (&["keys", "set", KEY, "openai"], "never taken from the command line"),
        (
            &["keys", "set", "openai", "--keyring", KEY, "--json"],
            "never taken from the command line",
        ),
        (&["keys", "set", "openai", "--key", KEY], "never taken from the command line"),
        (&["keys", "set", &format!("--key={KEY}"), "openai"], "--key"),
        (&["keys", "set", KEY], "there is no provider of that name"),
        (&["keys", "delete", KEY], "there is no provider of that name"),
        (&["config", "set", "providers.lab.key_env", KEY], "must be the name of a variable"),
        (&["config", "set", "providers.lab.key", KEY], "there is no setting"),
    ] {
        let ran = home.run_with(b"sk-piped", arguments);
        assert!(ran.code != 0 && ran.err.contains(said), "{arguments:?}: {ran:?}");
        never_shows(&ran, KEY);
    }
    assert!(!keys_file(&home).exists());
    let near = set(&home, "opnai", "sk-1");
    near.fails(5, "a name that is misspelled");
    assert!(near.err.contains("did you mean `openai`?"), "{near:?}");
    let none = set(&home, "somebody", "sk-1");
    assert!(none.err.contains("there are ") && none.err.contains(", groq, "), "{none:?}");
}

#[test]
fn many_processes_keep_keys_at_once_and_none_is_lost() {
    let home = Home::new();
    let providers = ["openai", "groq", "mistral", "xai", "deepseek", "together", "vllm", "ollama"];
    // What a run that was killed may have left.
    let left = home.path(".config/branchwork/keys.toml.new");
    write_private(&left, "openai = 'half");
    set_mode(&left, 0o666);
    thread::scope(|threads| {
        for provider in providers {
            let home = &home;
            threads.spawn(move || assert_eq!(set(home, provider, KEY).code, 0, "{provider}"));
        }
    });
    let listed = home.json(&["keys", "list"]);
    assert_eq!(listed["keys"].as_array().unwrap().len(), providers.len(), "{listed}");
    assert_eq!(mode(&keys_file(&home)), 0o600);
    let folder = fs::read_dir(home.path(".config/branchwork")).unwrap();
    let mut names: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["keys.toml", "keys.toml.lock"], "nothing is left behind");
}

#[test]
fn the_list_and_doctor_say_where_keys_come_from_and_show_none() {
    let server = Server::start([]);
    let home = home(&server, "");
    write_private(&keys_file(&home), &format!("lab = '{KEY}'\n'{KEY}' = 'openai'\n"));
    let run = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("GROQ_API_KEY", "gsk-of-the-environment").env("OLLAMA_HOST", "127.0.0.1:9");
        let ran = run_with(command, b"");
        never_shows(&ran, KEY);
        never_shows(&ran, "gsk-of");
        ran
    };
    let path = keys_file(&home).display().to_string();
    let ran = run(&["keys", "list"]);
    let expected = format!("groq  the variable GROQ_API_KEY\nlab  the file {path}\n");
    assert_eq!((ran.code, ran.out), (0, expected));
    assert_eq!(ran.err, format!("the file {path} has 1 more, of no provider that is known\n"));
    assert_eq!(run(&["keys", "list", "--json"]).code, 0);
    let plain = run(&["doctor"]).out;
    assert!(plain.contains(&format!("ok   keys: {path}, 2 keys\n")), "{plain}");
    assert!(plain.contains(&format!("2 models; the key is that of the file {path}\n")), "{plain}");
    assert!(plain.contains("; the key is that of the variable GROQ_API_KEY\n"), "{plain}");
    let doctor: Value = serde_json::from_str(&run(&["doctor", "--json"]).out).unwrap();
    let checks = doctor["checks"].as_array().unwrap();
    let lab = checks.iter().find(|check| check["check"] == "provider lab").unwrap();
    assert_eq!(lab["key"], json!({ "place": "keys_file", "at": path }));
}

#[test]
fn the_keyring_keeps_a_key_where_there_is_one() {
    let server = Server::start([Answer::Text(&["well"])]);
    // No other test and no person has a provider of this name.
    let provider = format!("test-{}", std::process::id());
    let home = Home::new();
    home.json(&["config", "set", &format!("providers.{provider}.base_url"), &server.url]);
    let run = |command: &str, input: &str| {
        home.run_with(input.as_bytes(), &["keys", command, &provider, "--keyring"])
    };
    let kept = run("set", KEY);
    never_shows(&kept, KEY);
    if !cfg!(feature = "keyring") {
        kept.fails(2, "a program that was built without the keyring");
        run("delete", "").fails(2, "a program that was built without the keyring");
        assert!(kept.err.contains("`--features keyring`"), "{kept:?}");
        return;
    }
    if kept.code == 1 {
        // A kernel or a container without one: it is said, and nothing else depends on it.
        kept.fails(1, "no keyring");
        assert!(kept.err.contains("the keyring cannot be used"), "{kept:?}");
        assert_eq!(home.run(&["-m", &format!("{provider}:tiny"), "q"]).code, 0);
        return;
    }
    assert_eq!(kept.err, format!("the key of {provider} is kept in the keyring\n"));
    let ran = home.run(&["-m", &format!("{provider}:tiny"), "q"]);
    assert_eq!((ran.code, server.keys()), (0, vec![Some(KEY.to_owned())]), "{ran:?}");
    let listed = home.json(&["keys", "list"]);
    assert_eq!(listed["keys"][0]["place"], "keyring", "{listed}");
    let file = home.run_with(b"sk-of-the-file", &["keys", "set", &provider]);
    assert!(!file.err.contains("comes first"), "the file comes before the keyring: {file:?}");
    assert_eq!(run("delete", "").code, 0);
    run("delete", "").fails(3, "a key that is not there");
}
