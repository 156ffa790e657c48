"""The kernel both packages share: words, ids, clock, text. Standard library and persiantools only, no I/O."""
