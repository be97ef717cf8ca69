"""Taxes on charges and credits, and the services that compute them."""
