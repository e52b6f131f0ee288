"""Files of a run on the Hugging Face Hub: which repository, sending, fetching, and what went wrong.

Everything goes through `huggingface_hub`; its settings hold (``HF_TOKEN``, ``HF_ENDPOINT``,
``HF_HOME``, ``HF_HUB_OFFLINE``, proxies). Imports no torch.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from usae_viz.errors import HubError
from usae_viz.portable import REQUIRED, SHARED, is_shared

if TYPE_CHECKING:
    from huggingface_hub import HfApi

# A path object makes one slash of two.
SCHEME = re.compile(r"hf:/{1,2}(?P<name>.*)", re.DOTALL)
PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}"
NAME = re.compile(rf"(?P<id>{PART}/{PART})(@(?P<revision>[^@\s]+))?")
SECONDS = 5.0
"""How long the hub has to answer at all; its client would try for a minute."""
LOG_IN = "`hf auth login`, or set HF_TOKEN to a token of huggingface.co/settings/tokens"


class Repository(NamedTuple):
    """A model repository of the hub.

    Attributes:
        id: ``owner/name``.
        revision: branch, tag or commit; None is the main branch.
    """

    id: str
    revision: str | None = None

    @property
    def name(self) -> str:
        """The part after the owner."""
        return self.id.partition("/")[2]

    def __str__(self) -> str:
        return f"hf://{self.id}" + (f"@{self.revision}" if self.revision else "")


def is_repository(text: str) -> bool:
    """Return whether a run is named as ``hf://…``."""
    return SCHEME.fullmatch(text) is not None


def parse_repository(text: str) -> Repository:
    """Read ``owner/name``, with or without ``hf://`` before and ``@revision`` after it.

    Raises:
        HubError: it is none.
    """
    scheme = SCHEME.fullmatch(text)
    found = NAME.fullmatch(scheme["name"] if scheme else text)
    if found is None:
        raise HubError(
            f"{text!r} names no repository of the hub",
            expected="owner/name or owner/name@revision, as in hf://someone/imagenet-trio",
        )
    return Repository(found["id"], found["revision"])


def fetch(repository: Repository, patterns: tuple[str, ...] = SHARED) -> Path:
    """Return a folder with a run's files, from the hub or, where it is out of reach, its cache.

    The folder is a snapshot in the cache of `huggingface_hub`, to be read only.

    Args:
        repository: which.
        patterns: the files that are wanted, of those that are there.

    Raises:
        HubError: the hub does not answer and nothing is cached; there is no such repository or
            revision, or it is private; it holds no run, or a file name that leads elsewhere.
    """
    from huggingface_hub import snapshot_download

    endpoint = _endpoint()
    try:
        _reach(endpoint)
    except HubError as error:
        try:
            return Path(
                snapshot_download(
                    repository.id,
                    revision=repository.revision,
                    allow_patterns=list(REQUIRED),
                    local_files_only=True,
                )
            )
        except FileNotFoundError:
            raise error from None
    with _explained(repository, endpoint):
        api = _api()
        commit = api.repo_info(repository.id, revision=repository.revision).sha
        tree = api.list_repo_tree(repository.id, recursive=True, revision=commit)
        wanted = wanted_files(str(repository), [entry.path for entry in tree], patterns)
        # By the name of the revision: so that it is found in the cache under it.
        return Path(
            snapshot_download(
                repository.id,
                revision=repository.revision,
                allow_patterns=wanted,
                endpoint=endpoint,
            )
        )


def wanted_files(where: str, names: list[str], patterns: tuple[str, ...]) -> list[str]:
    """Return those names of a listing that are a run's files.

    Args:
        where: what is listed, for errors.
        names: of all files and folders, as the server gave them.
        patterns: the files that are wanted.

    Raises:
        HubError: a name leads out of the folder, or the listing is not that of a run.
    """
    for name in names:
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or re.search(r"[\\:\x00-\x1f]", name):
            raise HubError(
                f"{where} holds a file whose name leads elsewhere",
                expected="names below the run's own folder",
                got=repr(name)[:100],
            )
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise HubError(
            f"{where} is not a run of usae-viz",
            expected=", ".join(REQUIRED),
            got=f"no {', '.join(missing)} among {len(names)} entries",
        )
    return [name for name in names if is_shared(name, patterns)]


def send(
    repository: Repository,
    files: Mapping[str, Path | bytes],
    *,
    message: str,
    private: bool | None = None,
    patterns: tuple[str, ...] = SHARED,
) -> str:
    """Write files into a repository, made if it is not there, as one commit.

    Args:
        repository: where; the revision must be a branch that is there.
        files: what, by path in the repository.
        message: of the commit.
        private: for a repository that is made; None is the account's own default.
        patterns: files of an earlier run that are removed unless they are sent again.

    Returns:
        The commit's address.

    Raises:
        HubError: nobody is logged in, the hub does not answer or refuses.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, get_token

    endpoint = _endpoint()
    if get_token() is None:
        raise HubError("nobody is logged in to the Hugging Face Hub", hint=LOG_IN)
    _reach(endpoint)
    with _explained(repository, endpoint):
        api = _api()
        api.create_repo(repository.id, private=private, exist_ok=True)
        there = api.list_repo_files(repository.id, revision=repository.revision)
        stale = [name for name in there if is_shared(name, patterns) and name not in files]
        commit = api.create_commit(
            repository.id,
            [
                *(CommitOperationAdd(name, content) for name, content in files.items()),
                *(CommitOperationDelete(name) for name in stale),
            ],
            commit_message=message,
            revision=repository.revision,
        )
    return str(commit.commit_url)


def _api() -> HfApi:
    from huggingface_hub import HfApi

    return HfApi(endpoint=_endpoint(), library_name="usae-viz")


def _endpoint() -> str:
    from huggingface_hub import constants

    # The environment as it is now; `huggingface_hub` read it when it was imported.
    return os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")


def _reach(endpoint: str) -> None:
    """Ask once, briefly, whether the hub answers."""
    from huggingface_hub import get_session

    try:
        get_session().head(endpoint, timeout=SECONDS)
    # The client's own errors, whose base class has changed with its versions.
    except Exception as error:
        raise HubError(
            f"{endpoint} does not answer",
            got=f"{type(error).__name__}: {str(error)[:200]}",
            hint="check the network, HTTPS_PROXY, HF_ENDPOINT and HF_HUB_OFFLINE",
        ) from error


@contextmanager
def _explained(repository: Repository, endpoint: str) -> Iterator[None]:
    """Turn what `huggingface_hub` raises into errors that say what to do."""
    from huggingface_hub import errors

    try:
        yield
    except HubError:
        raise
    except errors.GatedRepoError as error:
        raise HubError(
            f"{repository} is gated",
            hint=f"ask for access at {endpoint}/{repository.id}, then {LOG_IN}",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"{endpoint} has no model {repository.id}, or it is private",
            hint=f"check the name; for a private one: {LOG_IN}",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HubError(
            f"{repository.id} has no revision {repository.revision!r}",
            hint=f"{endpoint}/{repository.id}/commits/main lists them",
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        refused = status in (401, 403)
        raise HubError(
            f"{endpoint} refused {repository.id}" if refused else f"{endpoint} answered {status}",
            got=" ".join(str(error).split())[:300],
            hint=f"use a token that may write there: {LOG_IN}" if refused else "try again later",
        ) from error
    # Connections that break midway, full disks, answers that cannot be read.
    except Exception as error:
        raise HubError(
            f"{repository} could not be moved",
            got="; ".join(f"{type(e).__name__}: {str(e)[:200]}" for e in _chain(error)),
            hint="call again: what has been moved is not moved twice",
        ) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
