"""One file a channel: authenticate and address what comes in, send what goes out."""
