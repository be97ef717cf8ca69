"""Work on usage in suspense: find it by groups, correct it, try it again, discard it, take it back.

    selecting  which usage: one collector's, of a cause, a day, a billing identifier, or by Ids
    acting     what is done with it, by the verbs; much of it by a bulk job
    api        the same over REST 2.0

The admin's page and the API ask the same functions; neither can do what the other can't.
"""
