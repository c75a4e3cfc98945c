"""The stages from a feed to a channel: poll, intake, decide, send."""
