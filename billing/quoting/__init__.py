"""Quotes: what is offered, for how long and at what price, before anybody agrees."""
