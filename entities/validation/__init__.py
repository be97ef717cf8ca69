"""What the formulas of an entity do to its records: values they begin with, and rules they obey."""
