"""The general ledger and revenue recognition under ASC 606 and IFRS 15."""
