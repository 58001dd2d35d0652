"""Tables and pictures of the page *All pairs*."""
