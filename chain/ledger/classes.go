package ledger

// twins are the contracts of package contracts, written in Go. A contract that is not here
// cannot be declared.
var twins = []*class{
	sageTokenClass,
	faucetClass,
	stakingManagerClass,
	reputationManagerClass,
	validatorRegistryClass,
	proofVerifierClass,
	jobManagerClass,
	privacyRouterClass,
	paymentRouterClass,
}
