//! What the benches share: texts, medians, readings of the process, a bare client, a server and a provider that answer
//! at once.
//!
//! | bench | measures |
//! |---|---|
//! | `history` | in memory, by criterion: append, fork, rollback, undo, reading, over N |
//! | `store` | the SQLite store beside raw SQLite: time, bytes, growth over N |
//! | `merge` | diff and merge of branches that share N messages: time, growth over N |
//! | `transfer` | filters, searches, archives and tables, over N |
//! | `mail` | mail between ten branches, sent and taken in, over N |
//! | `turns` | turns with tools, and resuming one |
//! | `stream` | a streamed turn beside a bare HTTP client: CPU and time to the first token |
//! | `streams` | 200 streamed answers at once, of the provider alone, beside a bare HTTP client: CPU |
//! | `limits` | what wrappers of providers cost, alone and shared by 1 000 tasks, when nothing is limited |
//! | `load` | 1 000 open sessions, 50 of them asking, beside a bare HTTP client: turns a second, memory |
//! | `parsing` | reading a streamed answer of 10 000 pieces, beside splitting it and parsing its JSON |
//! | `rendering` | a request of N messages: anew, after one turn more, and copied |
//! | `telemetry` | a turn that nobody observes, whose spans are read, and whose spans and metrics are sent |
//! | `process` | the command line as a whole process: start to first byte, memory |
//!
//! Figures of a shared machine are noisy: what counts are medians, and ratios within one run.

pub mod at_once;
pub mod bare;
pub mod measure;
pub mod report;
pub mod server;
pub mod text;
