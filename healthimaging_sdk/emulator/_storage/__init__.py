"""Where an emulator keeps its data, if it is told to: rows in SQLite, and a file for each blob."""
