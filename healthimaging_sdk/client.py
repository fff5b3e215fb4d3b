"""`HealthImagingClient`: the 18 operations, streams, pagers and waiters.

A method makes a request and calls; what a call does, `_calls` tells. Durations are seconds or
`timedelta`. Each operation raises `ParamValidationError` before any traffic, the service's
errors that AWS documents for it, and what `errors` lists of our own.
"""

from __future__ import annotations  # the names of families, without their import

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import evolve

from healthimaging_sdk import image_sets
from healthimaging_sdk._calls import Caller
from healthimaging_sdk._credentials import CredentialProvider
from healthimaging_sdk._lazy import LazyModule
from healthimaging_sdk._opening import opener
from healthimaging_sdk._operation import Operation, Request, Response
from healthimaging_sdk._shapes import new_client_token
from healthimaging_sdk.config import Config, Duration
from healthimaging_sdk.errors import ParamValidationError, WaiterFailed
from healthimaging_sdk.pagination import Item, Page, Pager

if TYPE_CHECKING:
    from healthimaging_sdk import _streams as streams
    from healthimaging_sdk import (
        blobs,
        copies,
        datastores,
        deletions,
        import_jobs,
        search,
        updates,
        versions,
        waiters,
    )
    from healthimaging_sdk import tags as tagging
else:
    # Their classes take long to make, and few programs use more than some of them.
    blobs = LazyModule("healthimaging_sdk.blobs")
    copies = LazyModule("healthimaging_sdk.copies")
    datastores = LazyModule("healthimaging_sdk.datastores")
    deletions = LazyModule("healthimaging_sdk.deletions")
    import_jobs = LazyModule("healthimaging_sdk.import_jobs")
    search = LazyModule("healthimaging_sdk.search")
    streams = LazyModule("healthimaging_sdk._streams")
    updates = LazyModule("healthimaging_sdk.updates")
    versions = LazyModule("healthimaging_sdk.versions")
    tagging = LazyModule("healthimaging_sdk.tags")
    waiters = LazyModule("healthimaging_sdk.waiters")


class HealthImagingClient:
    """A client of AWS HealthImaging, for the tasks of one event loop.

    Use it as `async with HealthImagingClient(...) as client`, or end it with `aclose()`. It
    connects at its first call. One client may serve any number of tasks; a process or a thread
    with another loop needs one of its own.

    `region`, `profile` and `endpoint_url` come from the arguments, then from the environment,
    then from the profile of the shared AWS files. `credentials` are found as botocore finds
    them, or given: as `Credentials`, or as any object with an async `get()` that returns them.
    A custom endpoint is used as given.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        credentials: CredentialProvider | None = None,
        endpoint_url: str | None = None,
        config: Config | None = None,
    ) -> None:
        self.config = Config() if config is None else config
        self._calls = Caller(
            self.config,
            opener(
                self.config,
                region=region,
                profile=profile,
                credentials=credentials,
                endpoint_url=endpoint_url,
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes every connection. Calls under way end with `ClientClosed`, and so do new ones."""
        await self._calls.aclose()

    async def call(self, operation: Operation[Request, Response], request: Request) -> Response:
        """The response to any request object: what every method below does."""
        if not isinstance(request, operation.request):
            problem = f"must be a {operation.request.__name__}, not {type(request).__name__}"
            raise ParamValidationError("request", problem)
        return await self._calls.call(operation, request)

    # ── Data stores ───────────────────────────────────────────────────────────

    async def create_datastore(
        self,
        *,
        datastore_name: str | None = None,
        client_token: str | None = None,
        tags: Mapping[str, str] | None = None,
        kms_key_arn: str | None = None,
        lambda_authorizer_arn: str | None = None,
        lossless_storage_format: datastores.LosslessStorageFormat | None = None,
    ) -> datastores.CreateDatastoreResponse:
        """Create a data store; wait for it with `wait_until_datastore_active`."""
        request = datastores.CreateDatastoreRequest(
            datastore_name=datastore_name,
            client_token=new_client_token() if client_token is None else client_token,
            tags=None if tags is None else _as_dict(tags),
            kms_key_arn=kms_key_arn,
            lambda_authorizer_arn=lambda_authorizer_arn,
            lossless_storage_format=lossless_storage_format,
        )
        return await self._calls.call(datastores.CREATE_DATASTORE, request)

    async def get_datastore(self, datastore_id: str) -> datastores.GetDatastoreResponse:
        """Get the properties of a data store."""
        request = datastores.GetDatastoreRequest(datastore_id=datastore_id)
        return await self._calls.call(datastores.GET_DATASTORE, request)

    async def list_datastores(
        self,
        *,
        datastore_status: datastores.DatastoreStatus | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> datastores.ListDatastoresResponse:
        """One page of the account's data stores; `iter_datastores` gives them all."""
        request = datastores.ListDatastoresRequest(
            datastore_status=datastore_status, next_token=next_token, max_results=max_results
        )
        return await self._calls.call(datastores.LIST_DATASTORES, request)

    async def delete_datastore(self, datastore_id: str) -> datastores.DeleteDatastoreResponse:
        """Delete a data store whose image sets are all deleted."""
        request = datastores.DeleteDatastoreRequest(datastore_id=datastore_id)
        return await self._calls.call(datastores.DELETE_DATASTORE, request)

    # ── Import jobs ───────────────────────────────────────────────────────────

    async def start_dicom_import_job(
        self,
        datastore_id: str,
        *,
        data_access_role_arn: str,
        input_s3_uri: str,
        output_s3_uri: str,
        client_token: str | None = None,
        job_name: str | None = None,
        input_owner_account_id: str | None = None,
        import_configuration: import_jobs.ImportConfiguration | None = None,
    ) -> import_jobs.StartDICOMImportJobResponse:
        """Import everything below an S3 prefix; wait with `wait_until_dicom_import_job_completed`.

        A COMPLETED job may have failed for some of the files: its output folder tells.
        """
        request = import_jobs.StartDICOMImportJobRequest(
            datastore_id=datastore_id,
            data_access_role_arn=data_access_role_arn,
            input_s3_uri=input_s3_uri,
            output_s3_uri=output_s3_uri,
            client_token=new_client_token() if client_token is None else client_token,
            job_name=job_name,
            input_owner_account_id=input_owner_account_id,
            import_configuration=import_configuration,
        )
        return await self._calls.call(import_jobs.START_DICOM_IMPORT_JOB, request)

    async def get_dicom_import_job(
        self, datastore_id: str, job_id: str
    ) -> import_jobs.GetDICOMImportJobResponse:
        """Get the properties of an import job."""
        request = import_jobs.GetDICOMImportJobRequest(datastore_id=datastore_id, job_id=job_id)
        return await self._calls.call(import_jobs.GET_DICOM_IMPORT_JOB, request)

    async def list_dicom_import_jobs(
        self,
        datastore_id: str,
        *,
        job_status: import_jobs.JobStatus | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> import_jobs.ListDICOMImportJobsResponse:
        """One page of a data store's import jobs; `iter_dicom_import_jobs` gives them all."""
        request = import_jobs.ListDICOMImportJobsRequest(
            datastore_id=datastore_id,
            job_status=job_status,
            next_token=next_token,
            max_results=max_results,
        )
        return await self._calls.call(import_jobs.LIST_DICOM_IMPORT_JOBS, request)

    # ── Image sets ────────────────────────────────────────────────────────────

    async def search_image_sets(
        self,
        datastore_id: str,
        *,
        search_criteria: search.SearchCriteria | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> search.SearchImageSetsResponse:
        """One page of the image sets that meet the criteria; `iter_image_sets` gives them all."""
        request = search.SearchImageSetsRequest(
            datastore_id=datastore_id,
            search_criteria=search_criteria,
            max_results=max_results,
            next_token=next_token,
        )
        return await self._calls.call(search.SEARCH_IMAGE_SETS, request)

    async def get_image_set(
        self, datastore_id: str, image_set_id: str, *, version_id: str | None = None
    ) -> image_sets.GetImageSetResponse:
        """Get the properties of an image set, of its latest version or of the one named."""
        request = image_sets.GetImageSetRequest(
            datastore_id=datastore_id, image_set_id=image_set_id, version_id=version_id
        )
        return await self._calls.call(image_sets.GET_IMAGE_SET, request)

    async def get_image_set_metadata(
        self, datastore_id: str, image_set_id: str, *, version_id: str | None = None
    ) -> blobs.GetImageSetMetadataResponse:
        """The whole metadata document, decompressed and checked; `.document()` parses it.

        Raises `BodyTruncated` or `BodyCorrupt` rather than return a damaged document.
        """
        request = blobs.GetImageSetMetadataRequest(
            datastore_id=datastore_id, image_set_id=image_set_id, version_id=version_id
        )
        return await self._calls.call(blobs.GET_IMAGE_SET_METADATA, request)

    def stream_image_set_metadata(
        self, datastore_id: str, image_set_id: str, *, version_id: str | None = None
    ) -> AbstractAsyncContextManager[streams.BlobStream]:
        """The metadata document as it arrives, decompressed, in constant memory."""
        request = blobs.GetImageSetMetadataRequest(
            datastore_id=datastore_id, image_set_id=image_set_id, version_id=version_id
        )
        return self._calls.stream(blobs.GET_IMAGE_SET_METADATA, request)

    async def get_image_frame(
        self,
        datastore_id: str,
        image_set_id: str,
        *,
        image_frame_information: blobs.ImageFrameInformation,
    ) -> blobs.GetImageFrameResponse:
        """A frame as it is stored; the metadata has its id and the CRC32 of its pixels."""
        request = blobs.GetImageFrameRequest(
            datastore_id=datastore_id,
            image_set_id=image_set_id,
            image_frame_information=image_frame_information,
        )
        return await self._calls.call(blobs.GET_IMAGE_FRAME, request)

    def stream_image_frame(
        self,
        datastore_id: str,
        image_set_id: str,
        *,
        image_frame_information: blobs.ImageFrameInformation,
    ) -> AbstractAsyncContextManager[streams.BlobStream]:
        """A frame as it arrives: leave the block early for a lower resolution of an HTJ2K frame."""
        request = blobs.GetImageFrameRequest(
            datastore_id=datastore_id,
            image_set_id=image_set_id,
            image_frame_information=image_frame_information,
        )
        return self._calls.stream(blobs.GET_IMAGE_FRAME, request)

    async def list_image_set_versions(
        self,
        datastore_id: str,
        image_set_id: str,
        *,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> versions.ListImageSetVersionsResponse:
        """One page of versions, newest first; `iter_image_set_versions` gives them all."""
        request = versions.ListImageSetVersionsRequest(
            datastore_id=datastore_id,
            image_set_id=image_set_id,
            next_token=next_token,
            max_results=max_results,
        )
        return await self._calls.call(versions.LIST_IMAGE_SET_VERSIONS, request)

    async def update_image_set_metadata(
        self,
        datastore_id: str,
        image_set_id: str,
        *,
        latest_version_id: str,
        update_image_set_metadata_updates: updates.MetadataUpdates,
        force: bool | None = None,
        include_study_image_sets: bool | None = None,
    ) -> updates.UpdateImageSetMetadataResponse:
        """Edit the metadata, or go back to a version; wait with `wait_until_image_set_updated`.

        Raises `StaleVersionError` if the image set has moved on from `latest_version_id`. While
        the image set is locked by another action, waits within the call's deadline.
        """
        request = updates.UpdateImageSetMetadataRequest(
            datastore_id=datastore_id,
            image_set_id=image_set_id,
            latest_version_id=latest_version_id,
            update_image_set_metadata_updates=update_image_set_metadata_updates,
            force=force,
            include_study_image_sets=include_study_image_sets,
        )
        return await self._calls.call(updates.UPDATE_IMAGE_SET_METADATA, request)

    async def copy_image_set(
        self,
        datastore_id: str,
        source_image_set_id: str,
        *,
        copy_image_set_information: copies.CopyImageSetInformation,
        force: bool | None = None,
        promote_to_primary: bool | None = None,
    ) -> copies.CopyImageSetResponse:
        """Copy an image set, or some of its instances; wait with `wait_until_image_set_copied`.

        Without a destination a new image set is made, and a lost answer raises
        `WriteOutcomeUnknown`: sending again could copy twice.
        """
        request = copies.CopyImageSetRequest(
            datastore_id=datastore_id,
            source_image_set_id=source_image_set_id,
            copy_image_set_information=copy_image_set_information,
            force=force,
            promote_to_primary=promote_to_primary,
        )
        return await self._calls.call(copies.COPY_IMAGE_SET, request)

    async def delete_image_set(
        self, datastore_id: str, image_set_id: str
    ) -> deletions.DeleteImageSetResponse:
        """Delete an image set and all its versions; wait with `wait_until_image_set_deleted`."""
        request = deletions.DeleteImageSetRequest(
            datastore_id=datastore_id, image_set_id=image_set_id
        )
        return await self._calls.call(deletions.DELETE_IMAGE_SET, request)

    # ── Tags ──────────────────────────────────────────────────────────────────

    async def tag_resource(
        self, resource_arn: str, *, tags: Mapping[str, str]
    ) -> tagging.TagResourceResponse:
        """Add tags to a data store or an image set."""
        request = tagging.TagResourceRequest(resource_arn=resource_arn, tags=_as_dict(tags))
        return await self._calls.call(tagging.TAG_RESOURCE, request)

    async def untag_resource(
        self, resource_arn: str, *, tag_keys: list[str]
    ) -> tagging.UntagResourceResponse:
        """Remove tags from a data store or an image set."""
        request = tagging.UntagResourceRequest(resource_arn=resource_arn, tag_keys=tag_keys)
        return await self._calls.call(tagging.UNTAG_RESOURCE, request)

    async def list_tags_for_resource(
        self, resource_arn: str
    ) -> tagging.ListTagsForResourceResponse:
        """List the tags of a data store or an image set."""
        request = tagging.ListTagsForResourceRequest(resource_arn=resource_arn)
        return await self._calls.call(tagging.LIST_TAGS_FOR_RESOURCE, request)

    # ── Pagers ────────────────────────────────────────────────────────────────

    def iter_datastores(
        self,
        *,
        datastore_status: datastores.DatastoreStatus | None = None,
        page_size: int | None = None,
        limit: int | None = None,
        resume_token: str | None = None,
    ) -> Pager[datastores.DatastoreSummary, datastores.ListDatastoresResponse]:
        """The account's data stores."""
        request = datastores.ListDatastoresRequest(datastore_status=datastore_status)
        return self._pager(
            datastores.LIST_DATASTORES,
            request,
            lambda page: page.datastore_summaries,
            page_size=page_size,
            limit=limit,
            resume_token=resume_token,
        )

    def iter_dicom_import_jobs(
        self,
        datastore_id: str,
        *,
        job_status: import_jobs.JobStatus | None = None,
        page_size: int | None = None,
        limit: int | None = None,
        resume_token: str | None = None,
    ) -> Pager[import_jobs.DICOMImportJobSummary, import_jobs.ListDICOMImportJobsResponse]:
        """The import jobs of a data store, of the last 90 days."""
        request = import_jobs.ListDICOMImportJobsRequest(
            datastore_id=datastore_id, job_status=job_status
        )
        return self._pager(
            import_jobs.LIST_DICOM_IMPORT_JOBS,
            request,
            lambda page: page.job_summaries,
            page_size=page_size,
            limit=limit,
            resume_token=resume_token,
        )

    def iter_image_set_versions(
        self,
        datastore_id: str,
        image_set_id: str,
        *,
        page_size: int | None = None,
        limit: int | None = None,
        resume_token: str | None = None,
    ) -> Pager[versions.ImageSetProperties, versions.ListImageSetVersionsResponse]:
        """The versions of an image set, newest first, failed ones among them."""
        request = versions.ListImageSetVersionsRequest(
            datastore_id=datastore_id, image_set_id=image_set_id
        )
        return self._pager(
            versions.LIST_IMAGE_SET_VERSIONS,
            request,
            lambda page: page.image_set_properties_list,
            page_size=page_size,
            limit=limit,
            resume_token=resume_token,
        )

    def iter_image_sets(
        self,
        datastore_id: str,
        *,
        search_criteria: search.SearchCriteria | None = None,
        page_size: int | None = None,
        limit: int | None = None,
        resume_token: str | None = None,
    ) -> Pager[search.ImageSetsMetadataSummary, search.SearchImageSetsResponse]:
        """The image sets that meet the criteria; without criteria, all of the data store."""
        request = search.SearchImageSetsRequest(
            datastore_id=datastore_id, search_criteria=search_criteria
        )
        return self._pager(
            search.SEARCH_IMAGE_SETS,
            request,
            lambda page: page.image_sets_metadata_summaries,
            page_size=page_size,
            limit=limit,
            resume_token=resume_token,
        )

    def _pager(
        self,
        operation: Operation[Request, Page],
        request: Request,
        items: Callable[[Page], list[Item]],
        *,
        page_size: int | None,
        limit: int | None,
        resume_token: str | None,
    ) -> Pager[Item, Page]:
        async def fetch(token: str | None, size: int | None) -> Page:
            # Every paginated request has both: the contract test holds them to the model.
            page_request = evolve(request, next_token=token, max_results=size)  # type: ignore[misc]
            return await self._calls.call(operation, page_request)

        return Pager(fetch, items, page_size=page_size, limit=limit, resume_token=resume_token)

    # ── Waiters ───────────────────────────────────────────────────────────────

    async def wait_until_image_set_copied(
        self,
        datastore_id: str,
        image_set_id: str,
        *,
        version_id: str | None = None,
        timeout: Duration,
        min_delay: Duration = 0.5,
        max_delay: Duration = 15,
        on_poll: Callable[[image_sets.GetImageSetResponse], object] | None = None,
    ) -> image_sets.GetImageSetResponse:
        """Wait until a copy's image set, destination or source, is ACTIVE again.

        Give the `latest_version_id` of the copy's answer as `version_id`. Raises `WaiterFailed`
        (COPY_FAILED, with the service's message) or `WaiterTimeout`.
        """
        request = image_sets.GetImageSetRequest(
            datastore_id=datastore_id, image_set_id=image_set_id
        )
        patience = waiters.Patience(timeout, min_delay, max_delay)
        return await self._settled("the copy", request, version_id, patience, on_poll)

    async def wait_until_image_set_updated(
        self,
        datastore_id: str,
        image_set_id: str,
        *,
        version_id: str | None = None,
        timeout: Duration,
        min_delay: Duration = 0.5,
        max_delay: Duration = 15,
        on_poll: Callable[[image_sets.GetImageSetResponse], object] | None = None,
    ) -> image_sets.GetImageSetResponse:
        """Wait until an update has finished.

        Give the `latest_version_id` of the update's answer as `version_id`. Raises
        `WaiterFailed` (UPDATE_FAILED, with the service's message) or `WaiterTimeout`.
        """
        request = image_sets.GetImageSetRequest(
            datastore_id=datastore_id, image_set_id=image_set_id
        )
        patience = waiters.Patience(timeout, min_delay, max_delay)
        return await self._settled("the update", request, version_id, patience, on_poll)

    async def wait_until_image_set_deleted(
        self,
        datastore_id: str,
        image_set_id: str,
        *,
        version_id: str | None = None,
        timeout: Duration,
        min_delay: Duration = 0.5,
        max_delay: Duration = 15,
        on_poll: Callable[[image_sets.GetImageSetResponse], object] | None = None,
    ) -> image_sets.GetImageSetResponse | None:
        """Wait until an image set is DELETED, or no longer there (`None`).

        `version_id` is taken as in the other waiters; a deletion takes every version.
        """
        waiters.check_version_id(version_id)
        request = image_sets.GetImageSetRequest(
            datastore_id=datastore_id, image_set_id=image_set_id
        )
        patience = waiters.Patience(timeout, min_delay, max_delay)
        waiter = self._waiter(
            image_sets.GET_IMAGE_SET, request, waiters.judge_deleted, patience, on_poll
        )
        return await waiter.run_until_gone("the deletion")

    async def wait_until_dicom_import_job_completed(
        self,
        datastore_id: str,
        job_id: str,
        *,
        timeout: Duration,
        min_delay: Duration = 2,
        max_delay: Duration = 60,
        on_poll: Callable[[import_jobs.GetDICOMImportJobResponse], object] | None = None,
    ) -> import_jobs.GetDICOMImportJobResponse:
        """Wait until an import job is COMPLETED; `WaiterFailed` if it is FAILED."""
        request = import_jobs.GetDICOMImportJobRequest(datastore_id=datastore_id, job_id=job_id)
        patience = waiters.Patience(timeout, min_delay, max_delay)
        waiter = self._waiter(
            import_jobs.GET_DICOM_IMPORT_JOB, request, waiters.judge_import_job, patience, on_poll
        )
        return await waiter.run("the import job")

    async def wait_until_datastore_active(
        self,
        datastore_id: str,
        *,
        timeout: Duration,
        min_delay: Duration = 2,
        max_delay: Duration = 60,
        on_poll: Callable[[datastores.GetDatastoreResponse], object] | None = None,
    ) -> datastores.GetDatastoreResponse:
        """Wait until a new data store is ACTIVE; `WaiterFailed` if it is CREATE_FAILED."""
        request = datastores.GetDatastoreRequest(datastore_id=datastore_id)
        patience = waiters.Patience(timeout, min_delay, max_delay)
        waiter = self._waiter(
            datastores.GET_DATASTORE, request, waiters.judge_datastore_active, patience, on_poll
        )
        return await waiter.run("the creation of the data store")

    async def wait_until_datastore_deleted(
        self,
        datastore_id: str,
        *,
        timeout: Duration,
        min_delay: Duration = 2,
        max_delay: Duration = 60,
        on_poll: Callable[[datastores.GetDatastoreResponse], object] | None = None,
    ) -> datastores.GetDatastoreResponse | None:
        """Wait until a data store is DELETED, or no longer there (`None`)."""
        request = datastores.GetDatastoreRequest(datastore_id=datastore_id)
        patience = waiters.Patience(timeout, min_delay, max_delay)
        waiter = self._waiter(
            datastores.GET_DATASTORE, request, waiters.judge_datastore_deleted, patience, on_poll
        )
        return await waiter.run_until_gone("the deletion of the data store")

    async def _settled(
        self,
        awaited: str,
        request: image_sets.GetImageSetRequest,
        version_id: str | None,
        patience: waiters.Patience,
        on_poll: Callable[[image_sets.GetImageSetResponse], object] | None,
    ) -> image_sets.GetImageSetResponse:
        judge = waiters.judge_settled(version_id)
        waiter = self._waiter(image_sets.GET_IMAGE_SET, request, judge, patience, on_poll)
        image_set = await waiter.run(awaited)
        if version_id is not None and waiters.versions_beyond(image_set, version_id) > 0:
            # Another action came after: how the awaited one ended, its own version tells.
            own = await self._calls.call(
                image_sets.GET_IMAGE_SET, evolve(request, version_id=version_id)
            )
            if own.image_set_workflow_status in waiters.FAILED_STATUSES:
                raise WaiterFailed(f"{awaited} failed", own, own.message)
        return image_set

    def _waiter(
        self,
        operation: Operation[Request, Response],
        request: Request,
        judge: Callable[[Response], waiters.Judgement],
        patience: waiters.Patience,
        on_poll: Callable[[Response], object] | None,
    ) -> waiters.Waiter[Response]:
        return waiters.Waiter(
            describe=partial(self._calls.call, operation, request),
            longest_look=self.config.deadline,
            judge=judge,
            patience=patience,
            on_poll=on_poll,
            pause=self._calls.pause,
            clock=self.config.clock,
            random=self.config.random,
        )


def _as_dict(tags: Mapping[str, str]) -> dict[str, str]:
    try:
        return dict(tags)
    except (TypeError, ValueError):
        problem = f"must be a mapping, not {type(tags).__name__}"
        raise ParamValidationError("tags", problem) from None
