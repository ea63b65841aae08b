"""One trainer for any objective."""
