"""`make demo`: an integrator's first day, played against the running product.

Nothing here reaches into the product: what the demo knows of it comes through the public client and
over HTTP, so whatever works here works for anybody's program. The company it plays with lies in
`fixtures/demo`, as files to read and edit.
"""
