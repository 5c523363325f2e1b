"""Preview: a person reads the record first, so never more contacts on offer than free agents."""

from dialer.pacing.progressive import ProgressivePacer


class PreviewPacer(ProgressivePacer):
    """Offers one contact for each free agent; the call follows when the agent asks for it."""

    name = "preview"
