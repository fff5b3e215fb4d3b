"""Small DICOM files, made for a test."""

from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

STUDY = "1.2.826.0.1.1"
SERIES = "1.2.826.0.1.1.1"


def instance_uid(number: int, series: str = SERIES) -> str:
    return f"{series}.{number}"


def write_instance(folder: Path, number: int = 1, **attributes: str) -> Path:
    """An image of 4 x 4 pixels; what is not given is the same in each."""
    dataset = Dataset()
    dataset.PatientID = "P-1"
    dataset.PatientName = "Doe^Jane"
    dataset.StudyInstanceUID = STUDY
    dataset.SeriesInstanceUID = SERIES
    dataset.StudyDate, dataset.StudyTime = "20240102", "101500"
    dataset.StudyID, dataset.AccessionNumber = "7", "A-1"
    dataset.StudyDescription = "HEAD"
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "CT", "2", str(number)
    dataset.SOPClassUID = CTImageStorage
    dataset.Rows = dataset.Columns = 4
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation, dataset.SamplesPerPixel = 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.SOPInstanceUID = instance_uid(number, dataset.SeriesInstanceUID)
    dataset.PixelData = (
        bytes((number + each) % 256 for each in range(16))
        * 2
        * int(attributes.get("NumberOfFrames", 1))
    )
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
    dataset.file_meta = meta
    path = folder / f"{dataset.SOPInstanceUID}.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path
