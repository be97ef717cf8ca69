"""Getting paid late money: dunning, strategies, actions."""
