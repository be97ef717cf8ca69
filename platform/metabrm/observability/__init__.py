"""What runs, seen from outside: log lines, metrics, slow queries and traces.

facts        what is known about the request or task at work
logs         one line per event, as JSON or for reading
tracebacks   errors told without the values they are about
middleware   one log line and a few counts per request
connections  database connections that know how long they were waited for
metrics      what Prometheus reads, over all processes of a machine
tasks        the same for work in the background
slow         queries that took too long
tracing      OpenTelemetry, where it is configured
"""
