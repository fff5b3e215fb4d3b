"""What was imported, but not as its author may have meant it: the lines of `warning.ndjson`.

https://docs.aws.amazon.com/healthimaging/latest/devguide/reference-warning-codes.html
"""

from enum import Enum

from attrs import frozen


class Reason(Enum):
    """The DICOM warning reason (0008,1196), and how `warning.ndjson` calls it."""

    COERCION = 0xB000, "CoercionOfDataElements"
    TRANSCODING_EXCEPTION = 0xB100, "TranscodingException"
    FRAMES_EXTRACTION_FAILURE = 0xB110, "FramesExtractionFailure"
    FRAME_NUMBER_MISMATCH = 0xB111, "FrameNumberMismatch"
    INVALID_OFFSET_TABLE = 0xB112, "InvalidOffsetTable"
    UNSUPPORTED_TRANSFER_SYNTAX = 0xB120, "UnsupportedTransferSyntax"
    INVALID_UID_FORMAT = 0xB201, "InvalidUidFormat"
    INVALID_VALUE_LENGTH = 0xB202, "InvalidDicomValueLength"

    @property
    def code(self) -> int:
        return self.value[0]

    @property
    def type(self) -> str:
        return self.value[1]


@frozen
class DataWarning:
    reason: Reason
    message: str
    """Names elements, never their values."""

    def document(self) -> dict[str, object]:
        return {
            "warning_reason_code": self.reason.code,
            "type": self.reason.type,
            "message": self.message,
        }
