"""Many records at once, as jobs of a worker: out of the platform and into it.

    behavior    what may be asked for, said when it is asked
    jobs        who runs a job, and that nobody else does; how it ends
    extracting  BULK_API_REQUEST: the rows of a query, written to files
    reading     the records in a file, whatever is wrong with it
    loading     BULK_UPLOAD_HISTORY: records of a file, staged and then written by the verbs
    keeping     how long files are kept

A job is done with the rights that its maker has when it runs, and can be killed at any line.
"""
