//! The compiler's own formatter.

use std::{fs, path::PathBuf};

use anyhow::{Result, ensure};
use cairo_lang_formatter::{CairoFormatter, FormatOutcome, FormatterConfig};

#[derive(clap::Args)]
pub struct Args {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only fails if a file is not formatted.
    #[arg(long)]
    check: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let formatter = CairoFormatter::new(FormatterConfig::default());
    let mut unformatted = Vec::new();
    for file in &args.files {
        if let FormatOutcome::DiffFound(diff) = formatter.format_to_string(&file.as_path())? {
            unformatted.push(file.display().to_string());
            if !args.check {
                fs::write(file, diff.formatted)?;
            }
        }
    }
    ensure!(
        !args.check || unformatted.is_empty(),
        "not formatted: {}",
        unformatted.join(" ")
    );
    Ok(())
}
