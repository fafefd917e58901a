"""The workflows this app ships."""
