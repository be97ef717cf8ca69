"""Usage on its way in: who collects it, what came, and the charges it becomes."""
