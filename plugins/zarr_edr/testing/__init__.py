"""What tests of ours and of plug-in authors share: random stores and queries, a slow oracle, and stores that fail."""
