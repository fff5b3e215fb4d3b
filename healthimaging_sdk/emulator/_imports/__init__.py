"""Import jobs: from a folder to image sets and the job's output files."""
