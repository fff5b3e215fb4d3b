"""Small DICOM data of five kinds, made up here: nobody is in them."""

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    VLPhotographicImageStorage,
)

_ROOT = "1.2.826.0.1.3680043.10.999"  # a study below it, and series below that
_SIDE = 64


def sample_datasets() -> dict[str, Dataset]:
    """Data sets by file name: two CT and two MR slices, a multi-frame MR, a photo, a report.

    New ones each time, of one patient and study; each kind is a series.
    """
    frames = np.stack([_rings(number) * 4_000 for number in range(1, 5)])
    return {
        "ct-1.dcm": _grey("CT", 1, 1, CTImageStorage, _disc(1) * 1_000),
        "ct-2.dcm": _grey("CT", 1, 2, CTImageStorage, _disc(2) * 1_000),
        "mr-1.dcm": _grey("MR", 2, 1, MRImageStorage, _rings(1) * 4_000),
        "mr-2.dcm": _grey("MR", 2, 2, MRImageStorage, _rings(2) * 4_000),
        "multi-frame.dcm": _grey("MR", 3, 1, EnhancedMRImageStorage, frames),
        "photo.dcm": _photo(),
        "report.dcm": _report(),
    }


def _instance(modality: str, series: int, number: int, sop_class: UID) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PatientName, dataset.PatientID = "Sample^Synthetic", "SAMPLE-1"
    dataset.PatientBirthDate, dataset.PatientSex = "19700101", "O"
    dataset.StudyInstanceUID = _ROOT
    dataset.StudyDate, dataset.StudyTime = "20240102", "101500"
    dataset.StudyID, dataset.AccessionNumber = "1", "A-1"
    dataset.StudyDescription = "Synthetic samples"
    dataset.SeriesInstanceUID = f"{_ROOT}.{series}"
    dataset.SeriesNumber, dataset.Modality = series, modality
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, f"{_ROOT}.{series}.{number}"
    dataset.InstanceNumber = number
    return dataset


def _grey(
    modality: str, series: int, number: int, sop_class: UID, pixels: NDArray[np.float64]
) -> Dataset:
    dataset = _instance(modality, series, number, sop_class)
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
    return dataset


def _photo() -> Dataset:
    dataset = _instance("XC", 4, 1, VLPhotographicImageStorage)
    dataset.Rows = dataset.Columns = _SIDE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    across, down = np.meshgrid(np.linspace(0, 1, _SIDE), np.linspace(0, 1, _SIDE))
    colours = np.stack([across, down, _disc(1)], axis=-1)
    dataset.PixelData = (colours * 255).astype("u1").tobytes()
    return dataset


def _report() -> Dataset:
    dataset = _instance("SR", 5, 1, BasicTextSRStorage)
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ContentDate, dataset.ContentTime = "20240102", "102000"
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    finding = Dataset()
    finding.RelationshipType, finding.ValueType = "CONTAINS", "TEXT"
    finding.TextValue = "Nothing to be seen: the images are synthetic."
    dataset.ContentSequence = [finding]
    return dataset


def _radius(number: int) -> NDArray[np.float64]:
    """The distance of each pixel from a middle that the number moves; 1 at the nearest edge."""
    across, down = np.meshgrid(np.linspace(-1, 1, _SIDE), np.linspace(-1, 1, _SIDE))
    return np.hypot(across - 0.1 * (number - 1), down)


def _disc(number: int) -> NDArray[np.float64]:
    return np.clip(1.2 - _radius(number), 0, 1)


def _rings(number: int) -> NDArray[np.float64]:
    radius = _radius(number)
    return (np.cos(12 * radius) / 2 + 0.5) * (radius < 0.9)
