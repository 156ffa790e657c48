"""The flow engine: loads scripts, checks them, and turns (session, input) into (session, events). Pure."""
