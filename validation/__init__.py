"""Evidence for the claims of refdiff; not part of the package."""
