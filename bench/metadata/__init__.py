"""What a schema made at run time costs: its records, its changes, knowing that it is current."""
