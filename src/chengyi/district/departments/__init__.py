"""What each department of the district sees and how it writes it down, before errors."""
