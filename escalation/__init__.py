"""The counsellor's side: cases, desks, claims, the console. Knows nothing of flows."""
