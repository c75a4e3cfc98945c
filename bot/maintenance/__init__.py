"""What keeps a long-running process and its archive in order; nothing here polls, matches or sends."""
