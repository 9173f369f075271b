"""The blueprint: frozen models, unknown keys refused, every field with a default or a reason.

These classes say what may be written and what it means; whether names exist and things fit is for
later stages. ``planner schema`` prints them as JSON Schema.

Annotations are evaluated here as they stand, unlike in other modules: as text, pydantic would
compile each of the hundred once more at every start.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from planner.blueprint.quantities import (
    NAME_PATTERN,
    Amount,
    Bytes,
    EnergyRate,
    HourlyRate,
    Hours,
    Share,
    TokenRate,
    Tokens,
)

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[
    tuple[Name, ...],
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
]
Count = Annotated[int, Field(ge=1, le=1_000_000_000_000, strict=True)]
Replicas = Annotated[int, Field(ge=1, le=1000, strict=True)]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
Text = Annotated[str, StringConstraints(min_length=1)]
SecretText = Annotated[
    str,
    StringConstraints(pattern="^secret:[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"),
    Field(description="secret:<name>, where the name stands under `secrets`"),
]
Variable = Annotated[str, StringConstraints(pattern="^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]


class Tier(StrEnum):
    """Where an adapter lives between requests."""

    VRAM = "vram"
    RAM = "ram"
    DISK = "disk"


class Exposure(StrEnum):
    """Who can reach a port: the host itself, its private network, or everybody."""

    LOOPBACK = "loopback"
    LAN = "lan"
    PUBLIC = "public"


class Task(StrEnum):
    """What a model is for."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    SPEECH = "speech"
    IMAGE = "image"


class RuntimeChoice(StrEnum):
    """What runs workloads on a host."""

    COMPOSE = "compose"
    SYSTEMD = "systemd"


class Section(BaseModel):
    """Base of every part of a blueprint: frozen, and no key that is not named here."""

    # Deferred: only the whole is ever validated, so building a validator for every part as it is
    # defined would double the time to start.
    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )


class Device(Section):
    """A GPU of a host, where its name alone does not say enough."""

    name: Text
    uuid: Text | None = None
    memory: Bytes | None = None


def _devices(value: Any) -> Any:
    items = [value] if isinstance(value, str | dict) else value
    if not isinstance(items, list):
        return items
    return [{"name": item} if isinstance(item, str) else item for item in items]


Devices = Annotated[
    tuple[Device, ...],
    BeforeValidator(_devices, json_schema_input_type=str | list[str | Device]),
]


class Owned(Section):
    """What a host cost to buy, and over how many years that is spread; ``paid`` when the money is
    spent, so that no budget can save it."""

    price: Amount
    years: Annotated[float, Field(gt=0)] = 4.0
    paid: bool = False


class Power(Section):
    """Watts at the wall, and the share of the time the host works."""

    idle: Annotated[int, Field(ge=0)] | None = None
    loaded: Annotated[int, Field(ge=0)] | None = None
    duty: Share | None = None


class Rent(Section):
    """A device rented by the hour, with the most it may cost."""

    provider: Text
    gpu: Text
    count: Count = 1
    at_most: HourlyRate | None = None
    hours: Hours | None = None
    kind: Text | None = None
    disk: Bytes | None = None
    traffic: Bytes | None = None  # a month, both ways together


class Keep(Section):
    """Room that stays free on a host."""

    ram: Bytes | None = None
    vram: Bytes | None = None
    disk: Bytes | None = None


# Built at once, because blueprint and inventory both take its validator over.
class Host(Section, defer_build=False):
    """A machine: own (``address``), a VM within another, or rented."""

    address: Text | None = None
    identity: Text | None = None
    helper: Annotated[bool, Field(strict=True)] = False
    gpus: Devices = ()
    cpu: Text | None = None
    sockets: Count = 1
    ram: Bytes | None = None
    disk: Bytes | None = None
    runtime: RuntimeChoice = RuntimeChoice.COMPOSE
    within: Name | None = None
    listen: Text | None = None
    owned: Owned | None = None
    power: Power | None = None
    rent: Rent | None = None
    keep_free: Keep | None = None


class ImageArchive(Section):
    """An image in a file that planner pushes: a root folder as tar, or a ``docker save``."""

    archive: Text


class Secret(Section):
    """Where a secret comes from; planner makes one up when nothing is written."""

    env: Variable | None = None
    file: Text | None = None
    sops: Text | None = None
    key: Text | None = None
    age: Text | None = None
    identity: Text | None = None
    prompt: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        written = [name for name in ("env", "file", "sops", "age") if getattr(self, name)]
        written += ["prompt"] if self.prompt else []
        if len(written) > 1:
            raise ValueError(f"it names {' and '.join(written)}: keep one of them")
        if self.key and not self.sops:
            raise ValueError("key says where in a sops file it stands: write sops too")
        if self.identity and not self.age:
            raise ValueError("identity is for a file of age: write age too")
        return self


def _tiers(value: Any) -> Any:
    if isinstance(value, list):
        return {name: Tier.VRAM for name in value if isinstance(name, str)}
    return value


# More layers than any model has: every one of them.
EVERY_LAYER = 999


def _all_layers(value: Any) -> Any:
    return EVERY_LAYER if value == "all" else value


Tiers = Annotated[
    dict[Name, Tier],
    BeforeValidator(_tiers, json_schema_input_type=dict[str, Tier] | list[str]),
]


class Server(Section):
    """A server that planner does not know: where it listens, and what answers when it is ready."""

    port: Port
    health: Annotated[str, StringConstraints(pattern=r"^/\S*$")] = "/health"


class TokenPrice(Section):
    """What clients with a ``monthly_cost`` pay for a model's tokens, read and written."""

    input: TokenRate
    output: TokenRate


class Model(Section):
    """A model to serve: where its weights are, how it runs, and where."""

    source: Text
    task: Task = Task.CHAT
    quant: Text | None = None
    engine: Text | None = None
    engine_version: Text | None = None
    image: Annotated[
        Text | ImageArchive | None,
        Field(description="a registry image by digest, or {archive: path}"),
    ] = None
    binary: Text | None = None
    context: Tokens | None = None
    parallel: Count | None = None
    kv_dtype: Text | None = None
    replicas: Replicas = 1
    tensor_parallel: Count | None = None
    pipeline_parallel: Count | None = None
    expert_parallel: bool = False
    gpu_layers: Annotated[int, Field(ge=0)] | None = None
    cpu_moe: Annotated[
        Annotated[int, Field(ge=0)] | None,
        BeforeValidator(_all_layers, json_schema_input_type=int | Literal["all"] | None),
    ] = None
    override_tensor: tuple[
        Annotated[str, StringConstraints(pattern=r"^[^=\s]+=[A-Za-z0-9]+$")], ...
    ] = ()
    split_mode: Literal["layer", "row", "tensor", "none"] | None = None
    threads: Count | None = None
    numa: tuple[Annotated[int, Field(ge=0)], ...] = ()
    cpus: Annotated[str, StringConstraints(pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$")] | None = None
    experts_per_token: Count | None = None
    yarn: Annotated[float, Field(gt=1)] | None = None
    adapters: Tiers = {}
    on: Names = ()
    near: Name | None = None
    expose: Exposure = Exposure.LOOPBACK
    port: Port | None = None
    extra_args: tuple[str, ...] = ()
    environment: dict[Variable, Text] = {}
    api_key: SecretText | None = None
    hub_token: SecretText | None = None
    footprint: Bytes | None = None
    server: Server | None = None
    price: TokenPrice | None = None


class Adapter(Section):
    """A LoRA adapter: the base it was trained on, and its files."""

    base: Text
    source: Text
    rank: Count | None = None
    target_modules: tuple[Text, ...] = ()
    notice: Text | None = None


class Storage(StrEnum):
    """Where a store keeps something."""

    RAM = "ram"
    DISK = "disk"


class StoreKeep(Section):
    """Where a store keeps its full vectors, its quantized copies and its graph."""

    vectors: Storage = Storage.RAM
    quantized: Storage | None = None
    graph: Storage = Storage.RAM


class Store(Section):
    """A vector store, sized by pages."""

    engine: Literal["qdrant", "pgvector", "chroma", "faiss", "milvus", "weaviate"]
    pages: Count | None = None
    tokens_per_page: Count = 500
    chunk: Count = 512
    overlap: Annotated[int, Field(ge=0)] = 64
    embed_with: Name | None = None
    dimensions: Count | None = None
    precision: Literal["float32", "float16"] = "float32"
    index: Annotated[
        Literal["hnsw", "ivf", "flat"] | None,
        Field(description="how it searches: a graph, clusters, or every vector"),
    ] = None
    m: Annotated[Count | None, Field(description="links of a node in an hnsw index")] = None
    lists: Annotated[Count | None, Field(description="clusters of an ivf index")] = None
    quantization: Literal["none", "scalar", "binary", "product"] = "none"
    keep: StoreKeep = StoreKeep()
    on: Names = ()


class Sampling(Section):
    """How a role samples."""

    temperature: Annotated[float, Field(ge=0, le=5)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Count | None = None
    max_tokens: Count | None = None


class Role(Section):
    """What a client asks for by name at the gateway."""

    model: Name
    adapter: Names = ()
    system: Text | None = None
    knowledge: Name | None = None
    sampling: Sampling | None = None
    notice: Text | None = None
    fallback: Name | None = None


class Service(Section):
    """A service beside the models, such as n8n."""

    on: Names = ()
    image: Text | ImageArchive | None = None
    version: Text | None = None
    expose: Exposure = Exposure.LOOPBACK
    port: Port | None = None
    environment: dict[Variable, Text] = {}


class Client(Section):
    """Somebody who may ask the gateway, by a key of its own."""

    roles: Names = ()
    models: Names = ()
    monthly_tokens: Tokens | None = None
    monthly_cost: Amount | None = None


class Caddy(Section):
    """The program that stands before the gateway, and before the engines of other hosts."""

    image: Text | ImageArchive | None = None
    binary: Text | None = None


class Gateway(Section):
    """The one address clients use."""

    on: Names = ()
    expose: Exposure = Exposure.LOOPBACK
    port: Port | None = None
    domain: Text | None = None
    image: Annotated[
        Text | ImageArchive | None,
        Field(description="a registry image by digest, or {archive: path}"),
    ] = None
    version: Text | None = None
    caddy: Caddy = Caddy()
    clients: dict[Name, Client] = {}


class Budget(Section):
    """What a month may cost, and what a kilowatt-hour costs."""

    monthly: Amount | None = None
    electricity: EnergyRate | None = None
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None = None


class Blueprint(Section):
    """One file that says what a private LLM farm should be."""

    planner: Literal[1]
    project: Name
    inventory: Text | None = None
    hosts: Annotated[dict[Name, Host], Field(max_length=1000)] = {}
    models: Annotated[dict[Name, Model], Field(max_length=1000)] = {}
    adapters: dict[Name, Adapter] = {}
    stores: dict[Name, Store] = {}
    roles: dict[Name, Role] = {}
    services: dict[Name, Service] = {}
    gateway: Gateway | None = None
    secrets: dict[Name, Secret | None] = {}
    budget: Budget | None = None


class Inventory(Section):
    """Hosts shared by several blueprints."""

    planner: Literal[1]
    hosts: dict[Name, Host]
