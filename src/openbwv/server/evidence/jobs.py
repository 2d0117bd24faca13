"""Tasks and periodic jobs of `evidence`."""

from django_tasks import task

from openbwv.server.clock import clock as process_clock
from openbwv.server.evidence.download import make_download, tidy_downloads
from openbwv.server.evidence.models import Download
from openbwv.server.jobs import register


@task()
def make_bundle(download_id: int) -> str:
    """Make one bundle for a download; tried again when the log or the key service is down."""
    return str(make_download(Download.objects.get(pk=download_id), clock=process_clock()).state)


register("evidence.downloads", every_s=900, run=tidy_downloads)
