"""How long a test waits for what must come about, before it takes it to be stuck.

Nobody waits that long where all is well. It is far more than what is waited for takes, as a machine
with other work to do may need minutes for what is a matter of seconds.
"""

STUCK = 300.0
