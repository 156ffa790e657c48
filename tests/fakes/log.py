"""A log that is kept in a list."""


class RecordingLog:
    """Keeps each line as a dict in `lines`."""

    def __init__(self, lines):
        self.lines = lines

    def info(self, event, **keys):
        self.lines.append({"level": "info", "event": event, **keys})

    def warning(self, event, **keys):
        self.lines.append({"level": "warning", "event": event, **keys})

    def error(self, event, **keys):
        self.lines.append({"level": "error", "event": event, **keys})
