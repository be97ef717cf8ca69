"""Workflow rules: what the platform does by itself when records are written, or at set times.

    rules       the ACTIVE rules of a snapshot, compiled
    behavior    when they are looked at
    acting      what their actions do, for all matching records at once
    outbox      what waits to be sent; `delivery` sends it, by `webhook` and `mail`
    scheduled   rules that run at set times; `calendar` says when
    checks      what may be saved as a rule or an action

A rule is configuration made by an administrator: its actions are done with all rights, whoever
wrote the record, and under that caller's name.
"""
