"""Data stores: CREATING, ACTIVE, DELETING, DELETED."""

from healthimaging_sdk.datastores import (
    CREATE_DATASTORE,
    DELETE_DATASTORE,
    GET_DATASTORE,
    LIST_DATASTORES,
    CreateDatastoreRequest,
    CreateDatastoreResponse,
    DatastoreProperties,
    DatastoreStatus,
    DatastoreSummary,
    DeleteDatastoreRequest,
    DeleteDatastoreResponse,
    GetDatastoreRequest,
    GetDatastoreResponse,
    ListDatastoresRequest,
    ListDatastoresResponse,
    LosslessStorageFormat,
)
from healthimaging_sdk.emulator._events import tell_of_datastore
from healthimaging_sdk.emulator._handles import Handlers
from healthimaging_sdk.emulator._pages import page_of
from healthimaging_sdk.emulator._settling import settling
from healthimaging_sdk.emulator._state import Datastore, State, new_id
from healthimaging_sdk.emulator.tags import check_tags
from healthimaging_sdk.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)

handles = Handlers()


@handles(CREATE_DATASTORE)
async def create_datastore(
    state: State, request: CreateDatastoreRequest
) -> CreateDatastoreResponse:
    def act() -> CreateDatastoreResponse:
        datastore = _make(state, request)
        state.run_in_background(_settle(state, datastore, DatastoreStatus.ACTIVE))
        return CreateDatastoreResponse(datastore_id=datastore.id, datastore_status=datastore.status)

    return state.answer_once(request, request.client_token, act)


def _make(state: State, request: CreateDatastoreRequest) -> Datastore:
    check_tags(request.tags or {}, state.quotas)
    living = [each for each in state.datastores.values() if each.status != DatastoreStatus.DELETED]
    if len(living) >= state.quotas.datastores:
        raise ServiceQuotaExceededException("The account has its maximum number of data stores.")
    datastore_id, now = new_id(), state.now()
    datastore = Datastore(
        id=datastore_id,
        arn=state.datastore_arn(datastore_id),
        name=request.datastore_name or datastore_id,
        status=DatastoreStatus.CREATING,
        created_at=now,
        updated_at=now,
        lossless_storage_format=request.lossless_storage_format or LosslessStorageFormat.HTJ2K,
        kms_key_arn=request.kms_key_arn,
        lambda_authorizer_arn=request.lambda_authorizer_arn,
        tags=dict(request.tags or {}),
    )
    state.datastores[datastore_id] = datastore
    state.changed(datastore)
    tell_of_datastore(state, datastore)
    return datastore


def make_active(state: State, name: str) -> Datastore:
    """A data store without the time that it takes."""
    datastore = _make(state, CreateDatastoreRequest(datastore_name=name))
    datastore.status = DatastoreStatus.ACTIVE
    state.changed(datastore)
    tell_of_datastore(state, datastore)
    return datastore


async def _settle(state: State, datastore: Datastore, status: DatastoreStatus) -> None:
    with settling(state, datastore):
        await state.sleep(state.durations.datastore)
        datastore.status = status
        datastore.updated_at = state.now()
    tell_of_datastore(state, datastore)


@handles(GET_DATASTORE)
async def get_datastore(state: State, request: GetDatastoreRequest) -> GetDatastoreResponse:
    datastore = state.datastore(request.datastore_id)
    return GetDatastoreResponse(
        datastore_properties=DatastoreProperties(
            datastore_id=datastore.id,
            datastore_name=datastore.name,
            datastore_status=datastore.status,
            kms_key_arn=datastore.kms_key_arn,
            lambda_authorizer_arn=datastore.lambda_authorizer_arn,
            lossless_storage_format=datastore.lossless_storage_format,
            datastore_arn=datastore.arn,
            created_at=datastore.created_at,
            updated_at=datastore.updated_at,
        )
    )


@handles(LIST_DATASTORES)
async def list_datastores(state: State, request: ListDatastoresRequest) -> ListDatastoresResponse:
    wanted = request.datastore_status
    found = (each for each in state.datastores.values() if wanted in (None, each.status))
    page, next_token = page_of(
        found,
        lambda each: (round(each.created_at.timestamp() * 1000), each.id),
        descending=True,
        scope=("datastores", wanted),
        next_token=request.next_token,
        max_results=request.max_results,
    )
    return ListDatastoresResponse(
        datastore_summaries=[_summary(each) for each in page], next_token=next_token
    )


def _summary(datastore: Datastore) -> DatastoreSummary:
    return DatastoreSummary(
        datastore_id=datastore.id,
        datastore_name=datastore.name,
        datastore_status=datastore.status,
        datastore_arn=datastore.arn,
        created_at=datastore.created_at,
        updated_at=datastore.updated_at,
    )


@handles(DELETE_DATASTORE)
async def delete_datastore(
    state: State, request: DeleteDatastoreRequest
) -> DeleteDatastoreResponse:
    datastore = state.datastore(request.datastore_id)
    if datastore.status == DatastoreStatus.DELETED:
        raise ResourceNotFoundException("The data store is deleted.")
    if datastore.status == DatastoreStatus.CREATING:
        raise ConflictException("The data store is still being created.")
    if datastore.status in (DatastoreStatus.ACTIVE, DatastoreStatus.CREATE_FAILED):
        _check_empty(datastore)
        datastore.status = DatastoreStatus.DELETING
        datastore.updated_at = state.now()
        state.changed(datastore)
        tell_of_datastore(state, datastore)
        state.run_in_background(_settle(state, datastore, DatastoreStatus.DELETED))
    return DeleteDatastoreResponse(datastore_id=datastore.id, datastore_status=datastore.status)


def _check_empty(datastore: Datastore) -> None:
    if any(True for _ in datastore.living_image_sets()):
        raise ConflictException("The data store still has image sets; delete them first.")
    if datastore.running_jobs():
        raise ConflictException("The data store has an import job that is still running.")
