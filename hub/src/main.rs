//! `dlnuf`: reads the command line, runs the command, exits with its documented code.

use std::process::ExitCode;

fn main() -> ExitCode {
    hub::cli::main()
}
