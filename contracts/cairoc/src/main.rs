//! cairoc compiles, tests and formats the Starknet contracts of a Cairo project, with the
//! compiler's published crates alone.

mod build;
mod format;
mod test;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compiles every contract to a Sierra class and a CASM class.
    Build(build::Args),
    /// Runs the functions with the attribute #[test].
    Test(test::Args),
    /// Formats the sources.
    Format(format::Args),
}

/// A project and the core library to compile it with.
#[derive(clap::Args)]
struct Project {
    /// The folder with cairo_project.toml.
    project: PathBuf,
    /// The folder of the core library, of the compiler's version.
    #[arg(long, env = "CAIRO_CORELIB")]
    corelib: PathBuf,
}

fn main() -> Result<()> {
    match Args::parse().command {
        Command::Build(args) => build::run(&args),
        Command::Test(args) => test::run(args),
        Command::Format(args) => format::run(&args),
    }
}
