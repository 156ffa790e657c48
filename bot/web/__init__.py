"""The citizen's page, webhooks and the studio: what HTTP carries on the citizen's side."""
