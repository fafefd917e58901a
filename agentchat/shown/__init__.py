"""What the outside is shown: rows read in one snapshot, and made into views."""
