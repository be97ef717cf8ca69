"""The general ledger: accounts, periods, rules of posting and journal rows."""
