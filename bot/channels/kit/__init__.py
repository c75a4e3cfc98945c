"""What several channels share; a channel by someone else may use it too."""
