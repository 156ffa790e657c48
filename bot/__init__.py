"""The citizen's side of Panah: channels in, the pure engine, one durable commit, the outbox out."""
