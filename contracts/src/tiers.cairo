//! The one table of stakes.

use super::types::Tier;

const SAGE: u256 = 1_000_000_000_000_000_000;

/// The least stake of a tier; of the lowest tier for None.
pub fn minimum(tier: Tier) -> u256 {
    match tier {
        Tier::None | Tier::Consumer => 1_000 * SAGE,
        Tier::Workstation => 2_500 * SAGE,
        Tier::DataCenter => 5_000 * SAGE,
        Tier::Enterprise => 10_000 * SAGE,
        Tier::Frontier => 25_000 * SAGE,
        Tier::Validator => 10_000 * SAGE,
    }
}

/// The tier that a tier's own name or a GPU model means, or None.
pub fn by_name(name: felt252) -> Tier {
    let tier = by_tier_name(name);
    if tier != Tier::None {
        return tier;
    }
    by_model(name)
}

fn by_tier_name(name: felt252) -> Tier {
    if name == 'Consumer' {
        Tier::Consumer
    } else if name == 'Workstation' {
        Tier::Workstation
    } else if name == 'DataCenter' {
        Tier::DataCenter
    } else if name == 'Enterprise' {
        Tier::Enterprise
    } else if name == 'Frontier' {
        Tier::Frontier
    } else if name == 'Validator' {
        Tier::Validator
    } else {
        Tier::None
    }
}

fn by_model(name: felt252) -> Tier {
    let models: Array<(felt252, Tier)> = array![
        ('CPU', Tier::Consumer), ('T4', Tier::Consumer), ('RTX 20', Tier::Consumer),
        ('RTX 30', Tier::Consumer), ('RTX 40', Tier::Consumer), ('RTX 50', Tier::Consumer),
        ('L4', Tier::Workstation), ('A10', Tier::Workstation), ('RTX A', Tier::Workstation),
        ('RTX Ada', Tier::Workstation), ('A100', Tier::DataCenter), ('L40', Tier::DataCenter),
        ('L40S', Tier::DataCenter), ('H100', Tier::Enterprise), ('GH200', Tier::Enterprise),
        ('H200', Tier::Frontier), ('B100', Tier::Frontier), ('B200', Tier::Frontier),
        ('GB200', Tier::Frontier),
    ];
    for (model, tier) in models {
        if model == name {
            return tier;
        }
    }
    Tier::None
}
