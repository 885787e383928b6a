//! The picture of a terminal in the README, recorded from the real program and the real model.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// What is typed. `$URL` stands for the model's.
const COMMANDS: [&str; 7] = [
    "branchwork --base-url $URL -t poem 'Write a line of a poem.'",
    "branchwork fork poem --name rainy",
    "branchwork -S poem -b rainy 'Now one about rain.'",
    "branchwork -S poem -b main 'Now one about the sun.'",
    "branchwork tree poem",
    "branchwork undo poem@rainy",
    "branchwork log poem@rainy",
];

/// How the model is made to answer.
const ANSWERS: &str = "--max-tokens 40 --temperature 0.6 --seed 7";

/// Letters on a line, and what the pixels of the picture are.
const COLUMNS: usize = 88;
const LETTER_WIDTH: usize = 8;
const LINE_HEIGHT: usize = 19;
const MARGIN: usize = 16;

/// Records the picture, with the model at `url`.
pub(crate) fn record(url: &str) -> Result<PathBuf> {
    let home = std::env::temp_dir().join(format!("branchwork-picture-{}", std::process::id()));
    fs::create_dir_all(&home)?;
    let screen = COMMANDS.iter().map(|command| Ok((*command, run(&home, url, command)?))).collect();
    fs::remove_dir_all(&home)?;
    let path = path();
    fs::write(&path, draw(&screen_of(screen)?)).context("writing the picture")?;
    Ok(path)
}

type Typed = (&'static str, String);

fn screen_of(screen: Result<Vec<Typed>>) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (command, output) in screen? {
        lines.push(format!("$ {command}"));
        lines.extend(output.lines().flat_map(wrap));
        lines.push(String::new());
    }
    Ok(lines)
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/terminal.svg")
}

/// Runs a command in an empty home; answers what a terminal would show.
fn run(home: &Path, url: &str, command: &str) -> Result<String> {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release");
    ensure!(binary.join("branchwork").exists(), "first: cargo build --release");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([binary].into_iter().chain(std::env::split_paths(&path)))?;
    // Questions end with a quote; their answers shall be short, and the same each time.
    let options = if command.ends_with('\'') { ANSWERS } else { "" };
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command} {options}")])
        .env_clear()
        .envs([("HOME", home.as_os_str()), ("PATH", &path), ("URL", url.as_ref())])
        .env("BRANCHWORK_BASE_URL", url)
        .output()
        .context("running sh")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{command}: {text}");
    Ok(text)
}

/// Breaks a line where a terminal would.
fn wrap(line: &str) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    letters.chunks(COLUMNS).map(|chunk| chunk.iter().collect()).collect()
}

fn draw(lines: &[String]) -> String {
    let (width, height) =
        (2 * MARGIN + COLUMNS * LETTER_WIDTH, 2 * MARGIN + lines.len() * LINE_HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n"
    );
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let color = if line.starts_with("$ ") { "#7ee787" } else { "#d7dae0" };
        let baseline = MARGIN + (index + 1) * LINE_HEIGHT - 5;
        let text = escape(line);
        svg += &format!(
            "<text x=\"{MARGIN}\" y=\"{baseline}\" fill=\"{color}\" \
             xml:space=\"preserve\">{text}</text>\n"
        );
    }
    svg + "</svg>\n"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_shows_the_commands_of_today() {
        let svg = fs::read_to_string(path()).unwrap();
        for command in COMMANDS {
            assert!(svg.contains(&escape(command)), "{command}: cargo xtask picture");
        }
    }
}
