"""What the front doors keep between requests."""

from django.db import models


class KeptAnswer(models.Model):
    """The answer to a request that came with an Idempotency-Key, to be given again.

    It is written in the transaction of what the request wrote: both are there, or neither.
    """

    digest = models.BinaryField(primary_key=True, max_length=32)
    owner = models.CharField(max_length=100, help_text="Whose key it is.")
    operation = models.CharField(max_length=200, help_text="Method and address it was used for.")
    key = models.CharField(max_length=255)
    body_digest = models.BinaryField(
        max_length=32, help_text="SHA-256 of the request's body: another body is another request."
    )
    status = models.SmallIntegerField()
    body = models.BinaryField()
    stored_at = models.DateTimeField(db_index=True, help_text="It is kept for a time from then on.")

    def __str__(self) -> str:
        return f"{self.operation} {self.key} of {self.owner}"
