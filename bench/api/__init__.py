"""The REST API: records in and out over HTTP, as an integrator's program sends them."""
