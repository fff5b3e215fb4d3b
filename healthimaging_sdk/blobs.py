"""What is in an image set: its metadata and its image frames."""

from attrs import field, frozen

from healthimaging_sdk._constraints import (
    DATASTORE_ID,
    IMAGE_FRAME_ID,
    IMAGE_SET_ID,
    IMAGE_SET_VERSION_ID,
    Structure,
)
from healthimaging_sdk._operation import RUNTIME, USUAL_ERRORS, Operation, Rate, Repetition
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk.errors import (
    BadRequestException,
    ConflictException,
    NotAcceptableException,
    ResourceNotFoundException,
)
from healthimaging_sdk.metadata import MetadataDocument, parse_document

# ── GetImageSetMetadata ───────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_GetImageSetMetadata.html


@frozen(kw_only=True)
class GetImageSetMetadataRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    image_set_id: str = field(validator=IMAGE_SET_ID)
    version_id: str | None = field(default=None, validator=IMAGE_SET_VERSION_ID)


@frozen(kw_only=True)
class GetImageSetMetadataResponse:
    image_set_metadata_blob: bytes = field(repr=redacted)
    """The metadata document, decompressed and checked to its last byte."""
    content_type: str | None = None
    content_encoding: str | None = None
    """As the header said, although the blob is decompressed."""

    def document(self, *, lazy: bool = False) -> MetadataDocument:
        """The blob, parsed. Raises `ResponseDecodeError` if it is not a JSON object.

        A large one takes a while, 100 ms for 20 MB, in which the whole process stands still. A
        lazy document looks the same, but parses an instance when it is asked for, each time anew,
        and raises there. To make it in a thread, `await asyncio.to_thread(response.document,
        lazy=True)`, stops the event loop for a fraction of that. This needs the extra `speedups`;
        without it, all is parsed at once.
        """
        return parse_document(self.image_set_metadata_blob, lazy=lazy)


GET_IMAGE_SET_METADATA = Operation(
    name="GetImageSetMetadata",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/imageSet/{image_set_id}/getImageSetMetadata",
    request=GetImageSetMetadataRequest,
    response=GetImageSetMetadataResponse,
    errors=(*USUAL_ERRORS, ConflictException, ResourceNotFoundException),
    repetition=Repetition.READ,
    rate=Rate(50, 100),
    query={"version_id": "version"},
    headers={"content_type": "Content-Type", "content_encoding": "Content-Encoding"},
    blob="image_set_metadata_blob",
    gzipped=True,
)


# ── GetImageFrame ─────────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/healthimaging/latest/APIReference/API_GetImageFrame.html


@frozen(kw_only=True)
class ImageFrameInformation:
    image_frame_id: str = field(validator=IMAGE_FRAME_ID)


@frozen(kw_only=True)
class GetImageFrameRequest:
    datastore_id: str = field(validator=DATASTORE_ID)
    image_set_id: str = field(validator=IMAGE_SET_ID)
    image_frame_information: ImageFrameInformation = field(
        validator=Structure(ImageFrameInformation)
    )


@frozen(kw_only=True)
class GetImageFrameResponse:
    image_frame_blob: bytes = field(repr=redacted)
    """The frame as it is stored, never transcoded; `content_type` says in which codec."""
    content_type: str | None = None


GET_IMAGE_FRAME = Operation(
    name="GetImageFrame",
    method="POST",
    host_prefix=RUNTIME,
    path="/datastore/{datastore_id}/imageSet/{image_set_id}/getImageFrame",
    request=GetImageFrameRequest,
    response=GetImageFrameResponse,
    errors=(
        *USUAL_ERRORS,
        ConflictException,
        ResourceNotFoundException,
        NotAcceptableException,
        BadRequestException,
    ),
    repetition=Repetition.READ,
    rate=Rate(1000, 2000),
    payload="image_frame_information",
    headers={"content_type": "Content-Type"},
    blob="image_frame_blob",
)

OPERATIONS = (GET_IMAGE_SET_METADATA, GET_IMAGE_FRAME)
