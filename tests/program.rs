//! `dlnuf` under another name: what the tests and the benchmark run.

use std::process::ExitCode;

fn main() -> ExitCode {
    hub::cli::main()
}
