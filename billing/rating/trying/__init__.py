"""A collector tried out on a sample: what each line would become, and nothing is stored.

    running  a load of the sample in a transaction that is taken back
    telling  the same for people and programs: line by line
    page     the admin's page
    api      over REST 2.0

There is no other way of mapping and rating: the statements of a real load run, in its order.
"""
