"""How long the files of bulk jobs are kept. The jobs stay, to be read as a log."""

from datetime import timedelta

from entities.bulk.extracting import discard_batches
from entities.fieldtypes.structured import key_of
from entities.files import contents
from entities.models.bulk import FINISHED, BulkApiBatch, BulkApiRequest, BulkUploadHistory
from metabrm import clock, environment

_FILES = ("all_records_file", "accepted_records_file", "rejected_records_file")


def remove_old_files() -> int:
    """Remove the files of jobs that ended long ago; of how many. Can be killed and run again."""
    before = clock.now() - timedelta(days=environment.current().bulk_retention_days)
    ended = {"status__in": FINISHED, "finished_at__lt": before}
    cleared = 0
    for request in BulkApiRequest.objects.filter(**ended).exclude(response_file=None):
        BulkApiRequest.objects.filter(pk=request.pk).update(response_file=None)
        contents.discard([key_of(request.response_file)])
        cleared += 1
    batches = BulkApiBatch.objects.filter(
        bulk_api_request__status__in=FINISHED, bulk_api_request__finished_at__lt=before
    )
    for request_id in batches.order_by().values_list("bulk_api_request_id", flat=True).distinct():
        discard_batches(request_id)
    for upload in BulkUploadHistory.objects.filter(**ended):
        held = [key_of(file) for name in _FILES if (file := getattr(upload, name))]
        if held:
            BulkUploadHistory.objects.filter(pk=upload.pk).update(**dict.fromkeys(_FILES))
            contents.discard(held)
            cleared += 1
    return cleared
