//! Medians, and what the kernel says of this process.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// The time that `work` takes.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Stopwatch::start();
    let result = work();
    (result, start.elapsed())
}

/// The result of `work`, and the time it takes.
pub async fn timed_async<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Stopwatch::start();
    let result = work.await;
    (result, start.elapsed())
}

/// The middle one of `samples`.
///
/// # Panics
///
/// When there are none.
pub fn median<T: Ord + Copy>(mut samples: Vec<T>) -> T {
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().expect("there is a sample")
}

/// The middle one of `samples`, for numbers that no type orders.
///
/// # Panics
///
/// When there are none.
pub fn median_number(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().expect("there is a sample")
}

/// The one of `samples` below which 99 of 100 lie.
///
/// # Panics
///
/// When there are none.
pub fn percentile_99(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples.get(samples.len() * 99 / 100).copied().expect("there is a sample")
}

/// CPU time of all threads of this process.
pub fn process_cpu() -> Duration {
    cpu_of("self")
}

/// CPU time of all threads of the process `pid`, which may be a number or `self`.
pub fn cpu_of(pid: &str) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let cpu = |thread: fs::DirEntry| {
        let schedstat = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        schedstat.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or_default()
    };
    Duration::from_nanos(threads.map(cpu).sum())
}

/// CPU time of the calling thread.
pub fn thread_cpu() -> Duration {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedstat.split(' ').next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// Resident memory of the process `pid`, or of this one, in bytes.
pub fn resident_bytes(pid: Option<u32>) -> u64 {
    let pid = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1_024
}

/// Bytes that this process has handed to `write` so far.
pub fn written_bytes() -> u64 {
    let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let bytes = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or_default()
}

/// Runs `work` on a thread of its own, so that its CPU time can be told apart.
///
/// # Panics
///
/// When `work` does.
pub fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(work).join().expect("the measured work does not panic")
}

/// Tells how long it has been.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "a bench reads the clock of the machine")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
