"""The files that FILE fields hold."""

from django.db import models


class StoredFile(models.Model):
    """The content of one file that a FILE field of a record holds; the field holds its key."""

    key = models.CharField(max_length=64, primary_key=True, help_text="Random, never reused.")
    file_name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=255)
    size = models.BigIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    stored_at = models.DateTimeField()
    field_id = models.BigIntegerField(
        null=True, help_text="ENTITY_FIELD of a record still to be written with the key."
    )
    uploader_id = models.BigIntegerField(null=True, help_text="USER that may write it.")

    def __str__(self) -> str:
        return self.file_name
