"""What people said of stories, and what would make a rule better: precision, suggestions, the acronym clinic. Pure."""
