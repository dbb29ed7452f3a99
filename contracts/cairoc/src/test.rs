//! Runs tests written in Cairo, contracts calling each other included, in the compiler's own
//! simulation of a chain.

use anyhow::Result;
use cairo_lang_compiler::{
    db::RootDatabase, diagnostics::DiagnosticsReporter, project::setup_project,
};
use cairo_lang_filesystem::{
    cfg::{Cfg, CfgSet},
    db::init_dev_corelib,
};
use cairo_lang_starknet::starknet_plugin_suite;
use cairo_lang_test_plugin::{TestsCompilationConfig, compile_test_prepared_db, test_plugin_suite};
use cairo_lang_test_runner::{CompiledTestRunner, TestRunConfig};

use crate::Project;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: Project,
    /// Runs only the tests whose name contains this.
    #[arg(long, default_value = "")]
    filter: String,
}

pub fn run(args: Args) -> Result<()> {
    let mut db = RootDatabase::builder()
        .with_cfg(CfgSet::from_iter([
            Cfg::name("test"),
            Cfg::kv("target", "test"),
        ]))
        .with_default_plugin_suite(test_plugin_suite())
        .with_default_plugin_suite(starknet_plugin_suite())
        .build()?;
    init_dev_corelib(&mut db, args.project.corelib);
    let crates = setup_project(&mut db, &args.project.project)?;
    let config = TestsCompilationConfig {
        starknet: true,
        contract_declarations: None,
        contract_crate_ids: None,
        executable_crate_ids: None,
        add_statements_functions: false,
        add_statements_code_locations: false,
        add_functions_debug_info: false,
        replace_ids: false,
    };
    let reporter = DiagnosticsReporter::stderr().with_crates(&crates);
    let compiled = compile_test_prepared_db(&db, config, crates.clone(), reporter)?;
    let config = TestRunConfig {
        filter: args.filter,
        include_ignored: false,
        ignored: false,
        profiler_config: None,
        gas_enabled: true,
        print_resource_usage: false,
    };
    CompiledTestRunner::new(compiled, config).run(Some(&db))?;
    Ok(())
}
