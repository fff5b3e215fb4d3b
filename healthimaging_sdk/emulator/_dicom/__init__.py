"""DICOM files as the service stores them: attributes by level, pixels transcoded. No state."""
