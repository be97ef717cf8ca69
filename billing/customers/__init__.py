"""Who buys and on what terms: accounts, billing profiles, contracts, provisioned products."""
