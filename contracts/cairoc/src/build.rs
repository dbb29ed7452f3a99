//! From Cairo to the classes that a node takes, refusing what a public network would refuse.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use cairo_lang_compiler::{
    CompilerConfig, db::RootDatabase, diagnostics::DiagnosticsReporter, project::setup_project,
};
use cairo_lang_defs::ids::NamedLanguageElementId;
use cairo_lang_filesystem::{db::init_dev_corelib, ids::CrateInput};
use cairo_lang_starknet::{
    compile::compile_prepared_db, contract::find_contracts, starknet_plugin_suite,
};
use cairo_lang_starknet_classes::{
    allowed_libfuncs::ListSelector, casm_contract_class::CasmContractClass,
    contract_class::ContractClass,
};
use serde_json::{Value, json};

use crate::Project;

/// For each contract NAME, writes NAME.sierra.json and NAME.casm.json, and for all of them
/// classes.json with the compiled class hashes and sizes, ordered by name.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: Project,
    /// The folder to write to.
    #[arg(long)]
    out: PathBuf,
    /// The list of library functions to allow; public networks allow audited.
    #[arg(long, default_value = "audited")]
    libfuncs: String,
    /// The largest number of felts of CASM bytecode; Starknet's limit.
    #[arg(long, default_value_t = 81_920)]
    max_bytecode: usize,
    /// The largest number of bytes of a class as JSON; Starknet's limit.
    #[arg(long, default_value_t = 4_089_446)]
    max_class: usize,
}

pub fn run(args: &Args) -> Result<()> {
    fs::create_dir_all(&args.out)?;
    let mut classes = compile(&args.project)?;
    classes.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut summary = Vec::new();
    for (name, class) in classes {
        summary.push(finish(args, &name, class).with_context(|| name.clone())?);
    }
    let path = args.out.join("classes.json");
    fs::write(path, serde_json::to_vec_pretty(&summary)?)?;
    Ok(())
}

/// Compiles a project to Sierra. Diagnostics go to standard error; warnings are errors.
fn compile(p: &Project) -> Result<Vec<(String, ContractClass)>> {
    let mut db = RootDatabase::builder()
        .with_default_plugin_suite(starknet_plugin_suite())
        .build()?;
    init_dev_corelib(&mut db, p.corelib.clone());
    let crates = setup_project(&mut db, &p.project)?;
    let config = CompilerConfig {
        diagnostics_reporter: DiagnosticsReporter::stderr().with_crates(&crates),
        ..CompilerConfig::default()
    };
    let ids = CrateInput::into_crate_ids(&db, crates);
    let contracts = find_contracts(&db, &ids);
    if contracts.is_empty() {
        let mut reporter = config.diagnostics_reporter;
        reporter.ensure(&db)?;
        bail!("no contract in {}", p.project.display());
    }
    let names: Vec<String> = contracts
        .iter()
        .map(|c| c.submodule_id.name(&db).to_string(&db))
        .collect();
    let classes = compile_prepared_db(&db, &contracts.iter().collect::<Vec<_>>(), config)?;
    Ok(names.into_iter().zip(classes).collect())
}

/// Checks a class against the limits, writes both of its forms and returns its line of the summary.
fn finish(args: &Args, name: &str, class: ContractClass) -> Result<Value> {
    let program = class.extract_sierra_program(false)?;
    program.validate_version_compatible(ListSelector::ListName(args.libfuncs.clone()))?;
    let sierra = serde_json::to_vec(&class)?;
    ensure!(
        sierra.len() <= args.max_class,
        "the class has {} bytes",
        sierra.len()
    );
    fs::write(args.out.join(format!("{name}.sierra.json")), &sierra)?;

    let sierra_felts = class.sierra_program.len();
    let casm = CasmContractClass::from_contract_class(class, program, false, args.max_bytecode)
        .context("from Sierra to CASM")?;
    let path = args.out.join(format!("{name}.casm.json"));
    fs::write(path, serde_json::to_vec(&casm)?)?;
    Ok(json!({
        "name": name,
        // Blake2s, what networks want since Starknet 0.14.1, and Poseidon, what they wanted before.
        "compiled_class_hash": format!("{:#x}", casm.compiled_class_hash()),
        "compiled_class_hash_poseidon": format!("{:#x}", casm.legacy_compiled_class_hash()),
        "sierra_felts": sierra_felts,
        "casm_felts": casm.bytecode.len(),
    }))
}
