"""The admin's pages of usage: collectors and how they do, their loads, what waits in suspense.

    figures     what the pages tell of collectors and loads, each in a fixed number of queries
    health      what is wrong with a collector, the worst first
    chart       volume and rejects per day as a drawing
    rejected    the records of a load that were rejected, as a file like the one they came in
    collectors  the list and the page of collectors
    loads       the page of a load
    groups      what the suspense workbench shows
    suspense    the workbench, and what is done there

They are made by the platform's own pages of an entity, and show no more than the reader may see.
"""
